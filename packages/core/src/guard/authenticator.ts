import { isWithinLifetime, VerifiedAuth } from '../access-token/verified-auth.js';
import type { TrustCheck } from '../access-token/trust-check.js';
import { isVerified, type TokenVerifier, type Verification } from '../access-token/verifier.js';
import type { Binding } from '../binding/binding.js';
import type { VerificationFailure } from '../issuer/verification-failure.js';
import type { Clock } from '../lib/clock.js';
import { createMemory, type Slot } from '../lib/private-slot.js';
import { isCredentials, isWithoutHeader, WITHOUT_SESSION, readCredentials, type Credentials, type CredentialsFailure } from '../request/credentials.js';
import type { ReadElsewhere } from '../request/credential-places.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { TokenSignals } from '../revocation/token-signals.js';
import { behaviourOf } from '../vocabulary/reason.js';
import type { SessionReader } from './session-reader.js';

/** The result of authenticating a request: its Auth, or the failure. */
export type Authentication = VerifiedAuth | VerificationFailure;

type Result = Authentication | Promise<Authentication>;

/**
 * Authenticates a request. The result is a promise only if something must be fetched.
 *
 * @param nowSeconds the current time, which the caller needs too: it is read once per check
 */
export type Authenticate = (request: ProtectedRequest, nowSeconds: number) => Authentication | Promise<Authentication>;

export interface AuthenticatorConfig {
  readonly verifier: TokenVerifier;
  readonly binding: Binding;
  readonly maxTokenBytes: number;
  /** Whether the scheme DPoP is supported. */
  readonly acceptsDpop: boolean;
  /** Finds the tokens of requests without an `Authorization` header, in the places that the option `credentials` names. */
  readonly elsewhere: ReadElsewhere | undefined;
  /** Finds the tokens of browser sessions, for requests without other credentials. */
  readonly session: SessionReader | undefined;
  /** Whether the verifier may return the same Auth for several requests. */
  readonly isCaching: boolean;
  readonly trust: TrustCheck;
  readonly tokenSignals: TokenSignals;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * Returns a function that authenticates requests: credentials, verifier, binding. It authenticates each request object once, however often a guard checks
 * it. A second check repeats only what may have changed since: the token's time, its key and its issuer.
 */
export function createAuthenticator(config: AuthenticatorConfig): Authenticate {
  const { verifier, binding, maxTokenBytes, acceptsDpop, elsewhere, session, isCaching, trust, tokenSignals, clock } = config;
  const authenticated = createMemory<ProtectedRequest, Result>();

  function remembered(slot: Slot<Result>, request: ProtectedRequest, nowSeconds: number): Result | undefined {
    const found = slot.value;
    if (!(found instanceof VerifiedAuth)) return found;
    if (!isWithinLifetime(found, nowSeconds)) return undefined;
    const { admission } = found;
    const isTrusted = admission === undefined || trust.isTrusted(admission.verified, request);
    if (typeof isTrusted === 'boolean') return isTrusted ? found : undefined;
    return isTrusted.then((still) => (still ? found : authenticateOnce(slot, request, clock.now() / 1000)));
  }

  function authenticateOnce(slot: Slot<Result>, request: ProtectedRequest, nowSeconds: number): Result {
    const authentication = authenticate(request, nowSeconds);
    if (!(authentication instanceof Promise)) return remember(slot, request, authentication);
    slot.value = authentication.then(
      (result) => remember(slot, request, result),
      (error: unknown) => {
        slot.value = undefined;
        throw error;
      },
    );
    return slot.value;
  }

  /** Never remembers an outage: it says nothing about this request. */
  function remember(slot: Slot<Result>, request: ProtectedRequest, result: Authentication): Authentication {
    const kept = result instanceof VerifiedAuth ? withOwnSignal(request, result) : result;
    slot.value = kept instanceof VerifiedAuth || !behaviourOf(kept.reason).transient ? kept : undefined;
    return kept;
  }

  /** Requests with the same token share one Auth until somebody asks for a signal, because a signal belongs to one request. */
  function withOwnSignal(request: ProtectedRequest, auth: VerifiedAuth): VerifiedAuth {
    if (!isCaching) return auth.assignTo(request);
    return tokenSignals.anyCreated ? auth.copyFor(request) : auth;
  }

  function authenticate(request: ProtectedRequest, nowSeconds: number): Authentication | Promise<Authentication> {
    const inHeader = readCredentials(request, maxTokenBytes, acceptsDpop);
    const credentials = elsewhere ? elsewhere(request, inHeader, maxTokenBytes) : inHeader;
    if (isCredentials(credentials)) return verify(credentials, request, nowSeconds);
    // a header that is wrong is refused, whatever the session says
    return session && isWithoutHeader(credentials) ? authenticateSession(session, request, nowSeconds) : credentials;
  }

  function authenticateSession(reader: SessionReader, request: ProtectedRequest, nowSeconds: number): Authentication | Promise<Authentication> {
    const found = reader.find(request, nowSeconds);
    if (found instanceof Promise) return found.then((late) => verifyFound(late ?? WITHOUT_SESSION, request, clock.now() / 1000));
    return verifyFound(found ?? WITHOUT_SESSION, request, nowSeconds);
  }

  function verifyFound(found: Credentials | CredentialsFailure, request: ProtectedRequest, nowSeconds: number): Authentication | Promise<Authentication> {
    return isCredentials(found) ? verify(found, request, nowSeconds) : found;
  }

  function verify(credentials: Credentials, request: ProtectedRequest, nowSeconds: number): Authentication | Promise<Authentication> {
    const verified = verifier.verify(credentials, request, nowSeconds);
    return verified instanceof Promise
      ? verified.then((late) => bind(late, credentials, request, clock.now() / 1000))
      : bind(verified, credentials, request, nowSeconds);
  }

  /** Runs after the token cache, because each request needs its own proof of possession. */
  function bind(verified: Verification, credentials: Credentials, request: ProtectedRequest, nowSeconds: number): Authentication | Promise<Authentication> {
    if (!isVerified(verified)) return underScheme(verified, credentials);
    const failure = binding.check(verified, credentials, request, nowSeconds);
    if (failure instanceof Promise) return failure.then((late) => underScheme(late, credentials) ?? verified.auth);
    return underScheme(failure, credentials) ?? verified.auth;
  }

  return (request, nowSeconds) => {
    const slot = authenticated.slotOf(request);
    return remembered(slot, request, nowSeconds) ?? authenticateOnce(slot, request, nowSeconds);
  };
}

/** The challenge of the scheme that the request used carries the error. Bearer is the default. */
function underScheme<F extends VerificationFailure | undefined>(failure: F, { scheme }: Credentials): F {
  return failure && scheme !== 'Bearer' ? { ...failure, scheme } : failure;
}
