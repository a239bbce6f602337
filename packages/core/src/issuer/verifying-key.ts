import { claimedIssuer } from '../jose/unverified-issuer.js';
import type { CompactJws } from '../jose/compact-jws.js';
import { signerOf } from '../jose/signature.js';
import type { Issuer } from './issuer.js';
import type { FoundKeys } from '../keys/key-source.js';
import { keysFor, type PreparedKey } from '../jose/key-set.js';
import type { VerificationFailure } from './verification-failure.js';

type FoundKey = PreparedKey | VerificationFailure;

/**
 * Finds the key of an issuer that verifies a JWS: among the cached keys, else among newer ones. Without a promise where nothing must be fetched.
 *
 * @param names the issuers of the guard, for the explanation of a JWS that claims to be from none of them
 */
export function findVerifyingKey(issuer: Issuer, jws: CompactJws, names: readonly string[]): FoundKey | Promise<FoundKey> {
  const { algorithm, keyId } = jws.header;
  if (!issuer.algorithms.has(algorithm)) return { reason: 'algorithm_not_allowed', cause: 'alg', issuer, expected: issuer.algorithms, found: algorithm };

  const keys = issuer.keys.held(algorithm, keyId);
  const isKnown = keys !== undefined && keys.length > 0;
  if (isKnown) {
    const usable = keysFor(issuer.rules.issuer, keys);
    if (usable.length === 0) return labelledForAnother(issuer, jws, names);
    const signer = signerOf(usable, jws);
    if (signer) return signer;
  }
  const otherwise = isKnown ? 'bad_signature' : 'unknown_key';
  // what does not even claim to be our issuer's makes nobody ask that issuer
  const claimed = claimedIssuer(jws.payload);
  if (claimed !== issuer.rules.issuer) return isKnown && keyId !== undefined ? unsigned(otherwise, issuer, keyId) : foreign(claimed, names);
  // also where the `kid` is known: in a realm that was created anew it may be another key
  const found = issuer.keys.newer(algorithm, keyId);
  return found instanceof Promise
    ? found.then((newer) => signerAmong(newer, otherwise, issuer, jws, names))
    : signerAmong(found, otherwise, issuer, jws, names);
}

function signerAmong(found: FoundKeys, otherwise: 'unknown_key' | 'bad_signature', issuer: Issuer, jws: CompactJws, names: readonly string[]): FoundKey {
  const { keyId } = jws.header;
  if (!isKeys(found)) {
    // the key with this very name is at hand, and did not sign it
    if (otherwise === 'bad_signature' && keyId !== undefined) return unsigned(otherwise, issuer, keyId);
    return { reason: 'keys_unavailable', cause: found.cause, retryAfterSeconds: found.retryAfterSeconds, issuer };
  }
  if (found.length === 0) return unsigned(otherwise, issuer, keyId);
  const usable = keysFor(issuer.rules.issuer, found);
  if (usable.length === 0) return labelledForAnother(issuer, jws, names);
  return signerOf(usable, jws) ?? unsigned('bad_signature', issuer, keyId);
}

/** What does not claim to be from one of the guard's issuers. */
export function foreign(claimed: string | undefined, names: readonly string[]): VerificationFailure {
  return { reason: 'issuer_mismatch', cause: 'iss', expected: names, found: claimed };
}

/** The keys at hand are listed only for whoever asks for an explanation. */
function unsigned(reason: 'unknown_key' | 'bad_signature', issuer: Issuer, keyId: string | undefined): VerificationFailure {
  return { reason, issuer, expected: reason === 'unknown_key' ? () => issuer.keys.health().keyIds : undefined, found: keyId ?? null };
}

/** There is such a key, and its JWK says that it is another issuer's. */
function labelledForAnother(issuer: Issuer, jws: CompactJws, names: readonly string[]): VerificationFailure {
  const claimed = claimedIssuer(jws.payload);
  if (claimed !== issuer.rules.issuer) return foreign(claimed, names);
  return { reason: 'unknown_key', cause: 'its key is labelled for another issuer', issuer, found: jws.header.keyId ?? 'none' };
}

function isKeys(found: FoundKeys): found is readonly PreparedKey[] {
  return Array.isArray(found);
}
