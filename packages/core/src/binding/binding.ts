import { UNBOUND as CAUSES } from '../vocabulary/binding-words.js';
import type { Issuer } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Credentials } from '../request/credentials.js';
import { fieldOf } from '../request/fields.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { Confirmation } from './confirmation.js';
import type { SenderConstraint } from './dpop-options.js';
import type { ProofCheck } from './dpop.js';
import type { CertificateCheck } from './mtls.js';
import type { Sender } from './spent-proofs.js';

/** What the binding step reads of a verified token. */
export interface BindableToken {
  readonly confirmation: Confirmation | undefined;
  readonly issuer: Issuer;
  readonly auth: Sender;
}

type Result = VerificationFailure | undefined;

/** Checks that a request may use its verified token: that it proves possession of each key to which the token is bound (RFC 7800 s3). */
export interface Binding {
  /**
   * Returns why the request may not use the token; undefined if it may. The result is a promise only if a check must wait. It runs behind the token cache,
   * because each request needs a proof of its own.
   */
  check(token: BindableToken, credentials: Credentials, request: ProtectedRequest, nowSeconds: number): Result | Promise<Result>;
}

export interface BindingConfig {
  /** undefined if DPoP is off. */
  readonly checkProof: ProofCheck | undefined;
  readonly checkCertificate: CertificateCheck;
  /** How every token must be bound; undefined if it need not be. */
  readonly senderConstraint: SenderConstraint | undefined;
}

export function createBinding({ checkProof, checkCertificate, senderConstraint }: BindingConfig): Binding {
  /** A token that is bound to two keys needs both proofs. */
  function proves(
    { jkt, certificate, kept }: Confirmation,
    credentials: Credentials,
    request: ProtectedRequest,
    nowSeconds: number,
    sender: Sender,
  ): Result | Promise<Result> {
    // first, since checking a proof of DPoP also spends it
    const first = certificate === undefined ? undefined : checkCertificate(certificate, request);
    if (jkt === undefined) return first;
    if (!(first instanceof Promise)) return first ?? checkProof!(jkt, credentials, request, nowSeconds, sender, kept);
    return first.then((failure) => failure ?? checkProof!(jkt, credentials, request, nowSeconds, sender, kept));
  }

  /** The scheme must match the token. A bound token that comes as a bearer token is stolen, or its client does not know that it is bound. */
  function schemeFailure(confirmation: Confirmation | undefined, { scheme }: Credentials, request: ProtectedRequest): Result {
    if (confirmation?.jkt !== undefined) return scheme === 'DPoP' ? undefined : BOUND;
    if (scheme === 'DPoP') return UNBOUND;
    return checkProof && fieldOf(request, 'dpop') !== undefined ? BEARER_WITH_PROOF : undefined;
  }

  function constraintFailure(demanded: SenderConstraint, confirmation: Confirmation | undefined): Result {
    switch (demanded) {
      case 'dpop':
        return confirmation?.jkt === undefined ? NOT_BOUND_BY_DPOP : undefined;
      case 'mtls':
        return confirmation?.certificate === undefined ? NOT_BOUND_BY_MTLS : undefined;
      case 'any':
        return confirmation !== undefined ? undefined : checkProof ? NOT_BOUND : NOT_BOUND_WITHOUT_DPOP;
    }
  }

  return {
    check({ confirmation, issuer, auth }, credentials, request, nowSeconds) {
      if (confirmation?.unprovable !== undefined) return unproven(confirmation.unprovable, issuer);
      if (confirmation?.jkt !== undefined && !checkProof) return unproven('cnf has jkt, and the option dpop is false', issuer);
      const failure = schemeFailure(confirmation, credentials, request) ?? (senderConstraint && constraintFailure(senderConstraint, confirmation));
      if (failure) return { ...failure, issuer };
      if (confirmation === undefined) return undefined;
      const result = proves(confirmation, credentials, request, nowSeconds, auth);
      return result instanceof Promise ? result.then((late) => withIssuer(late, issuer)) : withIssuer(result, issuer);
    },
  };
}

const BOUND: VerificationFailure = { reason: 'bound_token_as_bearer' };
const UNBOUND: VerificationFailure = { reason: 'unbound_token', cause: CAUSES.scheme };
const NOT_BOUND: VerificationFailure = { reason: 'unbound_token', cause: CAUSES.any };
const NOT_BOUND_WITHOUT_DPOP: VerificationFailure = { reason: 'unbound_token', cause: CAUSES.anyWithoutDpop };
const NOT_BOUND_BY_DPOP: VerificationFailure = { reason: 'unbound_token', cause: CAUSES.dpop };
const NOT_BOUND_BY_MTLS: VerificationFailure = { reason: 'unbound_token', cause: CAUSES.mtls };
const BEARER_WITH_PROOF: VerificationFailure = { reason: 'bearer_with_proof' };

function unproven(cause: string, issuer: Issuer): VerificationFailure {
  return { reason: 'unproven_confirmation', cause, issuer };
}

function withIssuer(failure: Result, issuer: Issuer): Result {
  return failure && { ...failure, issuer };
}
