import { parseKey, type KeyUse } from '../jose/key-set.js';
import { publicKeyAlgorithms, type Algorithm } from '../jose/algorithms.js';
import { own } from '../lib/json.js';
import { printable } from '../lib/url.js';

/** How a guard sees a key of a JWKS. */
export interface InspectedKey {
  /** Its place in the JWKS, from 0. */
  readonly index: number;
  /** Shortened and printable; undefined if the key has none. */
  readonly keyId: string | undefined;
  /** `RSA 2048`, `EC P-256`; `unknown` if its type is not known. */
  readonly kind: string;
  /** The algorithms that it can verify. Empty if a guard skips it. */
  readonly algorithms: readonly string[];
  /** Why a guard skips it, as the rest of a sentence about the key: `is not usable`. */
  readonly skipped: string | undefined;
  /** Whether it is skipped because of a mistake, and not because it has another use. */
  readonly isMistake: boolean;
  /** The indexes of other keys with the same `kid` that can verify one of its algorithms. Tokens name only one of them. */
  readonly sameKeyId: readonly number[];
}

const MAX_INSPECTED = 200;

/**
 * Inspects the keys of a JWKS as a guard does.
 *
 * @param algorithms those that the guard allows. Default: all with public keys
 * @param use what the keys must be for. Default: signatures
 * @returns undefined if the document is not a JWKS
 */
export function inspectKeys(
  document: unknown,
  algorithms: readonly Algorithm[] = publicKeyAlgorithms(),
  use: KeyUse = 'sig',
): readonly InspectedKey[] | undefined {
  const listed = typeof document === 'object' && document !== null ? own(document, 'keys') : undefined;
  if (!Array.isArray(listed)) return undefined;
  const keys = listed.slice(0, MAX_INSPECTED).map((jwk: unknown, index) => inspectKey(jwk, index, algorithms, use));
  return keys.map((key) => Object.assign(key, { sameKeyId: keys.filter((other) => isSameKeyId(key, other)).map(({ index }) => index) }));
}

function inspectKey(jwk: unknown, index: number, algorithms: readonly Algorithm[], use: KeyUse): Omit<InspectedKey, 'sameKeyId'> {
  let skipped: string | undefined;
  let isMistake = false;
  const key = parseKey(jwk, algorithms, undefined, use, (text, isProblem) => {
    skipped = text;
    isMistake = isProblem;
  });
  const members = typeof jwk === 'object' && jwk !== null ? (jwk as Record<string, unknown>) : {};
  const kid = own(members, 'kid');
  const bits = key && [...key.prepared.values()][0]?.key.asymmetricKeyDetails?.modulusLength;
  return {
    index,
    keyId: typeof kid === 'string' ? printable(kid, 80) : undefined,
    kind: [nameIn(KEY_TYPES, own(members, 'kty')) ?? 'unknown', nameIn(CURVES, own(members, 'crv')) ?? bits].filter((part) => part !== undefined).join(' '),
    algorithms: key ? [...key.prepared.keys()] : [],
    skipped: key ? undefined : (skipped ?? 'is not usable'),
    isMistake: !key && isMistake,
  };
}

const KEY_TYPES: ReadonlySet<unknown> = new Set(['RSA', 'EC', 'OKP', 'AKP', 'oct']);
const CURVES: ReadonlySet<unknown> = new Set(['P-256', 'P-384', 'P-521', 'secp256k1', 'Ed25519', 'Ed448', 'X25519', 'X448']);

/** Only known names are shown: a JWKS may contain anything. */
function nameIn(known: ReadonlySet<unknown>, value: unknown): string | undefined {
  return known.has(value) ? (value as string) : undefined;
}

function isSameKeyId(one: Omit<InspectedKey, 'sameKeyId'>, other: Omit<InspectedKey, 'sameKeyId'>): boolean {
  return one.index !== other.index && one.keyId !== undefined && one.keyId === other.keyId && one.algorithms.some((name) => other.algorithms.includes(name));
}
