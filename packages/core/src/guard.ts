import { verifyAccessToken, type Rejection } from './access-token/verify.js';
import type { Auth } from './auth.js';
import { readCredentials } from './credentials.js';
import { createDenial } from './denial.js';
import { lacking, neededScope } from './evaluate.js';
import { causeText, isObserved, publish } from './events.js';
import { createMemory } from './memory.js';
import { parseOptions, type GuardOptions } from './options.js';
import { assertPolicy, type Policy } from './policy.js';
import { isPreflight } from './preflight.js';
import type { Access, Allow, Decision, Deny, ProtectedRequest, ResourceGuard, ResponseHeaders } from './seam.js';

/** What is known of a request's credentials: who, or why not. */
type Authentication = Auth | Rejection;

const NO_HEADERS: ResponseHeaders = Object.freeze({});
const ANONYMOUS: Allow<undefined> = Object.freeze({ outcome: 'allow', auth: undefined, headers: NO_HEADERS });

/**
 * Makes the guard of one API.
 *
 * @throws ConfigurationError that lists all that is wrong with the options
 *
 * @example
 * const guard = createResourceGuard({ issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * const decision = await guard.check({ method: 'GET', target: '/orders', headers: request.headers }, { policy: scope('orders:read') });
 */
export function createResourceGuard(options: GuardOptions = {}): ResourceGuard {
  const config = parseOptions(options);
  const deny = createDenial(config);
  const authenticated = createMemory<ProtectedRequest, Authentication | Promise<Authentication>>();

  function check(request: ProtectedRequest, access: Access = {}): Decision | Promise<Decision> {
    if (access.policy !== undefined) assertPolicy('access.policy', access.policy);
    if (access.preflight === 'pass' && isPreflight(request)) return tell(ANONYMOUS);
    const authentication = known(request) ?? authenticateOnce(request);
    return authentication instanceof Promise ? authentication.then((settled) => decide(settled, request, access)) : decide(authentication, request, access);
  }

  /** What was found of this very request before. An Auth counts for as long as its token does. */
  function known(request: ProtectedRequest): Authentication | Promise<Authentication> | undefined {
    const found = authenticated.get(request);
    if (found === undefined || found instanceof Promise || 'reason' in found) return found;
    return config.clock.now() / 1000 < found.expiresAt + config.clockSkewSeconds ? found : undefined;
  }

  function authenticateOnce(request: ProtectedRequest): Authentication | Promise<Authentication> {
    const authentication = authenticate(request);
    authenticated.set(request, authentication);
    if (authentication instanceof Promise) authentication.then((settled) => keep(request, settled)).catch(() => authenticated.set(request, undefined));
    return authentication;
  }

  /** That keys could not be had is no finding about the request. */
  function keep(request: ProtectedRequest, settled: Authentication): void {
    if ('reason' in settled && settled.reason === 'keys_unavailable') authenticated.set(request, undefined);
    else authenticated.set(request, settled);
  }

  function authenticate(request: ProtectedRequest): Authentication | Promise<Authentication> {
    const credentials = readCredentials(request, config.maxTokenBytes);
    return typeof credentials === 'string' ? verifyAccessToken(credentials, config.verification) : credentials;
  }

  function decide(authentication: Authentication, request: ProtectedRequest, access: Access): Decision {
    if ('reason' in authentication) {
      if (authentication.reason === 'missing_token' && access.credentials === 'optional') return tell(ANONYMOUS);
      return tell(refuse(authentication, access));
    }
    return tell(permit(authentication, access.policy, request));
  }

  function refuse({ reason, cause, retryAfterSeconds }: Rejection, access: Access): Deny {
    return deny(reason, { scope: isAboutNoToken(reason) ? neededScope(access.policy) : undefined, cause, retryAfterSeconds });
  }

  function permit(auth: Auth, policy: Access['policy'], request?: ProtectedRequest): Decision<Auth> {
    const lack = policy && lacking(policy, { auth, request, nowSeconds: config.clock.now() / 1000, clockSkewSeconds: config.clockSkewSeconds });
    return lack ? deny(lack.reason, lack.details) : { outcome: 'allow', auth, headers: NO_HEADERS };
  }

  function tell<D extends Decision>(decision: D): D {
    if (decision.outcome === 'allow') {
      if (isObserved('tokenward:accepted')) publish('tokenward:accepted', { issuer: config.issuer, anonymous: decision.auth === undefined });
    } else if (isObserved('tokenward:refused')) {
      const { status, reason, cause } = decision;
      publish('tokenward:refused', { issuer: config.issuer, status, reason, cause: cause === undefined ? undefined : causeText(cause) });
    }
    return decision;
  }

  return Object.freeze({
    check,
    permit(auth: Auth, policy: Policy, request?: ProtectedRequest) {
      assertPolicy('permit(auth, policy)', policy);
      return tell(permit(auth, policy, request));
    },
    warm: () => config.verification.keys.warm(),
    close: async () => config.verification.keys.close(),
  });
}

/** RFC 6750 s3.1: a caller who showed nothing is told what to ask for; one who showed something bad is not. */
function isAboutNoToken(reason: Rejection['reason']): boolean {
  return reason === 'missing_token' || reason === 'unsupported_scheme';
}
