// An RSA key costs a quarter of a second of CPU, nearly all of it the search for two primes, and the tests need over a thousand keys. So each run
// searches for a few primes only, and each test file makes its keys from pairs of them. They are real keys, and all keys of a file differ; but keys that
// share a prime protect nothing, so this is for tests only. Node generates everything else, as well as the keys that are needed once the pairs run out.
import { createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { inject } from 'vitest';
import { rsaKeyOf } from './rsa-key.mjs';

const primes = inject('rsaPrimes');
const pairs = primes.flatMap((p, index) => primes.slice(index + 1).map((q) => [p, q]));
const generate = promisify(generateKeyPair);

generateKeyPair[promisify.custom] = async (type, options) => {
  const isPlain = type === 'rsa' && options?.modulusLength === 2048 && Object.keys(options).length === 1;
  const pair = isPlain ? pairs.pop() : undefined;
  if (!pair) return generate(type, options);
  const privateKey = rsaKeyOf(...pair);
  return { privateKey, publicKey: createPublicKey(privateKey) };
};
