export { createResourceGuard } from './guard.js';
export type { GuardOptions, KeyFetchingOptions } from './options.js';
export type { Access, Allow, ClientCertificate, Decision, Deny, ProblemDetails, ProtectedRequest, ResourceGuard, ResponseHeaders } from './seam.js';
export { rawToken, type Auth } from './auth.js';
export type { Claims } from './access-token/claims.js';
export type { Algorithm } from './access-token/algorithms.js';
export type { Jwk, Jwks } from './issuer/key-set.js';
export { KeysUnavailableError } from './issuer/remote-keys.js';
export { acr, allOf, anyOf, anyRole, anyScope, claim, isPolicy, maxAge, not, policy, role, scope } from './policy.js';
export type {
  AcrPolicy,
  ClaimPolicy,
  ClaimPredicate,
  ClaimValue,
  CombinedPolicy,
  MaxAgePolicy,
  NamedPolicy,
  NotPolicy,
  Policy,
  PolicyPredicate,
  RolePolicy,
  ScopePolicy,
} from './policy.js';
export type { Reason } from './denial.js';
export type { Events } from './events.js';
export type { Clock } from './clock.js';
export { ConfigurationError, type ConfigurationProblem } from './configuration-error.js';
