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
import { markOf, rememberAuth, type Seen } from './remembered-auth.js';

/** A guard over a framework's own requests. */
export interface NativeGuard<Request extends object, Native extends readonly unknown[]> extends RefusalListeners<Native> {
  /** Decides as `ResourceGuard.check` does, and remembers whom the request is from: under the property, and for {@link authOf}. */
  decide(request: Request, access: RouteRequirements): Decision | Promise<Decision>;
  /** Decides as {@link decide} would at this moment, for one that will be asked later: nothing is remembered of it, and nobody is told. */
  foresee(request: Request, access: RouteRequirements): Decision | Promise<Decision>;
  /** As {@link decide}, of policies that nothing was made of yet. It answers nothing. */
  check(request: Request, policies: readonly RoutePolicy<Request>[]): Decision | Promise<Decision>;
  readonly onDenied: AdapterOptions<Native>['onDenied'];
  /** What a framework's guard offers beside guarding, with handlers in the framework's own form. */
  methods<Handler>(handlerOf: (receive: MessageReceiver) => Handler): GuardMethods<Handler, Request>;
  close(): Promise<void>;
}

/** What every framework's guard offers beside guarding. */
export interface GuardMethods<Handler, Request extends object = object> {
  /**
   * Decides whether one who was admitted satisfies one more policy: in a handler, or in a test with no HTTP.
   *
   * @param request for predicates that read it: without it they see none
   */
  permit(auth: Auth, policy: Policy, request?: Request): Decision<Auth>;
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

  function viewed(request: Request): ProtectedRequest {
    const mark = markOf(request);
    for (let { seen } = mark; seen; seen = seen.next) if (seen.by === guard) return seen.view;
    const seen: Seen = { by: guard, view: view(request), next: mark.seen };
    mark.seen = seen;
    return seen.view;
  }

  function decide(request: Request, access: RouteRequirements): Decision | Promise<Decision> {
    const decision = guard.check(viewed(request), access);
    return decision instanceof Promise ? pendingDecision(decision.then((settled) => remember(request, access, settled))) : remember(request, access, decision);
  }

  function remember(request: Request, { credentials }: RouteRequirements, decision: Decision): Decision {
    // a preflight is from nobody, so a handler that asks who it is from must fail
    if (decision.outcome === 'allow' && (decision.auth || credentials === 'optional')) {
      rememberAuth(request, decision.auth);
      const held = holder(request);
      if (held) setQuietly(held, name, decision.auth);
    }
    return decision;
  }

  return {
    decide,
    foresee: (request, access) => checkSilently(guard, view(request), access),
    check(request, policies) {
      assertRequestGiven('guard.check(request, ...policies)', request);
      return decide(request, accessFor('required', policies)(request));
    },
    refused(decision, request) {
      if (onRefused) callQuietly(() => onRefused(decision, request));
    },
    onDenied,
    methods: (handlerOf) => ({
      permit(auth, policy, request) {
        if (request === undefined) return guard.permit(auth, policy);
        assertRequestGiven('guard.permit(auth, policy, request)', request);
        return guard.permit(auth, policy, viewed(request));
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
