import { claimedIssuer, claimedSubject } from '../jose/unverified-issuer.js';
import type { OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import type { ClaimRules } from './claim-rules.js';

// What is special about the tokens of `profile: 'jwt-svid'`: https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md

/** SPIFFE-ID s2: a trust domain, and a path of segments that are neither empty nor dots. */
const SPIFFE_ID = /^(spiffe:\/\/[a-z0-9._-]{1,255})(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/;
const TRUST_DOMAIN = /^spiffe:\/\/[a-z0-9._-]{1,255}$/;
const MAX_ID_LENGTH = 2048;
/** JWT-SVID s2.1 */
const ALGORITHM = /^(?:RS|PS|ES)(?:256|384|512)$/;

/** Returns the ID of the trust domain of a workload (`spiffe://example.org`); undefined if the text is not the SPIFFE ID of a workload. */
export function trustDomainOf(subject: unknown): string | undefined {
  return typeof subject === 'string' && subject.length <= MAX_ID_LENGTH ? SPIFFE_ID.exec(subject)?.[1] : undefined;
}

/** Returns the trust domain that the `sub` of an unverified token names. */
export function claimedTrustDomain(payload: Buffer): string | undefined {
  return trustDomainOf(claimedSubject(payload));
}

/** Returns the issuer that an unverified token names, where tokens of this profile name it. */
export function claimedUnder(profile: ClaimRules['profile'], payload: Buffer): string | undefined {
  return profile === 'jwt-svid' ? claimedTrustDomain(payload) : claimedIssuer(payload);
}

/** Returns the algorithms that the tokens of a profile may have. */
export function algorithmsOf<A extends string>(profile: ClaimRules['profile'], algorithms: readonly A[]): readonly A[] {
  return profile === 'jwt-svid' ? algorithms.filter((name) => ALGORITHM.test(name)) : algorithms;
}

/** Reports options that cannot be combined with `profile: 'jwt-svid'`. */
export function checkSvidOptions(reader: OptionReader, issuer: string): void {
  if (!TRUST_DOMAIN.test(issuer)) reader.wrong('issuer', `must be the ID of a trust domain, such as spiffe://example.org (got ${shown(issuer, 'url')})`);
  if (['jwksUri', 'jwks', 'jwksFile'].every((name) => reader.get(name) === undefined))
    reader.wrong('jwksUri', 'is missing: set it to the address of the trust bundle, or set jwksFile to its file. A trust domain has no metadata');
  for (const [name, why] of Object.entries(EXCLUDED)) {
    if (reader.get(name) !== undefined) reader.wrong(name, `cannot be combined with profile 'jwt-svid': ${why}`);
  }
  const algorithms = reader.get('algorithms');
  const wrong = Array.isArray(algorithms) ? algorithms.filter((name) => typeof name === 'string' && !ALGORITHM.test(name)) : [];
  if (wrong.length > 0) reader.wrong('algorithms', "must be of the RS, PS and ES families with profile 'jwt-svid' (JWT-SVID s2.1)");
}

const EXCLUDED = {
  metadataUrl: 'a trust domain has no metadata',
  unsafeAcceptTokensForAnyAudience: 'JWT-SVIDs must name this API in aud (JWT-SVID s3.2)',
  sharedSecrets: 'JWT-SVIDs are signed with the keys of the trust bundle',
  sharedSecretsFile: 'JWT-SVIDs are signed with the keys of the trust bundle',
  introspection: 'a trust domain has no introspection',
};
