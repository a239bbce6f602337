import { buildAuth } from '../src/access-token/build-auth.js';
import { isFailure } from '../src/issuer/verification-failure.js';
import { examineClaims } from '../src/access-token/claims.js';
import type { VerifiedAuth } from '../src/access-token/verified-auth.js';
import type { ClaimRules } from '../src/issuer/claim-rules.js';
import type { JsonObject } from '../src/lib/json.js';

/** The Auth of a token with these claims, made as a guard makes it; throws where they are refused. */
export function authFrom(claims: JsonObject, rules: ClaimRules, nowSeconds: number): VerifiedAuth {
  const examined = examineClaims(claims, rules, nowSeconds);
  if (isFailure(examined)) throw new Error(`the claims are refused: ${examined.reason} ${examined.cause}`);
  return buildAuth('token', examined, rules);
}
