// What the pages do better with a script. Everything here also works without it, by whole pages.
(() => {
  "use strict";
  const root = document.querySelector(".og");
  if (!root) return;
  const find = (selector, within = root) => within.querySelector(selector);
  const findAll = (selector, within = root) => [...within.querySelectorAll(selector)];

  // Says something to screen readers.
  const say = (text) => {
    const live = find("#og-live");
    if (!live || !text) return;
    live.textContent = "";
    requestAnimationFrame(() => { live.textContent = text; });
  };

  const fetchPage = async (url, options = {}) => {
    const answer = await fetch(url, { ...options, headers: { Accept: "text/html", ...options.headers }, credentials: "same-origin" });
    if (!(answer.headers.get("content-type") || "").startsWith("text/html")) throw new Error("not a page");
    return { answer, page: new DOMParser().parseFromString(await answer.text(), "text/html") };
  };

  // What has the focus after this had it: itself; the new row of whoever added one; when the last row was removed,
  // the button to add one.
  const successor = ({ id, name }) => {
    const again = document.getElementById(id) || document.getElementById(id.replace(/-r\d+$/, "-add"));
    if (name !== "add-row" || !again) return again;
    const row = findAll(".og-row, .og-rule", again.closest("fieldset, .og-rows")).pop();
    return (row && find("input, select, textarea", row)) || again;
  };

  // Replaces an element by the one of the same id in another page, and keeps the focus where it was.
  const swap = (id, page) => {
    const old = document.getElementById(id);
    const fresh = page.getElementById(id);
    if (!old || !fresh) return false;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    // A server never sends a secret back, so what was typed is carried over here.
    const typed = findAll("[data-keep]", old).filter((input) => input.value).map((input) => [input.id, input.value]);
    old.replaceWith(document.adoptNode(fresh));
    for (const [inputId, value] of typed) {
      const input = document.getElementById(inputId);
      if (input) input.value = value;
    }
    prepare(fresh);
    (find("[data-focus]", fresh) || (focused && successor(focused)))?.focus();
    say(find("[data-say]", fresh)?.dataset.say);
    return true;
  };

  // Buttons with `data-swap` send their form and put only a part of the answer into this page.
  const submitAndSwap = async (form, button) => {
    if (button.getAttribute("aria-busy") === "true") return;
    const body = new URLSearchParams(new FormData(form, button));
    button.setAttribute("aria-busy", "true");
    if (button.dataset.busy) button.textContent = button.dataset.busy;
    try {
      const { answer, page } = await fetchPage(button.formAction || form.action, { method: "POST", body });
      if (answer.redirected || !swap(button.dataset.swap, page)) location.assign(answer.url);
    } catch {
      form.submit();
    }
  };

  root.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (event.defaultPrevented || !button) return;
    if (button.dataset.swap) {
      event.preventDefault();
      submitAndSwap(event.target, button);
    } else if (event.target.method === "post") {
      // Not disabled: a disabled button would not be sent.
      if (button.getAttribute("aria-busy") === "true") event.preventDefault();
      button.setAttribute("aria-busy", "true");
    }
  });
  addEventListener("pageshow", () => findAll("[aria-busy=true]").forEach((busy) => busy.removeAttribute("aria-busy")));

  // Links with `data-dialog` open their page's main part in a dialog.
  const openDialog = async (link) => {
    let page;
    try {
      ({ page } = await fetchPage(link.href));
    } catch {
      location.assign(link.href);
      return;
    }
    const body = page.getElementById("og-dialog");
    if (!body) { location.assign(link.href); return; }
    const dialog = document.createElement("dialog");
    dialog.className = "og-dialog " + (link.dataset.dialog === "small" ? "og-dialog-small" : "");
    const inner = document.createElement("div");
    inner.className = "og-dialog-body";
    inner.append(...document.adoptNode(body).childNodes);
    const close = document.createElement("button");
    close.type = "button";
    close.className = "og-button og-button-quiet og-button-icon og-dialog-close";
    close.setAttribute("aria-label", root.dataset.close);
    close.textContent = "✕";
    close.addEventListener("click", () => dialog.close());
    dialog.append(inner, close);
    const heading = find("h1", inner);
    if (heading) { heading.id ||= "og-dialog-title"; dialog.setAttribute("aria-labelledby", heading.id); }
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-dismiss]")) { event.preventDefault(); dialog.close(); }
    });
    dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
    root.append(dialog);
    prepare(dialog);
    dialog.showModal();
    find("[data-focus]", dialog)?.focus();
  };

  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    openDialog(link);
  });

  // A search over what is already on the page.
  const filterTiles = (input) => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const tiles = findAll("[data-words]", input.closest("[data-tiles]"));
    let shown = 0;
    for (const tile of tiles) {
      tile.hidden = !words.every((word) => tile.dataset.words.includes(word));
      shown += tile.hidden ? 0 : 1;
    }
    const none = find("[data-none]", input.closest("[data-tiles]"));
    if (none) none.hidden = shown > 0;
  };

  // A search that asks the server, while one types.
  let timer = 0;
  let asked = 0;
  const filterList = (form) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const url = new URL(form.action);
      const entries = [...new FormData(form)].filter(([, value]) => value !== "");
      url.search = new URLSearchParams(entries).toString();
      const mine = ++asked;
      try {
        const { page } = await fetchPage(url);
        if (mine === asked && swap("og-results", page)) history.replaceState(null, "", url);
      } catch {
        form.submit();
      }
    }, 180);
  };

  // Fields that only count when another has a certain value.
  const showDependent = (within) => {
    for (const field of findAll("[data-shown-if]", within)) {
      const controls = findAll(`[name="${CSS.escape(field.dataset.shownIf)}"]`).filter((control) => control.type !== "hidden");
      const wanted = field.dataset.shownIs.split("\n");
      const is = controls.some((control) => {
        if (control.type !== "checkbox") return wanted.includes(control.value);
        return control.checked ? wanted.includes(control.value) : wanted.includes("false");
      });
      field.hidden = controls.length > 0 && !is;
    }
  };

  // Puts a text into the clipboard, also where pages may not do so themselves.
  const copy = async (button) => {
    const text = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(text.textContent);
    } catch {
      getSelection().selectAllChildren(text);
      document.execCommand("copy");
      getSelection().removeAllRanges();
    }
    const label = button.textContent;
    button.textContent = button.dataset.copied;
    say(button.dataset.copied);
    setTimeout(() => { button.textContent = label; }, 2000);
  };

  // What has to be done to each new part of the page.
  const prepare = (part) => {
    showDependent(root);
    for (const button of findAll("button[data-copy]", part)) {
      button.hidden = false;
      button.addEventListener("click", () => copy(button));
    }
    for (const select of findAll("select[data-choose]", part)) {
      const button = document.getElementById(select.dataset.choose);
      button.hidden = true;
      select.addEventListener("change", () => select.form.requestSubmit(button));
    }
    for (const input of findAll("input[data-filter-tiles]", part)) {
      input.addEventListener("input", () => filterTiles(input));
      filterTiles(input);
    }
    for (const form of findAll("form[data-filter-list]", part)) {
      form.addEventListener("input", () => filterList(form));
      form.addEventListener("submit", (event) => { event.preventDefault(); filterList(form); });
      findAll("[data-unscripted]", form).forEach((button) => { button.hidden = true; });
    }
    for (const form of findAll("form[data-settings]", part)) {
      form.addEventListener("change", (event) => {
        showDependent(root);
        const refresh = findAll("button[data-refresh]", form).filter((button) => button.dataset.refresh.split(" ").includes(event.target.name));
        refresh.forEach((button) => form.requestSubmit(button));
      });
    }
  };

  prepare(root);
  find("[data-focus]:not([data-quiet])")?.focus();
})();
