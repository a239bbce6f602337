import type { Issuer } from './issuer.js';
import type { PreparedKey } from '../jose/key-set.js';

/** The key that verified a token, and its issuer. */
export interface VerifiedKey {
  readonly issuer: Issuer;
  readonly key: PreparedKey;
  readonly algorithm: string;
  readonly keyId: string | undefined;
}
