import type { Claims } from '../auth/claims.js';
import { readRolesFrom, readScopes, readScopesFrom } from '../auth/names.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import type { ExaminedClaims } from './claims.js';
import { VerifiedAuth } from './verified-auth.js';

/**
 * Builds the Auth of a token whose claims were examined.
 *
 * @param made what the app's schema made of the claims; without one they are the token's own
 */
export function buildAuth(token: string, examined: ExaminedClaims, rules: ClaimRules, made: object = examined.claims): VerifiedAuth {
  const { claims, subject, clientId, audience, scope, scp, expiresAt, issuedAt, tokenId, sessionId, actor } = examined;
  return new VerifiedAuth(
    token,
    {
      issuer: rules.issuer,
      subject,
      clientId,
      audience,
      scopes: rules.scopesFrom === undefined ? readScopes(scope, scp) : readScopesFrom(claims, rules.scopesFrom),
      roles: readRolesFrom(claims, rules.rolesFrom),
      claims: made as Claims,
      expiresAt,
      issuedAt,
      tokenId,
      sessionId,
      actor,
    },
    claims,
    rules,
  );
}
