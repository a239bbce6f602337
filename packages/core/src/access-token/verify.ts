import type { Auth } from '../auth.js';
import { isToken68 } from '../credentials.js';
import type { Reason } from '../denial.js';
import type { FoundKeys, KeySource } from '../issuer/key-source.js';
import type { PreparedKey } from '../issuer/key-set.js';
import { examineClaims, isAccessTokenType, type ClaimRules } from './claims.js';
import { parseCompactJws, type CompactJws, type JoseHeader } from './compact.js';
import { own, parseStrictObject } from './json.js';
import { isSignedByOneOf } from './signature.js';

export interface VerificationConfig {
  readonly algorithms: ReadonlySet<string>;
  readonly rules: ClaimRules;
  readonly keys: KeySource;
  /** The headers of tokens that were well signed, by their text: an issuer writes few different ones. */
  readonly knownHeaders: Map<string, JoseHeader>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const MAX_KNOWN_HEADERS = 100;

/** Why a token did not become an {@link Auth}. */
export interface Rejection {
  readonly reason: Reason;
  readonly cause?: unknown;
  readonly retryAfterSeconds?: number;
}

/** Verifies an access token, cheapest checks first; nothing of its payload is used before the signature holds, save `iss` to refuse by. */
export function verifyAccessToken(token: string, config: VerificationConfig): Auth | Rejection | Promise<Auth | Rejection> {
  const jws = parseCompactJws(token, config.knownHeaders);
  // what is no token at all was malformed before it was looked into; what could be taken apart has passed a narrower alphabet
  if (typeof jws === 'string') return { reason: isToken68(token) ? jws : 'malformed_credentials' };
  const { algorithm, keyId, type } = jws.header;
  if (!isAccessTokenType(type, config.rules.profile)) return { reason: 'wrong_type', cause: 'typ' };
  if (!config.algorithms.has(algorithm)) return { reason: 'algorithm_not_allowed', cause: 'alg' };

  const keys = config.keys.held(algorithm, keyId);
  if (keys && keys.length > 0) {
    if (isSignedByOneOf(keys, jws)) return conclude(token, jws, config);
    // with a `kid` it was the right key; without one, the issuer may have a new key that we don't know of
    if (keyId !== undefined) return { reason: 'bad_signature' };
  }
  // a token that does not even claim to be our issuer's makes nobody ask that issuer
  if (claimedIssuer(jws) !== config.rules.issuer) return { reason: 'issuer_mismatch', cause: 'iss' };
  const otherwise = keys && keys.length > 0 ? 'bad_signature' : 'unknown_key';
  const found = config.keys.newer(algorithm, keyId);
  return found instanceof Promise ? found.then((newer) => verifyWith(newer, otherwise, token, jws, config)) : verifyWith(found, otherwise, token, jws, config);
}

function verifyWith(found: FoundKeys, otherwise: Reason, token: string, jws: CompactJws, config: VerificationConfig): Auth | Rejection {
  if (!isKeys(found)) return { reason: 'keys_unavailable', cause: found.cause, retryAfterSeconds: found.retryAfterSeconds };
  if (found.length === 0) return { reason: otherwise };
  return isSignedByOneOf(found, jws) ? conclude(token, jws, config) : { reason: 'bad_signature' };
}

function conclude(token: string, jws: CompactJws, config: VerificationConfig): Auth | Rejection {
  const claims = parseStrictObject(jws.payload);
  if (!claims) return { reason: 'malformed_token' };
  if (!config.knownHeaders.has(jws.header64)) keepHeader(jws, config.knownHeaders);
  return examineClaims(claims, token, config.rules, config.now() / 1000);
}

function keepHeader({ header64, header }: CompactJws, known: Map<string, JoseHeader>): void {
  if (header64.length > 512) return;
  if (known.size >= MAX_KNOWN_HEADERS) known.clear();
  // a copy, since a slice would keep the whole token
  known.set(Buffer.from(header64, 'latin1').toString('latin1'), header);
}

function claimedIssuer(jws: CompactJws): unknown {
  const claims = parseStrictObject(jws.payload);
  return claims && own(claims, 'iss');
}

function isKeys(found: FoundKeys): found is readonly PreparedKey[] {
  return Array.isArray(found);
}
