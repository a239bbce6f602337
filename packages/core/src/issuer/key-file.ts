import { createPublicKey } from 'node:crypto';
import type { Algorithm } from '../access-token/algorithms.js';
import { parseKeySet, type KeySet } from './key-set.js';

const PEM = /-----BEGIN [A-Z0-9 ]+-----[^-]*-----END [A-Z0-9 ]+-----/g;

/**
 * The keys of a text: a JWKS, or public keys or certificates in PEM.
 *
 * @throws Error where it is neither, or holds a private key, or none that is usable
 */
export function parseKeyText(text: string, algorithms: readonly Algorithm[], maxKeys: number, before?: KeySet): KeySet {
  if (!text.includes('-----BEGIN')) return parseKeySet(parseJson(text), algorithms, maxKeys, before);
  const blocks = text.match(PEM) ?? [];
  if (blocks.some((block) => block.includes('PRIVATE KEY'))) throw new Error('it holds a private key, which has no place here: give the public one');
  return parseKeySet({ keys: blocks.map((block) => toJwk(block)) }, algorithms, maxKeys, before);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
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
