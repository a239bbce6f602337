// Generating an RSA key takes a quarter of a second of CPU, nearly all of it for finding two primes, and the tests need over a thousand keys. So each
// run finds a few primes, and each test file builds its keys from pairs of them. The keys of a file are all different. Keys that share a prime are
// not secure, so this is for tests only. Node generates all other keys, and RSA keys too when the pairs run out.
import { createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { rsaKeyOf } from './rsa-key.mjs';

const STOCK = Symbol.for('tokenward.test-keys');
const primes = inject('rsaPrimes');
// files of one worker share the function: code that was loaded for an earlier file has kept it
const stock = (globalThis[STOCK] ??= install());
stock.pairs = primes.flatMap((p, index) => primes.slice(index + 1).map((q) => [p, q]));

function install() {
  const installed = { pairs: [] };
  const generate = promisify(generateKeyPair);
  generateKeyPair[promisify.custom] = async (type, options) => {
    const isPlain = type === 'rsa' && options?.modulusLength === 2048 && Object.keys(options).length === 1;
    const pair = isPlain ? installed.pairs.pop() : undefined;
    if (!pair) return generate(type, options);
    const privateKey = rsaKeyOf(...pair);
    return { privateKey, publicKey: createPublicKey(privateKey) };
  };
  return installed;
}
