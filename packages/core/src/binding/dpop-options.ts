import { ALGORITHMS, publicKeyAlgorithms, unsupported } from '../jose/algorithms.js';
import type { Clock } from '../lib/clock.js';
import { MOST_ENTRIES } from '../lib/limit.js';
import type { OptionReader } from '../lib/option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { memoryReplays, readReplays, type ReplayStore } from '../lib/replays.js';
import type { NoncesConfig } from './nonces.js';

/** How the proofs of tokens that are bound to a key are checked (DPoP, RFC 9449). */
export interface DpopOptions {
  /**
   * The signature algorithms of proofs. Challenges name them.
   * Default: ES256, EdDSA, Ed25519, ES384, ES512, RS256 and, where the runtime can verify them, PS256, PS384 and PS512.
   */
  readonly algorithms?: readonly ProofAlgorithm[] | undefined;
  /** How long a proof is accepted after its `iat`. Default: 60. */
  readonly maxProofAgeSeconds?: number | undefined;
  /** By how much the clocks of clients may differ from this one, in both directions. Default: 5. */
  readonly clockSkewSeconds?: number | undefined;
  /**
   * Demands a nonce of this guard in each proof: a secret text or bytes, from which every process computes the same nonces. At least 32 bytes. To change it,
   * list the new one first, and the old one for as long as its nonces are valid. Default: proofs need no nonce.
   *
   * @example nonceSecret: process.env.DPOP_NONCE_SECRET
   */
  readonly nonceSecret?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** How long a nonce is valid at least; at most it is twice as long. Default: 300. */
  readonly nonceLifetimeSeconds?: number | undefined;
  /** Remembers which proofs were used. Several processes need a shared store. Default: the memory of this process. */
  readonly replays?: ReplayStore | undefined;
  /** The most proofs that the memory of this process holds. One subject gets at most half of them; without room, the answer is 503. Default: 100000. */
  readonly maxReplays?: number | undefined;
}

/** The signature algorithms of proofs: with key pairs only (RFC 9449 s4.3 (5)). */
export type ProofAlgorithm = (typeof ALGORITHMS)[number];

/** How a token must be bound to its sender. */
export type SenderConstraint = (typeof SENDER_CONSTRAINTS)[number];
const SENDER_CONSTRAINTS = ['dpop', 'mtls', 'any'] as const;

export interface DpopConfig {
  readonly algorithms: readonly ProofAlgorithm[];
  readonly maxProofAgeSeconds: number;
  readonly clockSkewSeconds: number;
  /** undefined if proofs need no nonce. */
  readonly nonces: NoncesConfig | undefined;
  readonly replays: ReplayStore;
}

const DEFAULT_ALGORITHMS: readonly ProofAlgorithm[] = ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'RS256', 'PS256', 'PS384', 'PS512'];

const DPOP = {
  algorithms: readAlgorithms,
  maxProofAgeSeconds: numberOption(60, { least: 1, most: 3600 }),
  clockSkewSeconds: numberOption(5, { least: 0, most: 300 }),
  nonceSecret: readSecrets,
  nonceLifetimeSeconds: numberOption(300, { least: 10, most: 86_400, whole: true }),
  replays: readReplays,
  maxReplays: (reader: OptionReader, name: string) => reader.optionalNumber(name, { least: 1, most: MOST_ENTRIES, whole: true }),
} satisfies OptionTable<DpopOptions>;

/** Reads the option `dpop`. The result creates the store, with the guard's clock; undefined if proofs are off. */
export function readDpop(reader: OptionReader, name: string): ((clock: Clock) => DpopConfig) | undefined {
  if (reader.get(name) === false) return undefined;
  const { replays, maxReplays, nonceSecret: secrets, nonceLifetimeSeconds: lifetimeSeconds, ...values } = readInnerTable(reader, name, DPOP);
  const { clockSkewSeconds } = values;
  if (replays && maxReplays !== undefined) reader.wrong(name, 'has both replays and maxReplays. Only the memory of this process reads maxReplays: remove it');
  const nonces = secrets && { secrets, lifetimeSeconds, clockSkewSeconds };
  return (clock) => ({ ...values, nonces, replays: replays ?? memoryReplays(clock, maxReplays) });
}

function readAlgorithms(reader: OptionReader, name: string): readonly ProofAlgorithm[] {
  const given = reader.texts(name);
  const known: readonly string[] = publicKeyAlgorithms();
  if (!given) return DEFAULT_ALGORITHMS.filter((one) => known.includes(one));
  const usable = ALGORITHMS.filter((one) => known.includes(one));
  const unknown = given.find((one) => !(usable as readonly string[]).includes(one));
  const isLacking = unknown !== undefined && (ALGORITHMS as readonly string[]).includes(unknown);
  if (isLacking) reader.wrong(name, `lists ${shown(unknown, ALGORITHMS)}, ${unsupported(unknown)}. Use ${usable.join(', ')}`);
  else if (unknown !== undefined) reader.wrong(name, `must list algorithms with key pairs: ${usable.join(', ')} (got ${shown(unknown, ALGORITHMS)})`);
  return [...new Set(given as readonly ProofAlgorithm[])];
}

const MIN_SECRET_BYTES = 32;
const MAX_SECRETS = 10;

/** No problem shows anything of a secret. */
function readSecrets(reader: OptionReader, name: string): readonly Uint8Array[] | undefined {
  const given = reader.get(name);
  if (given === undefined) {
    // a missing variable must not turn nonces off
    if (reader.has(name)) reader.wrong(name, 'is undefined. Set it, or leave it out if proofs need no nonce');
    return undefined;
  }
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length === 0 || list.length > MAX_SECRETS) reader.wrong(name, `must be a secret, or a list of 1 to ${MAX_SECRETS} (got ${list.length})`);
  return Array.from(list, (secret) => {
    // a copy, since the app may clear its bytes
    const bytes = typeof secret === 'string' || secret instanceof Uint8Array ? Buffer.from(secret as Uint8Array) : undefined;
    if (!bytes) reader.wrong(name, `must be text or bytes (got ${shown(secret)})`);
    else if (bytes.length < MIN_SECRET_BYTES)
      reader.wrong(name, `must have at least ${MIN_SECRET_BYTES} bytes (got ${bytes.length}). Generate one: openssl rand -base64 32`);
    return bytes ?? Buffer.alloc(0);
  });
}

/** Reads the option `senderConstraint`. */
export function readSenderConstraint(reader: OptionReader, name: string): SenderConstraint | undefined {
  const given = reader.get(name);
  if (given === undefined || (SENDER_CONSTRAINTS as readonly unknown[]).includes(given)) return given as SenderConstraint | undefined;
  reader.wrong(name, `must be ${SENDER_CONSTRAINTS.map((one) => `"${one}"`).join(', ')} (got ${shown(given, SENDER_CONSTRAINTS)})`);
  return undefined;
}
