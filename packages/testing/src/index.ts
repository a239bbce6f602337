export { actAs, type ActAs, type ActingHeaders, type Caller } from './act-as.js';
export { createTestClock, type Moment, type TestClock } from './clock.js';
export {
  createTestIssuer,
  type LogoutTokenOptions,
  type OpaqueTokenOptions,
  type SecurityEventOptions,
  type TestIssuer,
  type TestIssuerOptions,
  type TokenOptions,
} from './issuer.js';
export { createDpopClient, type DpopClient, type DpopClientOptions, type ProvenRequest } from './dpop.js';
export { assertProtected, type ProtectedOptions } from './assert-protected.js';
export type { ProviderName } from './providers/index.js';
export type { Misbehaviour } from './misbehaviour.js';
export { asSigningKey, generatePrivateKey, signBytes, type PublicJwk, type SignatureQuirks, type SigningKey } from './signing-key.js';
export { base64url, compactJws, type SegmentContent } from './compact-jws.js';
export { hostileTokens } from './hostile/index.js';
export type { HostileIssuer, HostileToken, HostileTokenOptions } from './hostile/hostile-token.js';
export { expectBadRequest, expectForbidden, expectUnauthorized, expectUnavailable, type ExpectedRefusal } from './expect-refusal.js';
export type { FetchedResponse, ReceivedResponse } from './received.js';
export type { CallerOptions } from './caller-options.js';
export { parseChallenge, parseChallenges, type ReceivedChallenge } from './challenge.js';
