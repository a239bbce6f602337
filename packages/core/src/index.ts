export { createResourceGuard } from './guard.js';
export type { GuardOptions, TokenCacheOptions } from './options.js';
export type { ClientCertificateOptions, NamedCertificateHeader } from './binding/client-certificate-options.js';
export type { CertificateDigest } from './binding/certificate-source.js';
export type { IssuerOptions, KeyFetchingOptions, NamesClaim, ClaimValues, SharedSecretsFile } from './issuer/issuer-options.js';
export type { IntrospectionOptions } from './issuer/introspection-options.js';
export type { IntrospectionHealth } from './access-token/introspector.js';
export type { IssuerResolver } from './issuer/resolver.js';
export type { DecryptionKeyOption } from './keys/decryption-options.js';
export type { SecretEncoding } from './keys/secret-encodings.js';
export type { SharedSecret } from './keys/shared-secrets.js';
export { IssuerUnavailableError, type IssuerHealth } from './issuer/issuer.js';
export type { KeyHealth } from './keys/key-source.js';
export type { TokenCacheHealth } from './access-token/token-cache.js';
export type { Revocations, RevocationsOptions } from './revocation/revocations.js';
export type { RevocationOptions, RevocationTarget } from './revocation/revocation.js';
export type { RevocationKind, RevocationReason } from './vocabulary/revocation-words.js';
export { memoryRevocations, RevocationStoreError } from './revocation/store.js';
export { memorySessions } from './session/memory-sessions.js';
export type { BackchannelLogoutOptions } from './security-event/backchannel-logout.js';
export type { SharedSignalsOptions } from './security-event/shared-signals.js';
export type { MessageReceiver, ReceivedMessage, ReceiverAnswer, ReceiverFailure } from './security-event/receiver.js';
export { createIssuerClient, type IssuerClient, type IssuerClientOptions } from './issuer-client.js';
export { IssuerRequestError } from './net/issuer-request-error.js';
export type { DpopOptions, ProofAlgorithm, SenderConstraint } from './binding/dpop-options.js';
export type { MonitoringOptions } from './events/monitoring.js';
export { TokenEndedError } from './revocation/token-signals.js';
export type { ShadowOptions } from './access-token/shadow.js';
export type { BrowserSessionCredentials } from './session/session-credentials.js';
export type { RouteRequirements } from './policy/route-requirements.js';
export type { GuardHealth, ResourceGuard } from './resource-guard.js';
export type { Allow, Decision, Deny, ProblemDetails, ResponseHeaders } from './decision/decision.js';
export { refuseUpgrade } from './node/refuse-upgrade.js';
export type { ClientCertificate, ProtectedRequest } from './request/protected-request.js';
export { rawToken, type Auth } from './auth/auth.js';
export type { AppClaims, Register } from './auth/app-claims.js';
export type { Claims } from './auth/claims.js';
export type { ClaimsSchema } from './auth/claims-schema.js';
export type { NamesReader } from './auth/names.js';
export type { Algorithm } from './jose/algorithms.js';
export type { Jwk, Jwks } from './jose/jwk.js';
export { KeysUnavailableError } from './keys/remote-keys.js';
export {
  acr,
  actedFor,
  actor,
  allOf,
  anyOf,
  anyRole,
  anyScope,
  authorizationDetails,
  claim,
  issuedBy,
  maxAge,
  not,
  policy,
  role,
  scope,
} from './policy/constructors.js';
export { isPolicy } from './policy/kinds.js';
export type {
  AcrPolicy,
  ClaimPolicy,
  ClaimPredicate,
  ClaimValue,
  CombinedPolicy,
  IssuerPolicy,
  MaxAgePolicy,
  NamedPolicy,
  NotPolicy,
  Policy,
  PolicyPredicate,
  RolePolicy,
  ScopePolicy,
} from './policy/policy.js';
export type { Reason } from './vocabulary/reason.js';
export type { Explanation } from './explain/explanation.js';
export { EVENT_NAMES, observe, type Events } from './events/events.js';
export type { Clock } from './lib/clock.js';
export { ConfigurationError, type ConfigurationProblem } from './lib/configuration-error.js';
export { TokenwardError, type TokenwardErrorCode } from './lib/tokenward-error.js';
