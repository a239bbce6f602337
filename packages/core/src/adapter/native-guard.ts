import type { AppClaims } from '../auth/app-claims.js';
import type { Auth } from '../auth/auth.js';
import { misuse } from '../lib/configuration-error.js';
import type { Decision } from '../decision/decision.js';
import { checkSilently, createResourceGuard } from '../guard.js';
import { plainOptions } from '../lib/option-reader.js';
import type { GuardOptions } from '../options.js';
import { pendingDecision } from '../decision/pending-decision.js';
import type { Policy } from '../policy/policy.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { RouteRequirements } from '../policy/route-requirements.js';
import type { GuardHealth, ResourceGuard } from '../resource-guard.js';
import type { Revocations } from '../revocation/revocations.js';
import type { BackchannelLogoutOptions } from '../security-event/backchannel-logout.js';
import type { MessageReceiver } from '../security-event/receiver.js';
import type { SharedSignalsOptions } from '../security-event/shared-signals.js';
import { accessFor, type RoutePolicy } from './access-of.js';
import { readAdapterOptions, type AdapterOptions } from './adapter-options.js';
import { callQuietly, type RefusalListeners } from './refusals.js';
import { markOf, marks, requireAuth, type RequestMark, type Seen } from './remembered-auth.js';

/** A guard over a framework's own requests. */
export interface NativeGuard<Request extends object, Native extends readonly unknown[]> extends RefusalListeners<Native> {
  /** Decides as `ResourceGuard.check` does, and remembers whom the request is from: under the property, and for {@link authOf}. */
  decide(request: Request, access: RouteRequirements): Decision | Promise<Decision>;
  /** Decides as {@link decide} would at this moment, for one that will be asked later: nothing is remembered of it, and nobody is told. */
  foresee(request: Request, access: RouteRequirements): Decision | Promise<Decision>;
  /** As {@link decide}, of policies that nothing was made of yet. It answers nothing. */
  check(request: Request, policies: readonly RoutePolicy<Request>[]): Decision<Auth> | Promise<Decision<Auth>>;
  readonly onDenied: AdapterOptions<Native>['onDenied'];
  /** As {@link authOf}, of what this guard found alone. */
  getAuth(request: Request, optional?: 'optional', isPublic?: (request: Request) => boolean): Auth | undefined;
  /** What a framework's guard offers beside guarding, with handlers in the framework's own form. */
  methods<Handler>(handlerOf: (receive: MessageReceiver) => Handler): GuardMethods<Handler, Request>;
  close(): Promise<void>;
}

/** What every framework's guard offers beside guarding. `C` is the type of the claims that this guard finds. */
export interface GuardMethods<Handler, Request extends object = object, C extends object = AppClaims> {
  /**
   * Returns the `Auth` that this guard found for the request, whatever other guards found.
   *
   * @throws ConfigurationError if this guard has not admitted the request, or if it admitted the request without authentication
   */
  getAuth(request: Request): Auth<C>;
  /**
   * Returns undefined where this guard admitted the request without authentication: behind `guard.optional()`.
   *
   * @throws ConfigurationError if this guard has not admitted the request
   */
  getAuth(request: Request, optional: 'optional' | undefined): Auth<C> | undefined;
  /**
   * Decides whether one who was admitted satisfies one more policy: in a handler, or in a test with no HTTP.
   *
   * @param request for predicates that read it: without it they see none
   */
  permit<A extends Auth<object>>(auth: A, policy: Policy, request?: Request): Decision<A>;
  /**
   * Fetches the issuer's keys, and reads a shared store of revocations, ahead of the first request.
   *
   * @throws KeysUnavailableError, or RevocationStoreError, when they can't be had; the guard goes on trying at later requests
   */
  warm(): Promise<void>;
  /** What can be seen of the guard: for a readiness probe, and for people. */
  health(): GuardHealth;
  /** Refuses tokens from the next request on: `await guard.revocations.revoke({ sessionId }, { reason: 'logout' })`. */
  readonly revocations: Revocations;
  /**
   * Receives the authorization server's logout tokens (OpenID Connect Back-Channel Logout 1.0).
   *
   * @throws ConfigurationError that lists all that is wrong with the options
   *
   * @example app.post('/backchannel-logout', guard.backchannelLogout({ clientId: 'web-app' }));
   */
  backchannelLogout(options: BackchannelLogoutOptions): Handler;
  /**
   * Receives security events by push (RFC 8935), of which those of OpenID CAEP that end tokens count.
   *
   * @throws ConfigurationError that lists all that is wrong with the options
   */
  sharedSignals(options: SharedSignalsOptions): Handler;
}

/**
 * @param view reads a framework's request; it is called once for each request
 * @param holder where the framework's users look for the property, when that is not the request itself; undefined where the adapter sees to it
 * @param moreOptions the names of options that the adapter has taken already: for the message about one that nobody knows
 * @param createGuard makes the guard that decides: another one for tests that say themselves whom requests are from
 * @throws ConfigurationError that lists all that is wrong with the options
 */
export function createNativeGuard<Request extends object, Native extends readonly unknown[]>(
  given: AdapterOptions<Native>,
  view: (request: Request) => ProtectedRequest,
  holder: (request: Request) => object | undefined = (request) => request,
  moreOptions: readonly string[] = [],
  createGuard: (options: GuardOptions) => ResourceGuard = createResourceGuard,
): NativeGuard<Request, Native> {
  const { property, onDenied, onRefused, ...options } = plainOptions(given);
  const name = readAdapterOptions({ property, onDenied, onRefused }, options, moreOptions);
  const guard = createGuard(options);

  function seenOf(mark: RequestMark | undefined): Seen | undefined {
    for (let seen = mark?.seen; seen; seen = seen.next) if (seen.by === guard) return seen;
    return undefined;
  }

  function look(request: Request): Seen {
    const mark = markOf(request);
    const known = seenOf(mark);
    if (known) return known;
    const seen: Seen = { by: guard, view: view(request), mark, isAdmitted: false, auth: undefined, next: mark.seen };
    mark.seen = seen;
    return seen;
  }

  function decide(request: Request, access: RouteRequirements): Decision | Promise<Decision> {
    const seen = look(request);
    const decision = guard.check(seen.view, access);
    return decision instanceof Promise
      ? pendingDecision(decision.then((settled) => remember(request, seen, access, settled)))
      : remember(request, seen, access, decision);
  }

  function remember(request: Request, seen: Seen, { credentials }: RouteRequirements, decision: Decision): Decision {
    // a preflight is from nobody, so a handler that asks who it is from must fail
    if (decision.outcome === 'allow' && (decision.auth || credentials === 'optional')) {
      seen.isAdmitted = seen.mark.isAdmitted = true;
      seen.auth = seen.mark.auth = decision.auth;
      const held = holder(request);
      if (held) setQuietly(held, name, decision.auth);
    }
    return decision;
  }

  function getAuth(request: Request, optional?: 'optional', isPublic?: (request: Request) => boolean): Auth | undefined {
    const seen = seenOf(marks.get(request));
    if (!seen?.isAdmitted && !isPublic?.(request)) {
      throw misuse('guard.getAuth()', 'this guard has not authenticated the request. Put it before this handler');
    }
    return requireAuth(seen?.auth, optional, 'guard.getAuth');
  }

  return {
    decide,
    foresee: (request, access) => checkSilently(guard, view(request), access),
    check(request, policies) {
      assertRequestGiven('guard.check(request, ...policies)', request);
      return decide(request, accessFor('required', policies)(request)) as Decision<Auth> | Promise<Decision<Auth>>;
    },
    refused(decision, request) {
      if (onRefused) callQuietly(() => onRefused(decision, request));
    },
    onDenied,
    getAuth,
    methods: (handlerOf) => ({
      // what else a caller hands over is none of this guard's
      getAuth: ((request, optional) => getAuth(request, optional)) as GuardMethods<never, Request>['getAuth'],
      permit(auth, policy, request) {
        if (request === undefined) return guard.permit(auth, policy);
        assertRequestGiven('guard.permit(auth, policy, request)', request);
        return guard.permit(auth, policy, look(request).view);
      },
      warm: guard.warm,
      health: guard.health,
      revocations: guard.revocations,
      backchannelLogout: (received) => handlerOf(guard.backchannelLogout(received)),
      sharedSignals: (received) => handlerOf(guard.sharedSignals(received)),
    }),
    close: guard.close,
  };
}

/** @throws ConfigurationError where there is no request, or something else */
function assertRequestGiven(path: string, request: unknown): void {
  if (typeof request === 'object' && request !== null && !Array.isArray(request)) return;
  const given = request === null ? 'null' : Array.isArray(request) ? 'a list' : typeof request;
  throw misuse(path, `is given ${given} for a request: give the framework's request or context, or the request of node:http`);
}

/** As Reflect.set does, which costs more where all goes well: a property that can't be written stays as it is. */
function setQuietly(holder: object, name: string, auth: Auth | undefined): void {
  try {
    (holder as Record<string, unknown>)[name] = auth;
  } catch {
    Reflect.set(holder, name, auth);
  }
}
