export { createTestClock, type Moment, type TestClock } from './clock.js';
export { createTestIssuer, type TestIssuer, type TestIssuerOptions, type TokenWishes } from './issuer.js';
export type { Misbehaviour } from './misbehaviour.js';
export { asSigningKey, generatePrivateKey, signBytes, type SignatureQuirks, type SigningKey } from './signing-key.js';
export { base64url, compactJws, type SegmentContent } from './compact-jws.js';
