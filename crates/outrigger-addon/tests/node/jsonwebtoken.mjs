// Compares our test vectors with npm's jsonwebtoken, the verifier that the add-ons guide shows, and signs tokens with it
// for our own `verify`. Usage: OUTRIGGER_NODE_MODULES=FOLDER node jsonwebtoken.mjs VECTORS.json
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const jwt = require(require.resolve('jsonwebtoken', { paths: [process.env.OUTRIGGER_NODE_MODULES] }));
const LEEWAY = 30;

const vectors = JSON.parse(readFileSync(process.argv[2], 'utf8'));

function verdict({ token, secret, now }) {
  try {
    jwt.verify(token, secret, { algorithms: ['HS256'], clockTimestamp: now, clockTolerance: LEEWAY });
    return 'ok';
  } catch (error) {
    if (error instanceof jwt.JsonWebTokenError) return `refused: ${error.message}`;
    throw error;
  }
}

const disagreements = vectors.flatMap((vector) => {
  const accepted = (vector.npm ?? vector.expected) === 'ok';
  const said = verdict(vector);
  return accepted === (said === 'ok') ? [] : [`${vector.name}: ${said}`];
});

const signed = vectors
  .filter((vector) => vector.expected === 'ok')
  .map(({ name, claims, secret, now }) => ({
    name, claims, secret, now,
    // `noTimestamp` would also take away an `iat` that is there.
    token: jwt.sign(claims, secret, { algorithm: 'HS256', noTimestamp: !('iat' in claims) }),
  }));

console.log(JSON.stringify({ compared: vectors.length, disagreements, signed }));
