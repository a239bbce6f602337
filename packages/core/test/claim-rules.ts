import type { ClaimRules } from '../src/issuer/claim-rules.js';

/** Rules that ask for nothing beside the issuer and the audience, but for what is said. */
export function claimRules(rules: Partial<ClaimRules> & Pick<ClaimRules, 'issuer' | 'audiences'>): ClaimRules {
  return {
    clockSkewSeconds: 30,
    requiredClaims: [],
    requiredValues: new Map(),
    requiredMembers: [],
    forbiddenValues: [],
    forbiddenClaims: [],
    maxTokenAgeSeconds: undefined,
    maxTokenLifetimeSeconds: undefined,
    allowedClients: undefined,
    profile: undefined,
    clientIdClaim: undefined,
    rolesFrom: [['roles']],
    scopesFrom: undefined,
    acceptWithoutIssuedAt: false,
    ...rules,
  };
}
