import type { IntrospectionConfig } from '../issuer/introspection-config.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import { own, type JsonObject } from '../lib/json.js';
import type { ClaimFailure } from './claim-failure.js';
import { examineClaims, type ExaminedClaims } from './claims.js';

/** `active` and nothing else decides (RFC 7662 s2.2): neither `"true"` nor 1 counts, nor an answer that is an error as well. */
export function isActive(answer: JsonObject): boolean {
  return own(answer, 'active') === true && (own(answer, 'error') ?? undefined) === undefined;
}

/** How the answers of an endpoint may differ from the claims of a JWT. */
export type AnswerRules = Pick<IntrospectionConfig, 'acceptsWithoutIssuer' | 'acceptsWithoutAudience' | 'acceptsWithoutExpiry'>;

/**
 * Checks the members of an active answer as the claims of a JWT would be (rule 73), and reads the values of an `Auth` from them.
 *
 * @param askAgainAt the `exp` of an answer without one, if those are accepted, in seconds since the epoch
 * @returns the first failure found, or the values. Their `claims` have `iss` and `exp`, and no `active`
 */
export function examineAnswer(
  answer: JsonObject,
  accepted: AnswerRules,
  rules: ClaimRules,
  nowSeconds: number,
  askAgainAt: number,
): ExaminedClaims | ClaimFailure {
  const aud = own(answer, 'aud') ?? undefined;
  const lacksAudience = accepted.acceptsWithoutAudience && (aud === undefined || (Array.isArray(aud) && aud.length === 0));
  const failure = otherKindOfToken(answer, lacksAudience);
  if (failure) return failure;

  const claims: Record<string, unknown> = { ...answer };
  delete claims['active'];
  if (lacksAudience) delete claims['aud'];
  if (accepted.acceptsWithoutIssuer) claims['iss'] ??= rules.issuer;
  if (accepted.acceptsWithoutExpiry) claims['exp'] ??= askAgainAt;
  return examineClaims(Object.freeze(claims), lacksAudience ? { ...rules, audiences: undefined } : rules, nowSeconds);
}

/** RFC 6749 s7.1, RFC 9449 s5, and the names of RFC 8693 s3 that some servers use. */
const ACCESS_TOKEN_TYPES = new Set(['bearer', 'dpop', 'access_token', 'urn:ietf:params:oauth:token-type:access_token']);
/** What some servers call a token in a member of their own, if it is not an access token. */
const OTHER_PURPOSES: ReadonlySet<unknown> = new Set(['refresh_token', 'id_token', 'nonce']);

/**
 * Endpoints describe refresh tokens too, and a client must not use one here. Servers show the kind of token in different ways: `token_type`, `token_use` and `typ`
 * (which every token's claims are checked for), `purpose`, or only by leaving `token_type` and `aud` out.
 */
function otherKindOfToken(answer: JsonObject, lacksAudience: boolean): ClaimFailure | undefined {
  const type = own(answer, 'token_type') ?? undefined;
  if (type === undefined) {
    if (lacksAudience) return { reason: 'missing_claim', cause: 'token_type', expected: 'token_type', found: undefined };
  } else if (typeof type !== 'string' || !ACCESS_TOKEN_TYPES.has(type.toLowerCase())) {
    return { reason: 'not_an_access_token', cause: 'token_type', expected: 'Bearer or DPoP', found: 'another token_type' };
  }
  if (OTHER_PURPOSES.has(own(answer, 'purpose')))
    return { reason: 'not_an_access_token', cause: 'purpose', expected: 'an access token', found: 'a token with another purpose' };
  // RFC 9449 s6.2: the answer has the key, without which nothing shows who may use the token
  const isDpop = typeof type === 'string' && type.toLowerCase() === 'dpop';
  if (isDpop && (own(answer, 'cnf') ?? undefined) === undefined) return { reason: 'missing_claim', cause: 'cnf', expected: 'cnf', found: undefined };
  return undefined;
}
