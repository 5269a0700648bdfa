// Runs the function of one integration, as it was built: calls come as lines of JSON on the standard input, answers go as
// lines of JSON to the standard output, and what the function prints goes to the standard error. When the input ends, so
// does this process.
import https from "node:https";
import http from "node:http";
import { register } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [file, slug, api] = process.argv.slice(1);

const send = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
const answer = (line) => send(`${JSON.stringify(line)}\n`);

// The build imports a folder, which Node does not take by itself.
register(
  `data:text/javascript,${encodeURIComponent(`
    export async function resolve(specifier, context, next) {
      try {
        return await next(specifier, context);
      } catch (error) {
        if (error.code !== "ERR_UNSUPPORTED_DIR_IMPORT") throw error;
        return next(specifier.replace(/\\/*$/, "/index.js"), context);
      }
    }
  `)}`,
);

// The vendor's hosts are this platform here. Its names stand in the SDK itself, where no setting reaches them.
const own = new Map([
  ["api.netlifysdk.com", api],
  ["api.netlify.com", api],
  ["jigsaw.services-prod.nsvcs.net", api],
  ["jigsaw.services-staging.netlifystg.app", api],
  [`netlify-integration-${slug}.netlify.app`, `${api}/surfaces/${slug}`],
]);

function redirected(url) {
  const base = own.get(url.hostname);
  if (url.protocol !== "https:" || base === undefined) return null;
  return new URL(`${base}${url.pathname}${url.search}`);
}

const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const asked = input instanceof Request ? input.url : String(input);
  const to = URL.canParse(asked) ? redirected(new URL(asked)) : null;
  if (to === null) return plainFetch(input, init);
  return plainFetch(input instanceof Request ? new Request(to, input) : to, init);
};

const plainRequest = https.request;
https.request = (...given) => {
  const options = typeof given[0] === "string" || given[0] instanceof URL ? given[1] ?? {} : given[0];
  const asked =
    options === given[0]
      ? `https://${options.hostname ?? options.host}${options.path ?? "/"}`
      : String(given[0]);
  const to = URL.canParse(asked) ? redirected(new URL(asked)) : null;
  if (to === null) return plainRequest(...given);
  const { agent, host, hostname, port, path, protocol, href, servername, headers, ...others } =
    typeof options === "function" ? {} : options;
  const kept = new Map(Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== "host"));
  const callback = given.find((value) => typeof value === "function");
  const module = to.protocol === "https:" ? { request: plainRequest } : http;
  return module.request(to, { ...others, headers: Object.fromEntries(kept) }, callback);
};
https.get = (...given) => {
  const request = https.request(...given);
  request.end();
  return request;
};

process.on("unhandledRejection", (error) => console.error("unhandled:", error));

let handler;
let names;
try {
  const integration = await import(new URL("../integration/index.js", pathToFileURL(file)));
  ({ handler } = await import(pathToFileURL(file)));
  names = Object.keys(integration.integration.handlers);
  if (typeof handler !== "function") throw new TypeError("the function exports no handler");
} catch (error) {
  answer({ failed: `${error?.message ?? error}` });
  process.exit(1);
}

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { id, event } = JSON.parse(line);
    try {
      // A call without a body has none at all: handlers take `null` for one that is missing.
      if (event.body === null) event.body = "";
      const { statusCode, headers, multiValueHeaders, body, isBase64Encoded } = (await handler(event, {})) ?? {};
      answer({ id, answer: { statusCode, headers, multiValueHeaders, body, isBase64Encoded } });
    } catch (error) {
      console.error(error);
      answer({ id, error: `${error?.message ?? error}` });
    }
  })
  .on("close", () => process.exit(0));

answer({ ready: { handlers: names } });
