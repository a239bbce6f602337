import { createSecretKey, type KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { TRAITS, type MacAlgorithm } from '../jose/algorithms.js';
import { own } from '../lib/json.js';
import { isKeyMaterial } from './key-material.js';
import type { KeySet, PreparedKey } from '../jose/key-set.js';
import { printsOf } from './secret-owners.js';
import { REPLACEMENT, SECRET_ENCODINGS, textToSecret, type SecretEncoding } from './secret-encodings.js';

/**
 * A secret that this API shares with its authorization server: its bytes, or a text and how it is to be read. A bare string is refused, since
 * nobody can tell whether it is the secret itself or an encoding of it.
 *
 * @example { utf8: process.env.SUPABASE_JWT_SECRET }
 */
export type SharedSecret = Uint8Array | { readonly utf8: string } | { readonly base64url: string } | { readonly base64: string } | { readonly hex: string };

const MAX_SECRETS = 8;
/** Far more than any hash takes in; what is longer is something else. */
const MAX_SECRET_BYTES = 8192;
const FORMS = SECRET_ENCODINGS.map((name) => `{ ${name}: "..." }`).join(', ');
const NAMED_KEY = 'a key that others may know (PEM, DER, JWK, OpenSSH or the like): give the secret itself';

/** What is wrong with a secret, in words that follow its name and show nothing of it; else its bytes. */
export function readSecret(secret: unknown, algorithms: readonly MacAlgorithm[]): Buffer | string {
  const bytes = bytesOf(secret);
  if (typeof bytes === 'string') return bytes;
  if (bytes.length > MAX_SECRET_BYTES) return `has ${bytes.length} bytes: ${MAX_SECRET_BYTES} are the most`;
  if (isKeyMaterial(bytes)) return `holds ${NAMED_KEY}`;
  if (isPath(bytes)) return 'is the path of a file: that goes into sharedSecretsFile';
  const needed = Math.max(...algorithms.map((name) => TRAITS.get(name)!.signatureLength!));
  if (bytes.length < needed) return `has ${bytes.length} bytes: ${needed} are needed for ${algorithms.join(', ')} (RFC 7518 s3.2)`;
  const weakness = weaknessOf(bytes);
  return weakness === undefined ? bytes : `${weakness}: make one by crypto.randomBytes`;
}

/** The bytes of a secret, or what is wrong with its form. */
function bytesOf(secret: unknown): Buffer | string {
  if (secret instanceof Uint8Array) return Buffer.from(secret);
  if (typeof secret === 'string') {
    if (secret.length <= MAX_TEXT_LENGTH && isKeyMaterial(Buffer.from(secret))) return `is ${NAMED_KEY}`;
    if (isPath(Buffer.from(secret))) return 'is the path of a file: that goes into sharedSecretsFile';
    return `is a bare string, and nobody can tell how it is to be read. Write ${FORMS}, or give its bytes (a Uint8Array). The path of a file goes into sharedSecretsFile`;
  }
  const named = typeof secret === 'object' && secret !== null ? SECRET_ENCODINGS.filter((name) => own(secret, name) !== undefined) : [];
  const [encoding] = named;
  if (encoding === undefined || named.length > 1 || Object.keys(secret as object).length > 1)
    return `needs one of these forms: ${FORMS}, or its bytes (a Uint8Array)`;
  const text = own(secret as object, encoding);
  if (typeof text !== 'string') return `has a ${encoding} that is no string`;
  if (text.length > MAX_TEXT_LENGTH) return `has ${text.length} characters: ${MAX_SECRET_BYTES} bytes are the most`;
  // before it is decoded: the text itself may be what was published
  if (isKeyMaterial(Buffer.from(text))) return `is ${NAMED_KEY}`;
  return textToSecret(text, encoding);
}

const MAX_TEXT_LENGTH = 3 * MAX_SECRET_BYTES;

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
  return {
    size: keys.length,
    keys: [],
    keyIds: [],
    remarks: [],
    faults: [],
    prints: printsOf(secrets),
    candidates: (algorithm) => prepared.get(algorithm) ?? [],
  };
}

function prepare(key: KeyObject, algorithm: MacAlgorithm): PreparedKey {
  const { hash, signatureLength } = TRAITS.get(algorithm)!;
  return { hash, key, signatureLength: signatureLength!, kind: 'mac' };
}

/**
 * Secrets from options.
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

/**
 * Secrets from a file, one a line.
 *
 * @throws Error that tells what is wrong with them, and shows nothing of them
 */
export function parseSecretLines(text: string, encoding: SecretEncoding, algorithms: readonly MacAlgorithm[]): KeySet {
  if (text.includes(REPLACEMENT)) throw new Error('it is not UTF-8: write each secret as text, one a line');
  // as a whole, since a key may be broken into lines of which none is a key by itself
  if (isKeyMaterial(Buffer.from(text))) throw new Error(`it holds ${NAMED_KEY}`);
  // blanks around a text may belong to it, and are told of; to the other encodings they mean nothing
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
