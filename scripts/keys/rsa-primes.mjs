import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

const KEYS = 8;

/** Returns the primes of a few RSA keys of 2048 bits, in base64url. Any two of them give another such key: see `stock.mjs`. */
export async function makeRsaPrimes() {
  const pairs = await Promise.all(Array.from({ length: KEYS }, () => promisify(generateKeyPair)('rsa', { modulusLength: 2048 })));
  return pairs.flatMap(({ privateKey }) => {
    const { p, q } = privateKey.export({ format: 'jwk' });
    return [p, q];
  });
}
