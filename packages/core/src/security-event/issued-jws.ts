import { claimedIssuer } from '../jose/unverified-issuer.js';
import { parseCompactJws } from '../jose/compact-jws.js';
import { parseStrictObject, type JsonObject } from '../lib/json.js';
import { markVerified, type Issuer, type Issuers } from '../issuer/issuer.js';
import { isFailure } from '../issuer/verification-failure.js';
import { findVerifyingKey } from '../issuer/verifying-key.js';
import { behaviourOf } from '../vocabulary/reason.js';
import { MAX_NAME_LENGTH } from '../revocation/revocation.js';

/** A JWS that one of the guard's issuers signed, whatever it is for: what it is remains to be asked. */
export interface IssuedJws {
  readonly issuer: Issuer;
  /** The header's `typ`, in lower case and without `application/`. */
  readonly type: string | undefined;
  readonly claims: JsonObject;
}

export interface JwsFault {
  readonly fault: 'malformed' | 'foreign_issuer' | 'bad_key' | 'unavailable';
  readonly cause: string;
}

/** Verifies what an issuer sends beside tokens, by the same keys and as strictly: nothing of it is used before its signature holds, save `iss`. */
export async function verifyIssuedJws(text: string, issuers: Issuers): Promise<IssuedJws | JwsFault> {
  const jws = parseCompactJws(text);
  if (typeof jws === 'string') return { fault: 'malformed', cause: jws };
  const claimed = claimedIssuer(jws.payload);
  let issuer: Issuer | undefined;
  try {
    issuer = claimed === undefined ? undefined : await issuers.find(claimed, undefined);
  } catch {
    return { fault: 'unavailable', cause: 'issuer' };
  }
  if (!issuer) return { fault: 'foreign_issuer', cause: 'iss' };

  const key = await findVerifyingKey(issuer, jws, issuers.names);
  if (isFailure(key))
    return behaviourOf(key.reason).transient ? { fault: 'unavailable', cause: 'keys' } : { fault: 'bad_key', cause: key.cause === 'alg' ? 'alg' : 'signature' };
  markVerified(issuer);
  const claims = parseStrictObject(jws.payload);
  if (!claims || claims['iss'] !== issuer.rules.issuer) return { fault: 'malformed', cause: 'claims' };
  return { issuer, type: jws.header.type?.toLowerCase().replace(/^application\//, ''), claims: withoutNulls(claims) };
}

/** Null is absent, and what is absent can't come from a polluted prototype. */
function withoutNulls(claims: JsonObject): JsonObject {
  const present: JsonObject = Object.create(null) as JsonObject;
  for (const name of Object.keys(claims)) if (claims[name] !== null) present[name] = claims[name];
  return present;
}

/** Whether `aud` names one of those who we are (RFC 7519 s4.1.3). */
export function isFor(aud: unknown, names: ReadonlySet<string>): boolean {
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return audience.every((name) => typeof name === 'string') && audience.some((name) => names.has(name));
}

export function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= MAX_NAME_LENGTH;
}
