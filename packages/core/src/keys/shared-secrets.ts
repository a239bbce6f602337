import { createSecretKey, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { TRAITS, type MacAlgorithm } from '../jose/algorithms.js';
import { own } from '../lib/json.js';
import { isKeyMaterial } from './key-material.js';
import type { KeySet, PreparedKey } from '../jose/key-set.js';
import { printsOf } from './secret-owners.js';
import { REPLACEMENT, SECRET_ENCODINGS, textToSecret, type SecretEncoding } from './secret-encodings.js';

/**
 * A secret that this API shares with its authorization server: its bytes, or a text and its encoding. A bare string is refused, since it could be the
 * secret itself or an encoding of it.
 *
 * @example { utf8: process.env.SUPABASE_JWT_SECRET }
 */
export type SharedSecret = Uint8Array | { readonly utf8: string } | { readonly base64url: string } | { readonly base64: string } | { readonly hex: string };

const MAX_SECRETS = 8;
/** Far more than any hash can use. */
const MAX_SECRET_BYTES = 8192;
const FORMS = SECRET_ENCODINGS.map((name) => `{ ${name}: "..." }`).join(', ');
const KEY = 'a key that others may know (PEM, DER, JWK, OpenSSH or similar). Use a random secret';
const PATH = 'is the path of a file. Use sharedSecretsFile for that';

/** Decodes and checks a secret. Returns a string if it is invalid: the problem, in words that follow a name and show nothing of the secret. */
export function readSecret(secret: unknown, algorithms: readonly MacAlgorithm[]): Buffer | string {
  const bytes = bytesOf(secret);
  if (typeof bytes === 'string') return bytes;
  if (bytes.length > MAX_SECRET_BYTES) return `has ${bytes.length} bytes, more than ${MAX_SECRET_BYTES}`;
  if (isKeyMaterial(bytes)) return `contains ${KEY}`;
  if (isPath(bytes)) return PATH;
  const needed = Math.max(...algorithms.map((name) => TRAITS.get(name)!.signatureLength!));
  if (bytes.length < needed) return `has ${bytes.length} bytes, fewer than the ${needed} for ${algorithms.join(', ')} (RFC 7518 s3.2)`;
  const weakness = secretWeakness(bytes);
  return weakness === undefined ? bytes : `${weakness}. Create one with crypto.randomBytes`;
}

/** Returns the bytes of a secret, or what is wrong with its form. */
function bytesOf(secret: unknown): Buffer | string {
  if (secret instanceof Uint8Array) return Buffer.from(secret);
  if (typeof secret === 'string') {
    if (secret.length <= MAX_TEXT_LENGTH && isKeyMaterial(Buffer.from(secret))) return `is ${KEY}`;
    if (isPath(Buffer.from(secret))) return PATH;
    return `is a bare string without an encoding. Write ${FORMS}, or pass its bytes (a Uint8Array). For a file, use sharedSecretsFile`;
  }
  const named = typeof secret === 'object' && secret !== null ? SECRET_ENCODINGS.filter((name) => own(secret, name) !== undefined) : [];
  const [encoding] = named;
  if (encoding === undefined || named.length > 1 || Object.keys(secret as object).length > 1) return `must be ${FORMS}, or bytes (a Uint8Array)`;
  const text = own(secret as object, encoding);
  if (typeof text !== 'string') return `has a ${encoding} that is not a string`;
  if (text.length > MAX_TEXT_LENGTH) return `has ${text.length} characters. A secret has at most ${MAX_SECRET_BYTES} bytes`;
  // before decoding too: the text itself may be a published key
  if (isKeyMaterial(Buffer.from(text))) return `is ${KEY}`;
  return textToSecret(text, encoding);
}

const MAX_TEXT_LENGTH = 3 * MAX_SECRET_BYTES;

/** Returns why a secret can be guessed or may be known to others, whatever its length. */
export function secretWeakness(bytes: Buffer): string | undefined {
  if (new Set(bytes).size < 8 || isRepetition(bytes)) return 'repeats itself, so it can be guessed';
  const step = bytes[1]! - bytes[0]!;
  if (bytes.every((byte, at) => at === 0 || ((byte - bytes[at - 1]! - step) & 0xff) === 0)) return 'counts up or down, so it can be guessed';
  const text = bytes.toString('latin1');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return 'is a URL, which others know';
  return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text) ? 'is a UUID, which identifies and is not secret' : undefined;
}

/** Whether the bytes repeat one block. If so, the longest text that both begins and ends them (Knuth, Morris and Pratt) is at least half as long. */
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

/** Returns secrets as a key set. All of them are tried, whatever the token's `kid`, so that a new secret can replace an old one without a gap. */
export function secretKeySet(secrets: readonly Buffer[], algorithms: readonly MacAlgorithm[]): KeySet {
  const keys = secrets.map((bytes) => createSecretKey(bytes));
  const prepared = new Map<string, readonly PreparedKey[]>(algorithms.map((name) => [name, keys.map((key) => prepare(key, name))]));
  return {
    size: keys.length,
    keys: [],
    keyIds: [],
    remarks: [],
    problems: [],
    prints: printsOf(secrets),
    candidates: (algorithm) => prepared.get(algorithm) ?? [],
  };
}

function prepare(key: KeyObject, algorithm: MacAlgorithm): PreparedKey {
  const { hash, signatureLength } = TRAITS.get(algorithm)!;
  return { hash, key, input: key, signatureLength: signatureLength!, kind: 'mac' };
}

/**
 * Reads the secrets of an option.
 *
 * @param wrong is called with each problem
 */
export function readSecrets(given: unknown, algorithms: readonly MacAlgorithm[], wrong: (message: string) => void): KeySet | undefined {
  const listed: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (listed.length === 0 || listed.length > MAX_SECRETS) return void wrong(`must have 1 to ${MAX_SECRETS} secrets (got ${listed.length})`);
  const secrets = listed.map((secret) => readSecret(secret, algorithms));
  for (const [index, secret] of secrets.entries()) if (typeof secret === 'string') wrong(`${listed.length > 1 ? `[${index}] ` : ''}${secret}`);
  return secrets.every((secret) => typeof secret !== 'string') ? secretKeySet(secrets, algorithms) : undefined;
}

/**
 * Parses a file of secrets, one on each line.
 *
 * @throws Error that names the problems, and shows nothing of the secrets
 */
export function parseSecretLines(text: string, encoding: SecretEncoding, algorithms: readonly MacAlgorithm[]): KeySet {
  if (text.includes(REPLACEMENT)) throw new Error('it is not UTF-8. Write each secret as text, one on each line');
  // the file as a whole, since a key may be broken into lines
  if (isKeyMaterial(Buffer.from(text))) throw new Error(`it contains ${KEY}`);
  // white space around a utf8 secret may belong to it, and is reported; other encodings have none
  const lines = text.split(/\r?\n/).map((line) => (encoding === 'utf8' ? line : line.trim()));
  const problems: string[] = [];
  const set = readSecrets(
    lines.filter((line) => line !== '').map((line) => ({ [encoding]: line })),
    algorithms,
    (message) => problems.push(message),
  );
  if (!set) throw new Error(problems.join('; '));
  return set;
}
