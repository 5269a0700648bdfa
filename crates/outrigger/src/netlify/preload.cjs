'use strict'

// Loaded into the netlify CLI by NODE_OPTIONS=--require=THIS_FILE. The CLI asks a second host, beside the API it can be
// pointed at, about extensions, and has no option to move it; when that host does not answer, the CLI silently drops
// add-ons and variables. Requests for that host go to OUTRIGGER_EXTENSIONS_URL instead; without it nothing is changed.

const http = require('node:http')
const https = require('node:https')
const { syncBuiltinESMExports } = require('node:module')
const { urlToHttpOptions } = require('node:url')

const EXTENSIONS_HOST = 'api.netlifysdk.com'

if (process.env.OUTRIGGER_EXTENSIONS_URL) {
  const target = readTarget(process.env.OUTRIGGER_EXTENSIONS_URL)
  // Taken before either module is changed: the target may be http where the request was https.
  const send = target.protocol === 'https:' ? https.request : http.request
  for (const module of [http, https]) redirect(module, target, send)
  // For `import { request } from 'https'`; default imports see the changed module anyway.
  syncBuiltinESMExports()
}

function readTarget(text) {
  const target = URL.canParse(text) ? new URL(text) : {}
  if (target.protocol === 'http:' || target.protocol === 'https:') return target
  // The value is not shown: it may hold a password.
  throw new Error('OUTRIGGER_EXTENSIONS_URL is not an http or https URL; set it to the origin of the Outrigger server')
}

function redirect(module, target, send) {
  const original = module.request
  module.request = function request(...args) {
    const [options, callback] = readArguments(args)
    if (hostOf(options) !== EXTENSIONS_HOST) return original.apply(this, args)
    return send(aimedAt(target, options), callback)
  }
  // Node's own `get` would not call the `request` above.
  module.get = function get(...args) {
    const request = module.request(...args)
    request.end()
    return request
  }
}

// request(url, options?, callback?) or request(options, callback?); options win over the URL, as in Node.
function readArguments(args) {
  const [first, ...rest] = args
  if (typeof first !== 'string' && !(first instanceof URL)) return [first ?? {}, rest[0]]
  const fromUrl = urlToHttpOptions(new URL(first))
  return typeof rest[0] === 'function' ? [fromUrl, rest[0]] : [{ ...fromUrl, ...rest[0] }, rest[1]]
}

function hostOf({ hostname, host }) {
  return String(hostname || host || '').toLowerCase()
}

// Same method, path, body and headers, credentials included, since only the target gets to see them.
function aimedAt(target, options) {
  const headers = { ...options.headers }
  for (const name of Object.keys(headers)) if (name.toLowerCase() === 'host') delete headers[name]
  return {
    ...options,
    ...urlToHttpOptions(target),
    auth: options.auth,
    host: undefined,
    port: target.port || undefined,
    path: target.pathname.replace(/\/$/, '') + (options.path ?? '/'),
    headers,
    // Made for the other host: a TLS agent, a TLS server name, a default port.
    agent: undefined,
    servername: undefined,
    defaultPort: undefined,
  }
}
