import { createPublicKey } from 'node:crypto';
import type { Algorithm } from '../jose/algorithms.js';
import { parseJson } from '../lib/parse-json.js';
import { PEM_BEGIN } from './key-material.js';
import { parseKeySet, type KeySet } from '../jose/key-set.js';

const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]*-----END [A-Z0-9 ]+-----/g;

/**
 * The keys of a text: a JWKS, or public keys or certificates in PEM.
 *
 * @throws Error where it is neither, or holds a private key, or none that is usable, or more than would be tried
 */
export function parseKeyText(text: string, algorithms: readonly Algorithm[], maxKeys: number, before?: KeySet): KeySet {
  if (!text.includes(PEM_BEGIN)) return parseKeySet(readJson(text), algorithms, maxKeys, before);
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) throw new Error('it holds a private key, which has no place here: give the public one');
  const blocks = text.match(PEM) ?? [];
  // half-written, perhaps: fewer keys than were meant must not replace those at hand
  if (blocks.length !== text.split(PEM_BEGIN).length - 1) throw new Error('it holds a PEM block that has no end');
  const set = parseKeySet({ keys: blocks.map((block) => toJwk(block)) }, algorithms, maxKeys, before);
  checkAllAreTried(set, algorithms);
  // PEM has no place for a name: all are tried, whatever `kid` a token names
  return { ...set, candidates: (algorithm) => set.candidates(algorithm, undefined) };
}

function checkAllAreTried(set: KeySet, algorithms: readonly Algorithm[]): void {
  for (const algorithm of algorithms) {
    const count = set.keys.filter(({ prepared }) => prepared.has(algorithm)).length;
    const tried = set.candidates(algorithm, undefined).length;
    if (count > tried)
      throw new Error(`it holds ${count} keys for ${algorithm} in PEM, which gives them no names: ${tried} are the most, and a JWKS may hold more`);
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
    throw new Error('it holds a PEM block that is no public key or certificate');
  }
}
