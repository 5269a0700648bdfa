// What the script of a surface finds around it: the names that it registers its callbacks under, its visit, and the few
// parts of a browser that such scripts use. `native` is the engine's side: `parseUrl` and `log`.
(function (native) {
  "use strict";

  const listeners = new Map();
  let waiting = new Map();
  let requests = [];
  let last = 0;
  let run = null;

  // ---- What the host calls.

  const host = {
    events: () => JSON.stringify([...listeners.keys()]),

    // Begins an event. Its callbacks run one after the other, each seeing what the one before has changed.
    emit(event, text) {
      const given = JSON.parse(text);
      waiting = new Map();
      requests = [];
      run = { over: false, error: null, go: null, state: null };
      const mine = run;
      mine.state = visit(given, mine);
      const call = async () => {
        for (const listener of listeners.get(event) ?? []) {
          const answer = await listener(mine.state, given.value);
          if (Array.isArray(answer?.surfaceRouteConfig)) mine.state.surfaceRouteConfig = answer.surfaceRouteConfig;
        }
      };
      call().then(
        () => (mine.over = true),
        (error) => {
          mine.over = true;
          mine.error = described(error);
        },
      );
    },

    // What came of something that the host was asked for.
    answer(id, text) {
      const asked = waiting.get(id);
      if (!asked) return;
      waiting.delete(id);
      const answer = JSON.parse(text);
      if (answer.error !== undefined) asked.reject(new TypeError(answer.error));
      else asked.resolve(answer);
    },

    // What the host is to do next.
    turn() {
      if (!run.over) {
        const asked = requests;
        requests = [];
        return JSON.stringify({ requests: asked });
      }
      const { surfaceRouteConfig: elements, surfaceInputsData: inputs, surfaceData: data } = run.state;
      return JSON.stringify({ over: { elements, inputs, data: data ?? null, go: run.go, error: run.error } });
    },
  };

  function ask(request) {
    const id = ++last;
    requests.push({ id, ...request });
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  }

  function described(error) {
    if (error instanceof Error) return { name: error.name, message: error.message, stack: error.stack ?? "" };
    return { name: "Error", message: typeof error === "string" ? error : "", stack: "" };
  }

  // ---- The visit.

  function visit(given, run) {
    const find = (elements, id) => {
      for (const element of elements) {
        if (element.id === id) return element;
        const inner = Array.isArray(element.contents) ? find(element.contents, id) : undefined;
        if (inner) return inner;
      }
    };
    const state = {
      surfaceData: given.data ?? {},
      surfaceConfig: given.surface,
      surfaceRouteConfig: given.elements,
      surfaceInputsData: given.inputs,
      integrationContext: given.context,
      integrationNavigation: {
        ...given.place,
        navigateTo: (path) => void (run.go = { route: String(path) }),
        navigateExternally: (url) => void (run.go = { external: String(url) }),
      },
      fetch,
      picker: {
        getElementById: (id) => find(state.surfaceRouteConfig, id),
        getFormElementById: (form, id) => find(state.surfaceRouteConfig, `${form}_${id}`),
        getFormInputValue: (form, id) => state.surfaceInputsData[`${form}_${id}`],
        setFormInputValue: (form, id, value) => void (state.surfaceInputsData[`${form}_${id}`] = value),
      },
    };
    return state;
  }

  // ---- The parts of a browser.

  class Headers {
    #all = new Map();
    constructor(init) {
      const pairs = init instanceof Headers || Array.isArray(init) ? init : Object.entries(init ?? {});
      for (const [name, value] of pairs) this.append(name, value);
    }
    append(name, value) {
      const old = this.get(name);
      this.set(name, old === null ? value : `${old}, ${value}`);
    }
    set(name, value) {
      this.#all.set(String(name).toLowerCase(), String(value).trim());
    }
    get(name) {
      return this.#all.get(String(name).toLowerCase()) ?? null;
    }
    has(name) {
      return this.#all.has(String(name).toLowerCase());
    }
    delete(name) {
      this.#all.delete(String(name).toLowerCase());
    }
    forEach(each, self) {
      for (const [name, value] of this) each.call(self, value, name, this);
    }
    keys() {
      return this.#all.keys();
    }
    values() {
      return this.#all.values();
    }
    entries() {
      return this.#all.entries();
    }
    [Symbol.iterator]() {
      return this.entries();
    }
  }

  class Response {
    #body;
    #used = false;
    constructor(body = "", { status = 200, statusText = "", headers } = {}) {
      this.#body = body === null ? "" : String(body);
      this.status = status;
      this.statusText = statusText;
      this.headers = new Headers(headers);
    }
    get ok() {
      return this.status >= 200 && this.status < 300;
    }
    get bodyUsed() {
      return this.#used;
    }
    async text() {
      if (this.#used) throw new TypeError("the body has been read already");
      this.#used = true;
      return this.#body;
    }
    async json() {
      return JSON.parse(await this.text());
    }
    clone() {
      return new Response(this.#body, this);
    }
  }

  class URLSearchParams {
    #pairs = [];
    #changed;
    constructor(init = "", changed = () => {}) {
      this.#changed = changed;
      if (typeof init === "string") {
        const plain = (text) => decodeURIComponent(text.replaceAll("+", " "));
        for (const part of init.replace(/^\?/, "").split("&").filter(Boolean)) {
          const at = part.indexOf("=");
          this.#pairs.push(at < 0 ? [plain(part), ""] : [plain(part.slice(0, at)), plain(part.slice(at + 1))]);
        }
      } else {
        const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
        for (const [name, value] of pairs) this.#pairs.push([String(name), String(value)]);
      }
    }
    append(name, value) {
      this.#pairs.push([String(name), String(value)]);
      this.#changed();
    }
    set(name, value) {
      const at = this.#pairs.findIndex(([there]) => there === name);
      if (at < 0) return this.append(name, value);
      this.#pairs = this.#pairs.filter(([there], index) => there !== name || index === at);
      this.#pairs[at][1] = String(value);
      this.#changed();
    }
    delete(name) {
      this.#pairs = this.#pairs.filter(([there]) => there !== name);
      this.#changed();
    }
    get(name) {
      return this.#pairs.find(([there]) => there === name)?.[1] ?? null;
    }
    getAll(name) {
      return this.#pairs.filter(([there]) => there === name).map(([, value]) => value);
    }
    has(name) {
      return this.get(name) !== null;
    }
    forEach(each, self) {
      for (const [name, value] of this.#pairs) each.call(self, value, name, this);
    }
    *entries() {
      yield* this.#pairs;
    }
    [Symbol.iterator]() {
      return this.entries();
    }
    toString() {
      const coded = (text) => encodeURIComponent(text).replaceAll("%20", "+");
      return this.#pairs.map(([name, value]) => `${coded(name)}=${coded(value)}`).join("&");
    }
  }

  class URL {
    #parts;
    #params;
    constructor(input, base) {
      const parsed = native.parseUrl(String(input), base === undefined ? "" : String(base));
      if (parsed === "") throw new TypeError(`Invalid URL: ${input}`);
      this.#parts = JSON.parse(parsed);
      this.#params = new URLSearchParams(this.#parts.search, () => {
        const text = this.#params.toString();
        this.#parts.search = text && `?${text}`;
      });
    }
    get searchParams() {
      return this.#params;
    }
    get protocol() {
      return this.#parts.protocol;
    }
    get host() {
      return this.#parts.host;
    }
    get hostname() {
      return this.#parts.hostname;
    }
    get port() {
      return this.#parts.port;
    }
    get origin() {
      return this.#parts.origin;
    }
    get pathname() {
      return this.#parts.pathname;
    }
    set pathname(path) {
      this.#parts = JSON.parse(native.parseUrl(String(path).replace(/[?#]/g, encodeURIComponent), this.href));
    }
    get search() {
      return this.#parts.search;
    }
    set search(text) {
      const search = String(text).replace(/^\?/, "");
      this.#parts.search = search && `?${search}`;
      for (const [name] of [...this.#params]) this.#params.delete(name);
      for (const [name, value] of new URLSearchParams(search)) this.#params.append(name, value);
    }
    get hash() {
      return this.#parts.hash;
    }
    set hash(text) {
      this.#parts.hash = text && `#${String(text).replace(/^#/, "")}`;
    }
    get href() {
      return this.#parts.before + this.#parts.pathname + this.#parts.search + this.#parts.hash;
    }
    toString() {
      return this.href;
    }
    toJSON() {
      return this.href;
    }
    static canParse(input, base) {
      return native.parseUrl(String(input), base === undefined ? "" : String(base)) !== "";
    }
  }

  async function fetch(input, init = {}) {
    const url = String(input?.url ?? input);
    const method = String(init.method ?? input?.method ?? "GET").toUpperCase();
    const headers = [...new Headers(init.headers ?? input?.headers)];
    const body = init.body === undefined || init.body === null ? "" : String(init.body);
    const { status, headers: answered, body: text } = await ask({ fetch: { url, method, headers, body } });
    return new Response(text, { status, headers: answered });
  }

  let timers = new Set();
  function setTimeout(callback, milliseconds = 0, ...values) {
    const timer = last + 1;
    timers.add(timer);
    ask({ sleep: Math.max(0, Number(milliseconds) || 0) }).then(() => {
      if (timers.delete(timer)) callback(...values);
    });
    return timer;
  }
  const clearTimeout = (timer) => void timers.delete(timer);

  const say = (...values) => native.log(values.map((value) => (typeof value === "string" ? value : shown(value))).join(" "));
  function shown(value) {
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  }

  const given = {
    netlifyContext: {
      on(event, listener) {
        const there = listeners.get(String(event)) ?? [];
        listeners.set(String(event), [...there, listener]);
      },
    },
    console: { log: say, info: say, warn: say, error: say, debug: say },
    fetch,
    Headers,
    Response,
    URL,
    URLSearchParams,
    setTimeout,
    clearTimeout,
    structuredClone: (value) => JSON.parse(JSON.stringify(value)),
    queueMicrotask: (callback) => void Promise.resolve().then(callback),
  };
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
  }
  return host;
});
