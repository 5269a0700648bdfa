// node --test crates/outrigger/tests/node/preload.mjs
// With OUTRIGGER_NODE_MODULES (`cargo xtask test` names the folder) also through the node-fetch of the netlify CLI.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import { createRequire } from 'node:module'
import { after, before, beforeEach, test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

const PRELOAD = fileURLToPath(new URL('../../src/netlify/preload.cjs', import.meta.url))
const SAFE = 'https://api.netlifysdk.com/site/s1/integrations/safe'

let server
let origin
let seen

before(async () => {
  server = http.createServer(async (request, response) => {
    const body = (await request.toArray()).join('')
    const { method, url, headers } = request
    seen.push({ method, url, body, host: headers.host, authorization: headers.authorization })
    response.setHeader('Content-Type', 'application/json').end('["answer"]')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${server.address().port}`
})
beforeEach(() => (seen = []))
after(() => server.close())

// Runs a module in a Node of its own, started as the CLI is.
async function run(script, extensionsUrl) {
  const env = { ...process.env, NODE_OPTIONS: `--require=${PRELOAD}`, OUTRIGGER_EXTENSIONS_URL: extensionsUrl }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], { env })
  return stdout.trim()
}

const PRINT = `(response) => response.pipe(process.stdout)`

test('https.get with a URL as text', async () => {
  assert.equal(await run(`import https from 'node:https'; https.get('${SAFE}?a=b', ${PRINT})`, origin), '["answer"]')
  assert.equal(seen.length, 1)
  assert.equal(seen[0].method, 'GET')
  assert.equal(seen[0].url, '/site/s1/integrations/safe?a=b')
  assert.equal(seen[0].host, new URL(origin).host)
})

test('https.request with options keeps method, body and credentials, and corrects the host', async () => {
  const script = `
    import https from 'node:https'
    const options = { hostname: 'api.netlifysdk.com', port: 443, path: '/x', method: 'PUT', agent: new https.Agent(),
      headers: { HOST: 'api.netlifysdk.com', Authorization: 'Bearer t', 'Content-Type': 'text/plain' } }
    https.request(options, ${PRINT}).end('body')`
  assert.equal(await run(script, `${origin}/prefix/`), '["answer"]')
  assert.deepEqual(seen, [
    { method: 'PUT', url: '/prefix/x', body: 'body', host: new URL(origin).host, authorization: 'Bearer t' },
  ])
})

test('a named import is wrapped too, with a URL object and options', async () => {
  const script = `
    import { request } from 'node:https'
    request(new URL('${SAFE}'), { method: 'DELETE' }, ${PRINT}).end()`
  assert.equal(await run(script, origin), '["answer"]')
  assert.equal(seen[0].method, 'DELETE')
})

test('other hosts are not touched', async () => {
  const script = `
    import http from 'node:http'
    http.get('${origin}/api/v1/sites', { headers: { host: 'kept.test' } }, ${PRINT})`
  assert.equal(await run(script, 'http://127.0.0.1:1'), '["answer"]')
  assert.equal(seen[0].url, '/api/v1/sites')
  assert.equal(seen[0].host, 'kept.test')
})

test('without OUTRIGGER_EXTENSIONS_URL the request goes where it always went', async () => {
  const script = `
    import https from 'node:https'
    const lookup = (host, options, done) => done(new Error('looked up ' + host))
    https.get('${SAFE}', { lookup }).on('error', (error) => console.log(error.message))`
  assert.equal(await run(script, undefined), 'looked up api.netlifysdk.com')
  assert.equal(await run(script, ''), 'looked up api.netlifysdk.com')
  assert.deepEqual(seen, [])
})

test('a wrong OUTRIGGER_EXTENSIONS_URL is named, its value is not shown', async () => {
  for (const wrong of ['ftp://user:hunter2@localhost', 'hunter2']) {
    await assert.rejects(run('', wrong), (error) => {
      assert.match(error.stderr, /OUTRIGGER_EXTENSIONS_URL is not an http or https URL/)
      assert.doesNotMatch(error.stderr, /hunter2/)
      return true
    })
  }
})

const modules = process.env.OUTRIGGER_NODE_MODULES
test('the node-fetch of the CLI', { skip: modules ? false : 'OUTRIGGER_NODE_MODULES is not set' }, async () => {
  // As the CLI's own configuration module finds it.
  const found = createRequire(`${modules}/@netlify/config/lib/main.js`).resolve('node-fetch')
  const script = `
    import fetch from '${pathToFileURL(found)}'
    const response = await fetch('${SAFE}', { headers: { Authorization: 'Bearer t' } })
    console.log(response.status, JSON.stringify(await response.json()))`
  assert.equal(await run(script, origin), '200 ["answer"]')
  assert.equal(seen[0].url, '/site/s1/integrations/safe')
  assert.equal(seen[0].authorization, 'Bearer t')
})
