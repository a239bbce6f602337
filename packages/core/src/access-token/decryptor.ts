import { isJweFailure, parseCompactJwe, type CompactJwe } from '../jose/compact-jwe.js';
import type { JsonObject } from '../lib/json.js';
import { createTurns, TooManyWaitError } from '../lib/turns.js';
import { printable } from '../lib/url.js';
import { candidatesFor, type DecryptionKey } from '../keys/decryption-keys.js';
import type { DecryptionConfig } from '../keys/read-decryption.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';

/** Decrypts the access tokens of a guard. */
export interface Decryptor {
  /** Whether JWTs that are not encrypted are refused. */
  readonly isRequired: boolean;
  /** Decrypts a token, or returns at once why it cannot be decrypted. */
  decrypt(token: string): VerificationFailure | Promise<Decrypted | VerificationFailure>;
  health(): DecryptionHealth;
  close(): void;
}

/** The content of an encrypted token. Nothing of it is verified: anybody can encrypt to a public key. */
export interface Decrypted {
  readonly text: string;
  /** The claims that the header repeats. */
  readonly replicated: JsonObject | undefined;
}

/** The state of the keys that decrypt tokens, without key material. */
export interface DecryptionHealth {
  /** The ids of the keys. Keys without one are not listed. */
  readonly keyIds: readonly string[];
  readonly keys: number;
  /** How many tokens are being decrypted, and how many wait for it. */
  readonly decrypting: number;
  readonly waiting: number;
  /** Why a file with keys could not be read or parsed. Its last good keys are still used. */
  readonly lastError: string | undefined;
}

/** Half of libuv's default thread pool, in which keys are used. The other half stays free for files and DNS. */
const MAX_CONCURRENT = 2;
/** Tokens wait for a few tenths of a second at most. */
const MAX_WAITING = 200;

const NOT_DECRYPTED = 'none of the keys that fit its kid and alg decrypts it';

/**
 * Creates the decryptor of a guard. jose decrypts, and is loaded with the first token that passes the checks of {@link parseCompactJwe} and names a key: anybody
 * may send tokens, so what costs most comes last, and few are decrypted at a time. All failures of decryption itself look alike.
 */
export function createDecryptor({ isRequired, encryptions, keys, lastError, close }: DecryptionConfig): Decryptor {
  const turns = createTurns(MAX_CONCURRENT, MAX_WAITING);
  const closing = new AbortController();
  /** Requests that bring the same token at once share its decryption. */
  const underWay = new Map<string, Promise<Decrypted | VerificationFailure>>();

  async function decryptInTurn(token: string, jwe: CompactJwe, candidates: readonly DecryptionKey[]): Promise<Decrypted | VerificationFailure> {
    let leave: () => void;
    try {
      leave = await turns.take(closing.signal);
    } catch (error) {
      const cause = error instanceof TooManyWaitError ? `${MAX_WAITING} encrypted tokens wait already` : 'the guard is closed';
      return { reason: 'decryption_unavailable', cause, retryAfterSeconds: 1 };
    }
    try {
      const text = await decryptWith(token, jwe, candidates);
      return text === undefined ? { reason: 'encrypted_token', cause: NOT_DECRYPTED } : { text, replicated: jwe.replicated };
    } finally {
      leave();
    }
  }

  return {
    isRequired,
    decrypt(token) {
      const known = underWay.get(token);
      if (known) return known;
      const jwe = parseCompactJwe(token, encryptions);
      if (isJweFailure(jwe)) return jwe;
      const all = keys();
      const candidates = candidatesFor(jwe, all);
      if (candidates.length === 0) return { reason: 'encrypted_token', cause: NO_KEY, expected: () => keyIdsOf(all), found: jwe.keyId ?? null };
      const started = decryptInTurn(token, jwe, candidates).finally(() => underWay.delete(token));
      underWay.set(token, started);
      return started;
    },
    health() {
      const { running, waiting } = turns.size;
      const all = keys();
      return { keyIds: keyIdsOf(all), keys: all.length, decrypting: running, waiting, lastError: lastError() };
    },
    close() {
      closing.abort(new Error('the guard is closed'));
      close();
    },
  };
}

const NO_KEY = 'no decryption key fits its kid, its alg and the length or curve of its key';

function keyIdsOf(keys: readonly DecryptionKey[]): readonly string[] {
  return keys.flatMap(({ keyId }) => (keyId === undefined ? [] : [printable(keyId)]));
}

/** @returns undefined if no key decrypts the token */
async function decryptWith(token: string, { algorithm, encryption }: CompactJwe, candidates: readonly DecryptionKey[]): Promise<string | undefined> {
  // loaded with the first token, since most guards decrypt nothing
  const { compactDecrypt } = await import('jose');
  const options = { keyManagementAlgorithms: [algorithm], contentEncryptionAlgorithms: [encryption], maxDecompressedLength: 0 };
  for (const { key } of candidates) {
    try {
      const { plaintext } = await compactDecrypt(token, key, options);
      // one character for each byte: a token has no other characters
      return Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength).toString('latin1');
    } catch {
      // which step failed must not matter, to the sender or to the next key
    }
  }
  return undefined;
}
