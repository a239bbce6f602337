import type { Claims } from '../auth/claims.js';
import { readRolesFrom, readScopes, readScopesFrom } from '../auth/names.js';
import type { ClaimRules } from '../issuer/claim-rules.js';
import type { ExaminedClaims } from './claims.js';
import { VerifiedAuth } from './verified-auth.js';

/**
 * Creates the Auth of a token whose claims were examined.
 *
 * @param appClaims the output of the app's claims schema. Default: the token's own claims.
 */
export function buildAuth(token: string, examined: ExaminedClaims, rules: ClaimRules, appClaims: object = examined.claims): VerifiedAuth {
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
      claims: appClaims as Claims,
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
