import type { IntrospectingIssuer } from '../issuer/issuer.js';
import { isFailure } from '../issuer/verification-failure.js';
import { findVerifyingKey } from '../issuer/verifying-key.js';
import { parseCompactJws } from '../jose/compact-jws.js';
import { isJsonObject, own, parseStrictObject, type JsonObject } from '../lib/json.js';
import { isNumericDate } from '../lib/numeric-date.js';
import { hasAudience } from '../security-event/issued-jws.js';

/** RFC 9701 s5 */
export const SIGNED_ANSWER = 'application/token-introspection+jwt';
const TYPE = 'token-introspection+jwt';
/** A signed answer may be older than the time for which answers are kept, but not by much: it could have been kept by somebody else. */
const LEAST_AGE_SECONDS = 60;

/**
 * Verifies a signed answer (RFC 9701 s5): its type, the issuer's signature, `iss`, `aud`, `iat`, and that it was signed a short time ago.
 *
 * @returns the answer in it, or what is wrong with it, in fixed words
 */
export async function verifySignedAnswer(text: string, issuer: IntrospectingIssuer, nowSeconds: number): Promise<JsonObject | string> {
  const { rules, introspection } = issuer;
  const jws = parseCompactJws(text);
  if (jws === 'encrypted_token') return 'the answer is encrypted. Configure the authorization server to sign answers for this client, and not to encrypt them';
  if (typeof jws === 'string') return 'the answer is not a signed JWT';
  if (jws.header.type?.toLowerCase().replace(/^application\//, '') !== TYPE) return `the answer's typ is not ${TYPE}`;
  const key = await findVerifyingKey(issuer, jws, [rules.issuer]);
  if (isFailure(key)) return `the signature of the answer cannot be verified (${key.reason})`;
  const claims = parseStrictObject(jws.payload);
  if (!claims) return 'the answer is signed, but is not a strict JSON object';
  if (own(claims, 'iss') !== rules.issuer) return 'the answer was signed for another issuer (iss)';
  if (!hasAudience(own(claims, 'aud'), new Set([introspection.clientId!, ...(rules.audiences ?? [])]))) return 'the answer is meant for another client (aud)';
  const iat = own(claims, 'iat');
  const mostSeconds = Math.max(LEAST_AGE_SECONDS, introspection.cacheSeconds) + rules.clockSkewSeconds;
  if (!isNumericDate(iat) || !(nowSeconds - iat <= mostSeconds) || !(iat <= nowSeconds + rules.clockSkewSeconds))
    return 'the answer does not say when it was signed, or was signed at another time (iat)';
  const answer = own(claims, 'token_introspection');
  return isJsonObject(answer) ? answer : 'the answer has no token_introspection';
}
