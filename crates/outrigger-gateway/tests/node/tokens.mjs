// Tokens as site builders make them, with npm's `jsonwebtoken` and `jose`, and as attackers would; and the verifier of
// the add-ons guide for what the gateway makes of them.
//   tokens.mjs make <now>              -> { jwks, tokens: { name: token } }
//   tokens.mjs verify <now> <secret>   tokens as a JSON list on stdin -> a list of claims; fails if one does not verify
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const modules = process.env.OUTRIGGER_NODE_MODULES;
const require = createRequire(join(modules, 'any.js'));
const jsonwebtoken = require('jsonwebtoken');
const [deed, time, secret] = process.argv.slice(2);
const now = Number(time);

if (deed === 'verify') {
  const tokens = JSON.parse(readFileSync(0, 'utf8'));
  const rules = { algorithms: ['HS256'], clockTimestamp: now };
  console.log(JSON.stringify(tokens.map((token) => jsonwebtoken.verify(token, secret, rules))));
  process.exit(0);
}

const jose = await import(pathToFileURL(join(modules, 'jose/dist/webapi/index.js')).href);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const thief = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const jwk = ({ publicKey }, kid) => ({ ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' });
const jwks = { keys: [jwk(rsa, 'rsa'), jwk(ec, 'ec'), jwk(ed, 'ed')] };

const SITE_SECRET = 'site-secret';
const CLAIMS = {
  exp: now + 3600, iss: 'https://id.example', aud: ['shop', 'other'], sub: 'ünï', app_metadata: { roles: ['a', 'b'] },
};
const rules = { noTimestamp: true };
const old = (claims, key, header) =>
  jsonwebtoken.sign(claims, key, { ...rules, algorithm: header.alg, header });
const fresh = (claims, key, header) => new jose.SignJWT(claims).setProtectedHeader(header).sign(key);
const bytes = (text) => new TextEncoder().encode(text);
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const hmac = (header, key, claims = CLAIMS) => {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
};
const edSigned = (header, claims = CLAIMS) => {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), ed.privateKey).toString('base64url')}`;
};
const pem = (type) => rsa.publicKey.export({ format: 'pem', type });

const hs = { alg: 'HS256', typ: 'JWT' };
const rs = { alg: 'RS256', kid: 'rsa' };
const es = { alg: 'ES256', kid: 'ec' };
const eddsa = { alg: 'EdDSA', kid: 'ed' };
const tokens = {
  secret: {
    'valid: HS256 by jsonwebtoken': old(CLAIMS, SITE_SECRET, hs),
    'valid: HS256 by jose': await fresh(CLAIMS, bytes(SITE_SECRET), hs),
    'valid: any kid': old(CLAIMS, SITE_SECRET, { ...hs, kid: '../../dev/null' }),
    'valid: expired within the leeway': old({ ...CLAIMS, exp: now - 29 }, SITE_SECRET, hs),
    'invalid: expired': old({ ...CLAIMS, exp: now - 30 }, SITE_SECRET, hs),
    'invalid: not yet': await fresh({ ...CLAIMS, nbf: now + 31 }, bytes(SITE_SECRET), hs),
    'invalid: no exp': old({ sub: 'x' }, SITE_SECRET, hs),
    'invalid: other secret': old(CLAIMS, 'other-secret', hs),
    'invalid: no secret': hmac(hs, ''),
    'invalid: HS512': old(CLAIMS, SITE_SECRET, { alg: 'HS512' }),
    'invalid: none': old(CLAIMS, null, { alg: 'none' }),
    'invalid: nOnE': `${part({ alg: 'nOnE' })}.${part(CLAIMS)}.`,
    'invalid: none, with a signature': hmac({ alg: 'none' }, SITE_SECRET),
    'invalid: RS256': old(CLAIMS, rsa.privateKey, rs),
    'invalid: critical header': hmac({ ...hs, crit: ['x'], x: 1 }, SITE_SECRET),
    'invalid: claims are a list': hmac(hs, SITE_SECRET, [CLAIMS]),
    'invalid: about an instance': old({ ...CLAIMS, netlify_id: 'victim' }, SITE_SECRET, hs),
    'invalid: too long': old({ ...CLAIMS, more: 'x'.repeat(8192) }, SITE_SECRET, hs),
  },
  jwks: {
    'valid: RS256 by jsonwebtoken': old(CLAIMS, rsa.privateKey, rs),
    'valid: RS256 by jose': await fresh(CLAIMS, rsa.privateKey, rs),
    'valid: ES256 by jsonwebtoken': old(CLAIMS, ec.privateKey, es),
    'valid: ES256 by jose': await fresh(CLAIMS, ec.privateKey, es),
    'valid: EdDSA by jose': await fresh(CLAIMS, ed.privateKey, eddsa),
    'valid: EdDSA by hand': edSigned(eddsa),
    'valid: no kid': await fresh(CLAIMS, ec.privateKey, { alg: 'ES256' }),
    'valid: one audience': await fresh({ ...CLAIMS, aud: 'shop' }, ec.privateKey, es),
    'invalid: HS256 with the public key, SPKI': hmac({ ...rs, alg: 'HS256' }, pem('spki')),
    'invalid: HS256 with the public key, PKCS1': hmac({ ...rs, alg: 'HS256' }, pem('pkcs1')),
    'invalid: HS256 with the modulus': hmac({ ...rs, alg: 'HS256' }, jwks.keys[0].n),
    'invalid: HS256 with nothing': hmac({ alg: 'HS256', kid: '../../dev/null' }, ''),
    'invalid: HS256': old(CLAIMS, SITE_SECRET, hs),
    'invalid: none': old(CLAIMS, null, { alg: 'none', kid: 'rsa' }),
    'invalid: kid of another algorithm': old(CLAIMS, rsa.privateKey, { ...rs, kid: 'ec' }),
    'invalid: kid that nobody has': old(CLAIMS, rsa.privateKey, { ...rs, kid: "rsa' OR 1=1" }),
    'invalid: kid that is no text': `${part({ ...rs, kid: ['rsa'] })}.${part(CLAIMS)}.AAAA`,
    'invalid: key in the header': await fresh(CLAIMS, thief.privateKey, { ...rs, jwk: jwk(thief, 'rsa') }),
    'invalid: address in the header': old(CLAIMS, thief.privateKey, { ...rs, jku: 'http://127.0.0.1:1/keys' }),
    'invalid: critical header': edSigned({ ...eddsa, crit: ['x'], x: 1 }),
    'invalid: claims are a list': edSigned(eddsa, [CLAIMS]),
    'invalid: too long': edSigned(eddsa, { ...CLAIMS, more: 'x'.repeat(8192) }),
    'invalid: not yet': edSigned(eddsa, { ...CLAIMS, nbf: now + 31 }),
    'invalid: RS512': old(CLAIMS, rsa.privateKey, { ...rs, alg: 'RS512' }),
    'invalid: PS256': await fresh(CLAIMS, rsa.privateKey, { ...rs, alg: 'PS256' }),
    'invalid: expired': await fresh({ ...CLAIMS, exp: now - 30 }, ed.privateKey, eddsa),
    'invalid: no exp': await fresh({ ...CLAIMS, exp: undefined }, ed.privateKey, eddsa),
    'invalid: other issuer': await fresh({ ...CLAIMS, iss: 'https://id.example/' }, ed.privateKey, eddsa),
    'invalid: other audience': await fresh({ ...CLAIMS, aud: 'shops' }, ed.privateKey, eddsa),
    'invalid: about an instance': await fresh({ ...CLAIMS, netlify_id: 'victim' }, ed.privateKey, eddsa),
  },
};
console.log(JSON.stringify({ jwks, claims: CLAIMS, tokens }));
