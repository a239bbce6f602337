import type { Issuer } from '../issuer/issuer.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Credentials } from '../request/credentials.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { Confirmation } from './confirmation.js';
import type { ProofCheck } from './dpop.js';
import type { CertificateCheck } from './mtls.js';

/** What the binding step reads of a verified token. */
export interface BindableToken {
  readonly confirmation: Confirmation | undefined;
  readonly issuer: Issuer;
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
  readonly checkProof: ProofCheck;
  readonly checkCertificate: CertificateCheck;
}

export function createBinding({ checkProof, checkCertificate }: BindingConfig): Binding {
  /** A token that is bound to two keys needs both proofs. */
  function proves({ jkt, certificate }: Confirmation, credentials: Credentials, request: ProtectedRequest, nowSeconds: number): Result | Promise<Result> {
    // first, since checking a proof of DPoP also spends it
    const first = certificate === undefined ? undefined : checkCertificate(certificate, request);
    if (jkt === undefined) return first;
    if (!(first instanceof Promise)) return first ?? checkProof(jkt, credentials, request, nowSeconds);
    return first.then((failure) => failure ?? checkProof(jkt, credentials, request, nowSeconds));
  }

  return {
    check({ confirmation, issuer }, credentials, request, nowSeconds) {
      if (confirmation === undefined) return undefined;
      if (confirmation.unprovable !== undefined) return unproven(confirmation.unprovable, issuer);
      const result = proves(confirmation, credentials, request, nowSeconds);
      return result instanceof Promise ? result.then((failure) => withIssuer(failure, issuer)) : withIssuer(result, issuer);
    },
  };
}

function unproven(cause: string, issuer: Issuer): VerificationFailure {
  return { reason: 'unproven_confirmation', cause, expected: 'a token without cnf', issuer };
}

function withIssuer(failure: Result, issuer: Issuer): Result {
  return failure && { ...failure, issuer };
}
