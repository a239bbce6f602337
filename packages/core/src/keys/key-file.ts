import { createPublicKey } from 'node:crypto';
import type { Algorithm } from '../jose/algorithms.js';
import { parseJson } from '../lib/parse-json.js';
import { PEM_BEGIN } from './key-material.js';
import { parseKeySet, type KeySet, type KeyUse } from '../jose/key-set.js';

const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]*-----END [A-Z0-9 ]+-----/g;

/**
 * Parses a text with keys: a JWKS, or public keys or certificates in PEM.
 *
 * @throws Error if it is neither, if it contains a private key or no usable key, or if it contains too many keys in PEM
 */
export function parseKeyText(text: string, algorithms: readonly Algorithm[], maxKeys: number, previous?: KeySet, use?: KeyUse): KeySet {
  if (!text.includes(PEM_BEGIN)) return parseKeySet(readJson(text), algorithms, maxKeys, previous, use);
  if (use === 'jwt-svid') throw new Error('it is not a trust bundle, which is a JWKS whose keys have the use jwt-svid');
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) throw new Error('it contains a private key. Use the public one');
  const blocks = text.match(PEM) ?? [];
  // the file may be half-written: a part of its keys must not replace the cached keys
  if (blocks.length !== text.split(PEM_BEGIN).length - 1) throw new Error('it contains a PEM block without an end');
  const set = parseKeySet({ keys: blocks.map((block) => toJwk(block)) }, algorithms, maxKeys, previous);
  checkAllAreTried(set, algorithms);
  // PEM has no key ids, so all keys are tried, whatever the token's `kid`
  return { ...set, candidates: (algorithm) => set.candidates(algorithm, undefined) };
}

function checkAllAreTried(set: KeySet, algorithms: readonly Algorithm[]): void {
  for (const algorithm of algorithms) {
    const count = set.keys.filter(({ prepared }) => prepared.has(algorithm)).length;
    const tried = set.candidates(algorithm, undefined).length;
    if (count > tried) throw new Error(`it contains ${count} keys for ${algorithm} in PEM, more than ${tried}. Use a JWKS, in which keys have ids`);
  }
}

function readJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw new Error('it is neither JSON nor PEM');
  }
}

function toJwk(pem: string): unknown {
  try {
    return createPublicKey(pem).export({ format: 'jwk' });
  } catch {
    throw new Error('it contains a PEM block that is neither a public key nor a certificate');
  }
}
