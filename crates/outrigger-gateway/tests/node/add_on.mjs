// An add-on in Node: it believes what npm's `jsonwebtoken` verifies, and tells what that is.
//   add_on.mjs <secret>   prints its port
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.OUTRIGGER_NODE_MODULES, 'any.js'));
const jsonwebtoken = require('jsonwebtoken');
const [secret] = process.argv.slice(2);
const verify = (token) => jsonwebtoken.verify(token, secret, { algorithms: ['HS256'] });

const server = createServer((request, response) => {
  const answer = (status, body) => {
    const text = JSON.stringify(body);
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
  };
  try {
    const bearer = request.headers.authorization?.replace(/^Bearer /, '');
    answer(200, {
      target: request.url,
      site_url: request.headers['x-nf-site-url'],
      request: verify(request.headers['x-nf-sign']),
      user: bearer === undefined ? null : verify(bearer),
    });
  } catch (error) {
    answer(401, { error: error.message });
  }
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
// Ends with whoever started it.
process.stdin.on('end', () => process.exit()).resume();
