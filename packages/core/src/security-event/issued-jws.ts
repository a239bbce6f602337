import { claimedIssuer } from '../jose/unverified-issuer.js';
import { parseCompactJws } from '../jose/compact-jws.js';
import { parseStrictObject, type JsonObject } from '../lib/json.js';
import { markVerified, type Issuer, type Issuers } from '../issuer/issuer.js';
import { isFailure, type VerificationFailure } from '../issuer/verification-failure.js';
import { findVerifyingKey } from '../issuer/verifying-key.js';
import { behaviourOf } from '../vocabulary/reason.js';
import { MAX_NAME_LENGTH } from '../revocation/revocation.js';
import type { ReceiverFailure } from './receiver.js';

/** A JWS that one of the guard's issuers signed. Its type and claims are not checked yet. */
export interface IssuedJws {
  readonly issuer: Issuer;
  /** The header's `typ`, in lower case and without `application/`. */
  readonly type: string | undefined;
  readonly claims: JsonObject;
}

/** Why a JWS could not be verified. */
export type JwsFailure =
  | { readonly failure: 'malformed' | 'unknown_issuer' | 'bad_key'; readonly cause: string }
  | {
      readonly failure: 'unavailable';
      readonly cause: ReceiverFailure;
      /** When it can be tried again, if that is known. */
      readonly retryAfterSeconds?: number | undefined;
    };

/** Verifies a JWS from an issuer as strictly as an access token, with the same keys. Before the signature is verified, only `iss` is used. */
export async function verifyIssuedJws(text: string, issuers: Issuers): Promise<IssuedJws | JwsFailure> {
  const jws = parseCompactJws(text);
  if (typeof jws === 'string') return { failure: 'malformed', cause: jws };
  const claimed = claimedIssuer(jws.payload);
  let issuer: Issuer | undefined;
  try {
    issuer = claimed === undefined ? undefined : await issuers.find(claimed, undefined);
  } catch {
    return { failure: 'unavailable', cause: 'issuer' };
  }
  // the keys of a trust domain sign nothing but JWT-SVIDs
  if (!issuer || issuer.rules.profile === 'jwt-svid') return { failure: 'unknown_issuer', cause: 'iss' };

  const key = await findVerifyingKey(issuer, jws, issuers.names);
  if (isFailure(key)) return jwsFailureOf(key);
  markVerified(issuer);
  const claims = parseStrictObject(jws.payload);
  if (!claims || claims['iss'] !== issuer.rules.issuer) return { failure: 'malformed', cause: 'claims' };
  return { issuer, type: jws.header.type?.toLowerCase().replace(/^application\//, ''), claims: withoutNulls(claims) };
}

/**
 * Returns the failure of a message. An issuer does not repeat a message that was refused for good. So an unknown key is a temporary failure while the keys may be
 * out of date. An access token gets a 401 in that case: its client can get a new token at any time, and strangers must not make an API look broken.
 */
function jwsFailureOf({ reason, cause, retryAfterSeconds, keysAskedAgainInSeconds }: VerificationFailure): JwsFailure {
  if (behaviourOf(reason).transient) return { failure: 'unavailable', cause: 'keys', retryAfterSeconds };
  if (keysAskedAgainInSeconds !== undefined) return { failure: 'unavailable', cause: 'key', retryAfterSeconds: keysAskedAgainInSeconds };
  return { failure: 'bad_key', cause: cause === 'alg' ? 'alg' : 'signature' };
}

/** Copies the claims without those that are null, which count as absent. The copy has no prototype, so a polluted one cannot add claims. */
function withoutNulls(claims: JsonObject): JsonObject {
  const present: JsonObject = Object.create(null) as JsonObject;
  for (const name of Object.keys(claims)) if (claims[name] !== null) present[name] = claims[name];
  return present;
}

/** Returns whether `aud` contains one of these names (RFC 7519 s4.1.3). */
export function hasAudience(aud: unknown, names: ReadonlySet<string>): boolean {
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return audience.every((name) => typeof name === 'string') && audience.some((name) => names.has(name));
}

/** Returns whether a value is a non-empty string of a bounded length. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
}
