import type { CompactJws } from '../jose/compact-jws.js';
import { findSigningKey } from '../jose/signature.js';
import type { Issuer } from './issuer.js';
import type { FoundKeys } from '../keys/key-source.js';
import { keysFor, type PreparedKey } from '../jose/key-set.js';
import { claimedUnder } from './svid.js';
import type { VerificationFailure } from './verification-failure.js';

type FoundKey = PreparedKey | VerificationFailure;

/**
 * Finds the key of an issuer that verifies a JWS. If no cached key does, it fetches keys. It returns a promise only if it must fetch.
 *
 * @param names the guard's issuers, for the explanation of a JWS that names none of them
 */
export function findVerifyingKey(issuer: Issuer, jws: CompactJws, names: readonly string[]): FoundKey | Promise<FoundKey> {
  const { algorithm, keyId } = jws.header;
  if (!issuer.algorithms.has(algorithm)) return { reason: 'algorithm_not_allowed', cause: 'alg', issuer, expected: issuer.algorithms, found: algorithm };

  const keys = issuer.keys.cachedKeys(algorithm, keyId);
  const isKnown = keys !== undefined && keys.length > 0;
  if (isKnown) {
    const usable = keysFor(issuer.rules.issuer, keys);
    if (usable.length === 0) return labelledForAnother(issuer, jws, names);
    const key = findSigningKey(usable, jws);
    if (key) return key;
  }
  const reason = isKnown ? 'bad_signature' : 'unknown_key';
  // a token that does not name this issuer never causes a request to it
  const claimed = claimedUnder(issuer.rules.profile, jws.payload);
  if (claimed !== issuer.rules.issuer) return isKnown && keyId !== undefined ? notVerified(reason, issuer, keyId) : issuerMismatch(claimed, names);
  // even if the `kid` is known: a realm that was created again may use it for another key
  const found = issuer.keys.fetchKeys(algorithm, keyId);
  return found instanceof Promise
    ? found.then((fetched) => keyAmongFetched(fetched, reason, issuer, jws, names))
    : keyAmongFetched(found, reason, issuer, jws, names);
}

/** @param reason why the cached keys did not verify the JWS */
function keyAmongFetched(found: FoundKeys, reason: 'unknown_key' | 'bad_signature', issuer: Issuer, jws: CompactJws, names: readonly string[]): FoundKey {
  const { keyId } = jws.header;
  if ('fetchedAgainInSeconds' in found) {
    const failure = notVerified(reason, issuer, keyId);
    // a key with the id is known, so a rotation is not why the signature is wrong
    return reason === 'bad_signature' && keyId !== undefined ? failure : { ...failure, keysAskedAgainInSeconds: found.fetchedAgainInSeconds };
  }
  if (!isKeys(found)) {
    // the key with this id is cached and did not verify the signature, so the outage does not matter
    if (reason === 'bad_signature' && keyId !== undefined) return notVerified(reason, issuer, keyId);
    return { reason: 'keys_unavailable', cause: found.cause, retryAfterSeconds: found.retryAfterSeconds, issuer };
  }
  if (found.length === 0) return notVerified(reason, issuer, keyId);
  const usable = keysFor(issuer.rules.issuer, found);
  if (usable.length === 0) return labelledForAnother(issuer, jws, names);
  return findSigningKey(usable, jws) ?? notVerified('bad_signature', issuer, keyId);
}

/** Returns the failure of a token that names none of the guard's issuers. */
export function issuerMismatch(claimed: string | undefined, names: readonly string[]): VerificationFailure {
  return { reason: 'issuer_mismatch', cause: 'iss', expected: names, found: claimed };
}

/** The cached key ids are listed only when the explanation is read. */
function notVerified(reason: 'unknown_key' | 'bad_signature', issuer: Issuer, keyId: string | undefined): VerificationFailure {
  return { reason, issuer, expected: reason === 'unknown_key' ? () => issuer.keys.health().keyIds : undefined, found: keyId ?? null };
}

/** The key exists, but its JWK names another issuer. */
function labelledForAnother(issuer: Issuer, jws: CompactJws, names: readonly string[]): VerificationFailure {
  const claimed = claimedUnder(issuer.rules.profile, jws.payload);
  if (claimed !== issuer.rules.issuer) return issuerMismatch(claimed, names);
  return { reason: 'unknown_key', cause: 'its key is labelled for another issuer', issuer, found: jws.header.keyId ?? 'none' };
}

function isKeys(found: FoundKeys): found is readonly PreparedKey[] {
  return Array.isArray(found);
}
