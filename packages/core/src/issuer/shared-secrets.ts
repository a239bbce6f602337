import { createSecretKey, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { TRAITS, type MacAlgorithm } from '../access-token/algorithms.js';
import { decodeBase64url } from '../access-token/base64url.js';
import { isKeyMaterial } from './key-material.js';
import type { KeySet, PreparedKey } from './key-set.js';

/** A secret that this API shares with its authorization server: bytes, or base64url of them. */
export type SharedSecret = Uint8Array | string;

const MAX_SECRETS = 8;

/** What is wrong with a secret, in words that follow its name and show nothing of it; else its bytes. */
export function readSecret(secret: unknown, algorithms: readonly MacAlgorithm[]): Buffer | string {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) return 'is neither bytes (a Uint8Array) nor a base64url string';
  if (isKeyMaterial(Buffer.from(secret as Uint8Array))) return 'is a key that others may know (PEM, DER, JWK, OpenSSH or the like): give the secret itself';
  // with its padding, as some write it
  const bytes = typeof secret === 'string' ? decodeBase64url(secret.replace(/={1,2}$/, '')) : Buffer.from(secret);
  if (!bytes) return 'is not base64url: give bytes, or base64url of them; the path of a file goes into sharedSecretsFile';
  if (isKeyMaterial(bytes)) return 'holds a key that others may know (PEM, DER, JWK, OpenSSH or the like): give the secret itself';
  if (isPath(bytes)) return 'is the path of a file: that goes into sharedSecretsFile';
  const needed = Math.max(...algorithms.map((name) => TRAITS.get(name)!.signatureLength!));
  if (bytes.length < needed) return `has ${bytes.length} bytes: ${needed} are needed for ${algorithms.join(', ')} (RFC 7518 s3.2)`;
  const weakness = weaknessOf(bytes);
  return weakness === undefined ? bytes : `${weakness}: make one by crypto.randomBytes`;
}

/** What can be guessed, or is known to others, however long it is. */
function weaknessOf(bytes: Buffer): string | undefined {
  if (new Set(bytes).size < 8 || isRepetition(bytes)) return 'repeats itself, so that it can be guessed';
  const step = bytes[1]! - bytes[0]!;
  if (bytes.every((byte, at) => at === 0 || ((byte - bytes[at - 1]! - step) & 0xff) === 0)) return 'counts up or down, so that it can be guessed';
  const text = bytes.toString('latin1');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'is an address, which others know';
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? 'is a UUID, which is a name and no secret' : undefined;
}

/** Whether it is one block again and again, to the end: what both begins and ends it (Knuth, Morris and Pratt) is then half of it or more. */
function isRepetition(bytes: Buffer): boolean {
  const borders = new Uint32Array(bytes.length);
  for (let at = 1, border = 0; at < bytes.length; at++) {
    while (border > 0 && bytes[at] !== bytes[border]) border = borders[border - 1]!;
    if (bytes[at] === bytes[border]) border++;
    borders[at] = border;
  }
  return borders[bytes.length - 1]! >= bytes.length / 2;
}

function isPath(bytes: Buffer): boolean {
  const text = bytes.toString('latin1');
  return text.startsWith('file:') || (/^[!-~]+$/.test(text) && existsSync(text));
}

/** The secrets as keys: all of them are tried, whatever `kid` a token names, so that one can follow another with no gap. */
export function secretKeySet(secrets: readonly Buffer[], algorithms: readonly MacAlgorithm[]): KeySet {
  const keys = secrets.map((bytes) => createSecretKey(bytes));
  const prepared = new Map<string, readonly PreparedKey[]>(algorithms.map((name) => [name, keys.map((key) => prepare(key, name))]));
  return { size: keys.length, keys: [], keyIds: [], remarks: [], faults: [], candidates: (algorithm) => prepared.get(algorithm) ?? [] };
}

function prepare(key: KeyObject, algorithm: MacAlgorithm): PreparedKey {
  const { hash, signatureLength } = TRAITS.get(algorithm)!;
  return { hash, key, signatureLength: signatureLength!, kind: 'mac' };
}

/**
 * Secrets from options or from the lines of a file.
 *
 * @param wrong is told what is wrong with which of them
 */
export function readSecrets(given: unknown, algorithms: readonly MacAlgorithm[], wrong: (message: string) => void): KeySet | undefined {
  const listed: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (listed.length === 0 || listed.length > MAX_SECRETS) return void wrong(`holds ${listed.length} secrets: one is needed, and ${MAX_SECRETS} are the most`);
  const secrets = listed.map((secret) => readSecret(secret, algorithms));
  for (const [index, secret] of secrets.entries()) if (typeof secret === 'string') wrong(`${listed.length > 1 ? `[${index}] ` : ''}${secret}`);
  return secrets.every((secret) => typeof secret !== 'string') ? secretKeySet(secrets, algorithms) : undefined;
}
