import { importEmbeddedKey } from '../jose/embedded-key.js';
import { findSigningKey } from '../jose/signature.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import { createLruMap } from '../lib/lru.js';
import { createMemory } from '../lib/private-slot.js';
import type { Credentials } from '../request/credentials.js';
import { fieldOf } from '../request/fields.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { KeptForProofs } from './confirmation.js';
import type { DpopConfig } from './dpop-options.js';
import { createNonces } from './nonces.js';
import { readProof, tokenHash, type Proof, type ProvenHeader } from './proof.js';
import { createSpending, type Sender } from './spent-proofs.js';
import { compareTargetUri } from './target-uri.js';

/**
 * Returns why a request does not prove possession of the key to which its token is bound (RFC 9449 s7); undefined if it does.
 *
 * @param jkt `jkt` of the token's `cnf`
 * @param sender who sent the token
 * @param kept what was computed for this token before
 */
export type ProofCheck = (
  jkt: string,
  credentials: Credentials,
  request: ProtectedRequest,
  nowSeconds: number,
  sender: Sender,
  kept?: KeptForProofs,
) => VerificationFailure | undefined | Promise<VerificationFailure | undefined>;

/** The check of proofs, and what clients must learn from it. */
export interface ProofChecker {
  readonly check: ProofCheck;
  /** Returns the nonce that the client of an accepted request shall use from now on, if it used an older one. */
  newNonceFor(request: ProtectedRequest): string | undefined;
}

const MISSING: VerificationFailure = Object.freeze({ reason: 'missing_proof' });

/** An app's clients sign with a few keys at a time. If a key is evicted, its next proof costs an import. */
const MAX_KNOWN_KEYS = 1000;

/**
 * Creates the check of DPoP proofs (RFC 9449 s4.3). The cheapest checks come first: a proof with another key than the token's is refused before its key is
 * imported, and nothing is stored before the signature is verified.
 *
 * @param publicOrigin the origin that clients use, if the options name it
 */
export function createProofChecker(config: DpopConfig, publicOrigin: string | undefined): ProofChecker {
  const { algorithms, maxProofAgeSeconds, clockSkewSeconds } = config;
  const known = createLruMap<ProvenHeader>(MAX_KNOWN_KEYS);
  const nonces = config.nonces && createNonces(config.nonces);
  const newNonces = createMemory<ProtectedRequest, string>();
  // as long as any process accepts a proof: the client's clock may be ahead, and that of another process behind
  const spend = createSpending(config.replays, maxProofAgeSeconds + 3 * clockSkewSeconds + 1, newNonces.set);

  /** Everything but the signature, the nonce and the replay. */
  function examine(
    { htm, htu, iat, ath, key }: Proof,
    jkt: string,
    token: string,
    request: ProtectedRequest,
    nowSeconds: number,
    kept: KeptForProofs,
  ): VerificationFailure | undefined {
    // with case: method names are case-sensitive (RFC 9110 s9.1)
    if (htm !== request.method) return invalid('its htm is not the method of this request', request.method, htm);
    const uri = compareTargetUri(htu, request, publicOrigin);
    if (uri) return invalid(uri.cause, uri.expected, uri.found);
    const [earliest, latest] = [nowSeconds - maxProofAgeSeconds - clockSkewSeconds, nowSeconds + clockSkewSeconds];
    if (iat < earliest)
      return invalid(
        'its iat is too long ago',
        () => `${dateText(earliest)} or later`,
        () => dateText(iat),
      );
    if (iat > latest)
      return invalid(
        'its iat is in the future',
        () => `${dateText(latest)} or earlier`,
        () => dateText(iat),
      );
    if (ath !== (kept.ath ??= tokenHash(token))) return invalid('its ath is not the hash of the access token');
    return key.thumbprint === jkt ? undefined : invalid('its key is not the one to which the token is bound');
  }

  function verifySignature({ jws, key, prepared }: Proof): VerificationFailure | undefined {
    const imported = prepared ?? importEmbeddedKey(key, jws.header.algorithm);
    if (typeof imported === 'string') return invalid(`its jwk ${imported}`);
    if (!findSigningKey([imported], jws)) return invalid('its signature is wrong');
    // copies, since a slice would keep the whole proof
    if (!prepared) known.set(Buffer.from(jws.header64, 'latin1').toString('latin1'), { ...jws.header, jwk: undefined, key, prepared: imported });
    return undefined;
  }

  function checkNonce({ nonce }: Proof, request: ProtectedRequest, nowSeconds: number): VerificationFailure | undefined {
    const state = nonces?.check(nonce, nowSeconds);
    if (!nonces || state === 'current') return undefined;
    const current = nonces.current(nowSeconds);
    if (state === undefined) return { reason: 'nonce_required', cause: nonce === undefined ? 'it has none' : 'it has another', nonce: current };
    newNonces.set(request, current);
    return undefined;
  }

  function check(
    jkt: string,
    { token }: Credentials,
    request: ProtectedRequest,
    nowSeconds: number,
    sender: Sender,
    kept: KeptForProofs = {},
  ): ReturnType<ProofCheck> {
    const field = fieldOf(request, 'dpop');
    if (field === undefined || field.length === 0) return field === '' ? invalid('the DPoP header is empty') : MISSING;
    return spend(request, field, token, () => {
      const proof = readProof(field, algorithms, known);
      if (typeof proof === 'string') return invalid(proof);
      const failure = examine(proof, jkt, token, request, nowSeconds, kept) ?? verifySignature(proof) ?? checkNonce(proof, request, nowSeconds);
      return failure ?? [jkt, proof.jti, sender, kept, nonces && newNonces.get(request)];
    });
  }

  return { check, newNonceFor: (request) => newNonces.get(request) };
}

function invalid(cause: string, expected?: VerificationFailure['expected'], found?: VerificationFailure['found']): VerificationFailure {
  return { reason: 'invalid_proof', cause, expected, found };
}

/** Returns a NumericDate as operators read it. Its range was checked. */
function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
