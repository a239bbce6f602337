import { rawClaims, type Auth } from '../auth/auth.js';
import { isJsonObject, own } from '../lib/json.js';
import type { AuthScheme } from '../request/credentials.js';
import type { ChallengeSchemes } from './denial.js';

/**
 * Returns the schemes that a guard offers. Bearer comes first: most clients know it.
 *
 * @param algorithms the algorithms of proofs; undefined if DPoP is off
 */
export function acceptedSchemes(algorithms: readonly string[] | undefined, senderConstraint: 'dpop' | 'mtls' | 'any' | undefined): ChallengeSchemes {
  const offered: AuthScheme[] = senderConstraint === 'dpop' ? [] : ['Bearer'];
  if (algorithms && senderConstraint !== 'mtls') offered.push('DPoP');
  return { offered, algorithms: algorithms?.join(' ') };
}

/** Returns the scheme by which a guard accepts a token: the guard refuses a token that is bound to a key if it comes by Bearer. */
export function schemeOf(auth: Auth<object>): AuthScheme {
  const cnf = own(rawClaims(auth), 'cnf');
  return isJsonObject(cnf) && Object.hasOwn(cnf, 'jkt') ? 'DPoP' : 'Bearer';
}
