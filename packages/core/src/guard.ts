import { createTokenCache } from './access-token/token-cache.js';
import type { VerificationFailure } from './issuer/verification-failure.js';
import { createJwtVerifier } from './access-token/verify.js';
import { isVerified, type TokenVerifier, type Verification } from './access-token/verifier.js';
import { checkBinding } from './binding/confirmation.js';
import { counts, lostStanding, VerifiedAuth } from './access-token/verified-auth.js';
import type { Auth } from './auth/auth.js';
import { createBackgroundRetry } from './lib/background-retry.js';
import type { ClaimsSchema } from './access-token/claims-schema.js';
import { isCredentials, readCredentials } from './request/credentials.js';
import { behaviourOf } from './vocabulary/reason.js';
import { createDenial } from './decision/denial.js';
import { evaluatePolicy, sufficientScopes } from './policy/evaluate.js';
import { causeText } from './explain/cause-text.js';
import { isObserved, publish, type RequestEvent } from './events/events.js';
import { createHints } from './explain/hints.js';
import { placeOf } from './explain/place.js';
import { nameOf, type IssuerHealth } from './issuer/issuer.js';
import { createMemory } from './lib/private-slot.js';
import { parseOptions, type GuardOptions } from './options.js';
import { assertPolicy } from './policy/kinds.js';
import type { Policy } from './policy/policy.js';
import { createMonitor } from './events/monitoring.js';
import { pendingDecision } from './decision/pending-decision.js';
import { isPreflight } from './request/preflight.js';
import { assertAccess, type RouteRequirements } from './policy/route-requirements.js';
import { assertAuth } from './auth/assert-auth.js';
import { assertRequest } from './request/request-shape.js';
import { createRevocations } from './revocation/revocations.js';
import { createBackchannelLogout, type BackchannelLogoutOptions } from './security-event/backchannel-logout.js';
import { createSharedSignals, type SharedSignalsOptions } from './security-event/shared-signals.js';
import { createStanding } from './access-token/standing.js';
import { createTokenLives, type TokenLives } from './revocation/token-lives.js';
import type { RevocableToken, RevocationRecord } from './revocation/revocation.js';
import { RevocationStoreError, type RevocationHealth, type RevocationStore } from './revocation/store.js';
import { classOf } from './lib/thrown.js';
import { printable } from './lib/url.js';
import { WITHOUT_ISSUED_AT } from './vocabulary/revocation-words.js';
import type { GuardHealth, ResourceGuard } from './resource-guard.js';
import type { Allow, Decision, Deny, ResponseHeaders } from './decision/decision.js';
import type { ProtectedRequest } from './request/protected-request.js';

/** What is known of a request's credentials: who, or why not. */
type Authentication = VerifiedAuth | VerificationFailure;

const foresights = new WeakMap<object, ResourceGuard['check']>();

/**
 * Decides as `guard.check` would at this moment, and publishes no event: for an adapter that must know ahead of the check that counts. Give it a
 * request object of its own, since the guard remembers what it found of one.
 */
export function foresee(guard: ResourceGuard, request: ProtectedRequest, access: RouteRequirements): Decision | Promise<Decision> {
  return (foresights.get(guard) ?? guard.check)(request, access);
}

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
export function createResourceGuard<C extends object>(options: GuardOptions & { readonly claims: ClaimsSchema<C> }): ResourceGuard<C>;
export function createResourceGuard(options?: GuardOptions): ResourceGuard;
export function createResourceGuard(options: GuardOptions = {}): ResourceGuard {
  const config = parseOptions(options);
  const { issuers, clock } = config;
  const { store } = config.revocations;
  const standing = createStanding(issuers, clock, () => lives.look());
  const lives: TokenLives = createTokenLives(clock, { isRevoked: isKnownToBeRevoked, endingOf: standing.endingOf });
  const monitor = createMonitor(config.monitoring, clock);
  const revocations = createRevocations(config.revocations, issuers, clock, monitor.aheadOf);
  const unwatch = [store.onAdded(lives.look), store.onOverflow((overflow) => publish('tokenward:revocations-overflowed', overflow))];
  const cache = config.tokenCache && createTokenCache(config.tokenCache);
  const verifier: TokenVerifier = createJwtVerifier({ ...config, cache, lives, standing, monitor, now: () => clock.now() });
  // a store that was away at the start, or is away now, must not stay so because no request asks for it
  const storeRetry = createBackgroundRetry(warmStore);
  const deny = createDenial(config);
  const hint = createHints();
  const authenticated = createMemory<ProtectedRequest, Authentication | Promise<Authentication>>();

  function check(request: ProtectedRequest, access: RouteRequirements = {}): Decision | Promise<Decision> {
    assertRequest(request);
    assertAccess(access);
    if (access.preflight === 'pass' && isPreflight(request)) return tell(ANONYMOUS);
    const startedAt = isObserved('tokenward:accepted') || isObserved('tokenward:refused') ? clock.monotonic() : undefined;
    const nowSeconds = seconds();
    const authentication = known(request, nowSeconds) ?? authenticateOnce(request, nowSeconds);
    return authentication instanceof Promise
      ? pendingDecision(authentication.then((settled) => decide(settled, request, access, seconds(), startedAt)))
      : decide(authentication, request, access, nowSeconds, startedAt);
  }

  function checkUntold(request: ProtectedRequest, access: RouteRequirements = {}): Decision | Promise<Decision> {
    const nowSeconds = seconds();
    const authentication = known(request, nowSeconds) ?? authenticateOnce(request, nowSeconds);
    return authentication instanceof Promise
      ? authentication.then((settled) => judge(settled, request, access, seconds(), false))
      : judge(authentication, request, access, nowSeconds, false);
  }

  /** What was found of this very request before. An Auth counts for as long as its token does, and its key and its issuer. */
  function known(request: ProtectedRequest, nowSeconds: number): Authentication | Promise<Authentication> | undefined {
    const found = authenticated.get(request);
    if (!(found instanceof VerifiedAuth)) return found;
    if (!counts(found, nowSeconds)) return undefined;
    const { admission } = found;
    const stands = admission === undefined || standing.stands(admission.verified, request);
    if (typeof stands === 'boolean') return stands ? found : undefined;
    return stands.then((still) => (still ? found : authenticateOnce(request, seconds())));
  }

  function authenticateOnce(request: ProtectedRequest, nowSeconds: number): Authentication | Promise<Authentication> {
    const authentication = authenticate(request, nowSeconds);
    if (!(authentication instanceof Promise)) return keep(request, authentication);
    const settled = authentication.then(
      (known) => keep(request, known),
      (error: unknown) => {
        authenticated.set(request, undefined);
        throw error;
      },
    );
    authenticated.set(request, settled);
    return settled;
  }

  /** Never remembers an outage: it says nothing about this request. */
  function keep(request: ProtectedRequest, found: Authentication): Authentication {
    const kept = found instanceof VerifiedAuth ? ofRequest(request, found) : found;
    authenticated.set(request, kept instanceof VerifiedAuth || !behaviourOf(kept.reason).transient ? kept : undefined);
    return kept;
  }

  /** Requests with the same token share an Auth until somebody asks for a signal, which is one request's own. */
  function ofRequest(request: ProtectedRequest, found: VerifiedAuth): VerifiedAuth {
    if (!cache) return found.bind(request);
    return lives.areWatched ? found.of(request) : found;
  }

  function authenticate(request: ProtectedRequest, nowSeconds: number): Authentication | Promise<Authentication> {
    const credentials = readCredentials(request, config.maxTokenBytes);
    if (!isCredentials(credentials)) return credentials;
    const verified = verifier.verify(credentials, request, nowSeconds);
    return verified instanceof Promise ? verified.then(bind) : bind(verified);
  }

  /** Behind the cache, since what is asked here is asked of each request. */
  function bind(verified: Verification): Authentication {
    if (!isVerified(verified)) return verified;
    return checkBinding(verified.confirmation, verified.issuer) ?? verified.auth;
  }

  function decide(
    authentication: Authentication,
    request: ProtectedRequest,
    access: RouteRequirements,
    nowSeconds: number,
    startedAt: number | undefined,
  ): Decision {
    const decision = judge(authentication, request, access, nowSeconds);
    if (!(authentication instanceof VerifiedAuth)) return tell(decision, authentication.issuer && nameOf(authentication.issuer), startedAt, request);
    if (decision.outcome === 'allow') monitor.accepted(authentication, request);
    return tell(decision, authentication.issuer, startedAt, request, authentication);
  }

  function judge(authentication: Authentication, request: ProtectedRequest, access: RouteRequirements, nowSeconds: number, isTold?: boolean): Decision {
    if (authentication instanceof VerifiedAuth) return permit(authentication, access.policy, nowSeconds, request, isTold);
    return behaviourOf(authentication.reason).isAnonymous && access.credentials === 'optional' ? ANONYMOUS : refuse(authentication, access);
  }

  function refuse(failure: VerificationFailure, access: RouteRequirements): Deny {
    const { reason } = failure;
    const scope = access.policy && behaviourOf(reason).namesScope ? sufficientScopes(access.policy) : undefined;
    return deny(reason, scope ? { ...failure, scope } : failure);
  }

  function permit(auth: Auth, policy: RouteRequirements['policy'], nowSeconds: number, request?: ProtectedRequest, isTold = true): Decision<Auth> {
    if (!counts(auth, nowSeconds)) return deny('expired', { cause: 'exp' });
    const refusal = refuseRevoked(auth, nowSeconds, request, isTold);
    if (refusal) return refusal;
    const failure = policy && evaluatePolicy(policy, { auth, request, nowSeconds, clockSkewSeconds: config.clockSkewSeconds });
    return failure ? deny(failure.reason, failure.details) : { outcome: 'allow', auth, headers: NO_HEADERS };
  }

  function refuseRevoked(auth: Auth, nowSeconds: number, request: ProtectedRequest | undefined, isTold: boolean): Deny | undefined {
    let revocation: RevocationRecord | undefined;
    try {
      if (!store.isCurrent()) {
        storeRetry.begin();
        return deny('revocations_unavailable', { cause: store.health().lastError, retryAfterSeconds: 1 });
      }
      revocation = store.find(auth, nowSeconds);
    } catch (thrown) {
      return deny('revocations_unavailable', { cause: storeWords(thrown), retryAfterSeconds: 1 });
    }
    if (!revocation) return undefined;
    const { kind, reason, issuedUntil } = revocation;
    const secondsLate = Math.max(0, Math.round(nowSeconds - issuedUntil));
    if (isTold && isObserved('tokenward:revoked-token-used'))
      publish('tokenward:revoked-token-used', { issuer: auth.issuer, kind, reason, secondsLate, ...aboutRequest(request, auth) });
    return deny('revoked', { cause: revokedCause(revocation, auth) });
  }

  function seconds(): number {
    return clock.now() / 1000;
  }

  /** What can't be told now is for the next request to find out. */
  function isKnownToBeRevoked(token: RevocableToken): boolean {
    try {
      return store.find(token, seconds()) !== undefined;
    } catch {
      return false;
    }
  }

  function tell<D extends Decision>(decision: D, issuer: string = issuers.name, startedAt?: number, request?: ProtectedRequest, auth?: Auth): D {
    if (decision.outcome === 'allow') {
      if (isObserved('tokenward:accepted')) {
        publish('tokenward:accepted', { issuer, anonymous: decision.auth === undefined, durationSeconds: secondsSince(startedAt) });
      }
      return decision;
    }
    hint(decision, request);
    if (isObserved('tokenward:refused')) {
      const { status, reason, cause } = decision;
      publish('tokenward:refused', {
        issuer,
        status,
        reason,
        cause: cause === undefined ? undefined : causeText(cause),
        summary: decision.explain().summary,
        durationSeconds: secondsSince(startedAt),
        ...aboutRequest(request, auth),
      });
    }
    return decision;
  }

  function secondsSince(startedAt: number | undefined): number | undefined {
    return startedAt === undefined ? undefined : (clock.monotonic() - startedAt) / 1000;
  }

  function aboutRequest(request: ProtectedRequest | undefined, auth: Auth | undefined): RequestEvent {
    const place = request && placeOf(request);
    return {
      guard: config.name,
      method: place?.method,
      route: place?.route,
      path: place?.path,
      requestId: place?.requestId,
      clientId: auth?.clientId && printable(auth.clientId),
    };
  }

  /** A store of somebody's own may throw instead of rejecting. */
  async function warmStore(): Promise<void> {
    await store.warm();
  }

  async function warm(): Promise<void> {
    const warmingStore = warmStore();
    warmingStore.catch(() => storeRetry.begin());
    const results = await Promise.allSettled([...issuers.known().map(({ keys }) => keys.warm()), warmingStore]);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }

  function health(): GuardHealth {
    const known = issuers.known();
    const states = known.map(({ name, keys }): IssuerHealth => Object.assign({ issuer: name }, keys.health()));
    const listed = states.filter((_state, index) => known[index]!.isListed);
    const revoked = healthOf(store);
    const hasKeys = listed.length === 0 || listed.some(({ usable }) => usable);
    return { ready: hasKeys && revoked.usable, issuers: states, tokenCache: cache?.health(), revocations: revoked };
  }

  const guard: ResourceGuard = Object.freeze({
    check,
    permit(auth: Auth, policy: Policy, request?: ProtectedRequest) {
      assertPolicy('permit(auth, policy)', policy);
      assertAuth(auth);
      const lost = lostStanding(auth, request);
      return tell(lost ? refuse(lost, { policy }) : permit(auth, policy, seconds(), request), auth.issuer, undefined, request, auth);
    },
    warm,
    revocations,
    backchannelLogout: (given: BackchannelLogoutOptions) => createBackchannelLogout(given, { issuers, revocations, clock }),
    sharedSignals: (given: SharedSignalsOptions) => createSharedSignals(given, { issuers, revocations, clock }),
    health,
    async close() {
      issuers.close();
      storeRetry.close();
      for (const end of unwatch) end();
      lives.close();
    },
  });
  foresights.set(guard, checkUntold);
  return guard;
}

/** A store of somebody's own may fail: then it is not usable. */
function healthOf(store: RevocationStore): RevocationHealth {
  try {
    return store.health();
  } catch (error) {
    return { entries: 0, usable: false, ageSeconds: undefined, uncheckedRequests: 0, lastError: storeWords(error) };
  }
}

/** What a store of somebody else's throws may quote what it was asked for, or the address of its server with the password. */
function storeWords(thrown: unknown): string {
  return thrown instanceof RevocationStoreError ? thrown.message : `the store threw ${classOf(thrown)}`;
}

/** A token without `iat` is refused as long as the revocation is kept, and after that for good where nobody said when it ends: operators must see why. */
function revokedCause({ kind, reason, until }: RevocationRecord, { issuedAt }: Auth): string {
  const cause = `${kind}: ${reason}`;
  if (issuedAt !== undefined || kind === 'token') return cause;
  return `${cause}; ${WITHOUT_ISSUED_AT}${until === Infinity ? ', for good, since the revocation had no until' : ''}`;
}
