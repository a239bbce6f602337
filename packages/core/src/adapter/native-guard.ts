import type { AppClaims } from '../auth/app-claims.js';
import type { Auth } from '../auth/auth.js';
import { misuse } from '../lib/configuration-error.js';
import type { Decision } from '../decision/decision.js';
import { checkSilently, createResourceGuard, repeatedChecksOf } from '../guard.js';
import { ACT_IN_TESTS } from '../guard/test-tickets.js';
import { mayBeMetadata, type MetadataAnswer, type MetadataEndpoint } from '../decision/resource-metadata.js';
import { plainOptions } from '../lib/option-reader.js';
import type { GuardOptions } from '../options.js';
import { pendingDecision } from '../decision/pending-decision.js';
import type { OpenApiDescription } from '../openapi/describe.js';
import type { OpenApiOptions } from '../openapi/options.js';
import { addPassed } from '../policy/passed-policies.js';
import type { Policy } from '../policy/policy.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import type { RouteRequirements } from '../policy/route-requirements.js';
import type { GuardHealth, ResourceGuard } from '../resource-guard.js';
import type { Revocations } from '../revocation/revocations.js';
import type { BackchannelLogoutOptions } from '../security-event/backchannel-logout.js';
import type { MessageReceiver } from '../security-event/receiver.js';
import type { SharedSignalsOptions } from '../security-event/shared-signals.js';
import { withDemands } from './guard-demands.js';
import { createOfferedPolicies } from './offered-policies.js';
import { requirementsFor, requirementsForCall, type RequirementsFor, type RoutePolicy } from './requirements-for.js';
import { readAdapterOptions, type AdapterOptions } from './adapter-options.js';
import { callQuietly, type RefusalListeners } from './refusals.js';
import { markOf, marks, requireAuth, type RequestMark, type Seen } from './remembered-auth.js';

/** A guard over a framework's own requests. */
export interface NativeGuard<Request extends object, Native extends readonly unknown[]> extends RefusalListeners<Native> {
  /**
   * Decides as `ResourceGuard.check` does, and stores the `Auth` of the request: under the property, and for {@link authOf}.
   *
   * @param isStep whether the request must pass further guards as well, whose challenges then name this policy, too. Default: true. Messages on one socket are
   *   no steps of one another, although the handshake carries the credentials of all of them
   */
  decide(request: Request, requirements: RouteRequirements, isStep?: boolean): Decision | Promise<Decision>;
  /** Returns what {@link decide} would decide now. It stores nothing and sends no event: {@link decide} will be called later. */
  foresee(request: Request, requirements: RouteRequirements): Decision | Promise<Decision>;
  /** Does the same as {@link decide}, for the arguments of a user's `guard.check(request, ...policies)`. The result is not a step: the user may only ask. */
  check(request: Request, policies: readonly RoutePolicy<Request>[]): Decision<Auth> | Promise<Decision<Auth>>;
  readonly onDenied: AdapterOptions<Native>['onDenied'];
  /** Does the same as {@link requirementsFor}, and adds the scopes of the policies to the metadata. */
  requirementsFor(credentials: 'required' | 'optional', policies: readonly RoutePolicy<Request>[]): RequirementsFor<Request>;
  /** Adds the scopes of a route's policy to the metadata. */
  offer(policy: Policy): void;
  /** Serves the metadata of the API from now on. Its first call creates the endpoint. */
  metadata(): MetadataEndpoint;
  /**
   * Returns the metadata if the request asks for it, and if it is served. A guard in front of all routes answers with it, since anybody may read it. Without
   * credentials, such a request gets nothing else.
   */
  metadataFor(request: Request): MetadataAnswer | undefined;
  /** Does the same as {@link authOf}, but returns only what this guard found. */
  getAuth(request: Request, optional?: 'optional', isPublic?: (request: Request) => boolean): Auth | undefined;
  /** Returns the methods of a framework's guard, with handlers in the framework's form. */
  methods<Handler>(handlerOf: (receive: MessageReceiver) => Handler): GuardMethods<Handler, Request>;
  close(): Promise<void>;
}

/** The methods of every framework's guard. `C` is the type of the claims in its tokens. */
export interface GuardMethods<Handler, Request extends object = object, C extends object = AppClaims> {
  /**
   * Returns the `Auth` that this guard found for the request, whatever other guards found.
   *
   * @throws ConfigurationError if this guard has not admitted the request, or if it admitted the request without authentication
   */
  getAuth(request: Request): Auth<C>;
  /**
   * Returns the same, or undefined if this guard admitted the request without authentication: behind `guard.optional()`.
   *
   * @throws ConfigurationError if this guard has not admitted the request
   */
  getAuth(request: Request, optional: 'optional' | undefined): Auth<C> | undefined;
  /**
   * Evaluates one more policy for an admitted caller: in a handler, or in a test without HTTP.
   *
   * @param request the request, for policies that read it. The challenge of a refusal then also names what the guards required that the request has passed
   */
  permit<A extends Auth<object>>(auth: A, policy: Policy, request?: Request): Decision<A>;
  /**
   * Describes the access to this API for an OpenAPI document that you write yourself.
   *
   * @throws ConfigurationError that lists all invalid options
   *
   * @example const { security, responses } = guard.openApi({ version: '3.1' }).operation([scope('orders:read')]);
   */
  openApi(options?: OpenApiOptions): OpenApiDescription;
  /**
   * Fetches the issuer's keys, finds its introspection endpoint, and reads a shared store of revocations, before the first request.
   *
   * @throws KeysUnavailableError, RevocationStoreError or IssuerRequestError if any of these fails, with the messages of all failures. The guard keeps trying.
   */
  warm(): Promise<void>;
  /** Returns the state of keys, caches and revocations, for a readiness probe or a status page. */
  health(): GuardHealth;
  /** Refuses tokens from the next request on: `await guard.revocations.revoke({ sessionId }, { reason: 'logout' })`. */
  readonly revocations: Revocations;
  /**
   * Receives the authorization server's logout tokens (OpenID Connect Back-Channel Logout 1.0).
   *
   * @throws ConfigurationError that lists all invalid options
   *
   * @example app.post('/backchannel-logout', guard.backchannelLogout({ clientId: 'web-app' }));
   */
  backchannelLogout(options: BackchannelLogoutOptions): Handler;
  /**
   * Receives security events by push (RFC 8935). Events of OpenID CAEP that end tokens revoke them; others are ignored.
   *
   * @throws ConfigurationError that lists all invalid options
   */
  sharedSignals(options: SharedSignalsOptions): Handler;
}

/**
 * Creates a guard over a framework's requests.
 *
 * @param view returns a framework's request as a {@link ProtectedRequest}. It is called once for each request.
 * @param holder returns the object that gets the property. Default: the request. undefined: the adapter stores the `Auth` itself.
 * @param moreOptions the names of options that the adapter has read already. They only complete the message about an unknown option.
 * @param createGuard creates the guard that decides. Tests pass their own, to choose the caller.
 * @throws ConfigurationError that lists all invalid options
 */
export function createNativeGuard<Request extends object, Native extends readonly unknown[]>(
  adapterOptions: AdapterOptions<Native>,
  view: (request: Request) => ProtectedRequest,
  holder: (request: Request) => object | undefined = (request) => request,
  moreOptions: readonly string[] = [],
  createGuard: (options: GuardOptions) => ResourceGuard = createResourceGuard,
): NativeGuard<Request, Native> {
  const { property, onDenied, onRefused, ...options } = plainOptions(adapterOptions);
  const name = readAdapterOptions({ property, onDenied, onRefused }, options, moreOptions);
  const guard = createGuard(options);
  const repeated = repeatedChecksOf(guard);
  const offered = createOfferedPolicies();
  let endpoint: MetadataEndpoint | undefined;

  function seenOf(mark: RequestMark | undefined): Seen | undefined {
    for (let seen = mark?.seen; seen; seen = seen.next) if (seen.by === guard) return seen;
    return undefined;
  }

  function look(request: Request): Seen {
    const mark = markOf(request);
    const known = seenOf(mark);
    if (known) return known;
    const seen: Seen = { by: guard, view: view(request), mark, isAdmitted: false, auth: undefined, passed: undefined, next: mark.seen };
    mark.seen = seen;
    return seen;
  }

  function metadata(): MetadataEndpoint {
    if (endpoint) return endpoint;
    const { answer, ...others } = guard.metadata(() => offered.policies);
    endpoint = {
      ...others,
      answer(request) {
        offered.close();
        return answer(request);
      },
    };
    return endpoint;
  }

  function metadataFor(request: Request): MetadataAnswer | undefined {
    if (!endpoint) return undefined;
    const { view: seen } = look(request);
    if (!mayBeMetadata(seen.target)) return undefined;
    return seen.method === 'GET' || seen.method === 'HEAD' ? endpoint.answer(seen) : undefined;
  }

  function decide(request: Request, requirements: RouteRequirements, isStep = true): Decision | Promise<Decision> {
    offered.close();
    const seen = look(request);
    const decision = repeated.check(seen.view, requirements, seen.passed);
    return decision instanceof Promise
      ? pendingDecision(decision.then((settled) => remember(request, seen, requirements, settled, isStep)))
      : remember(request, seen, requirements, decision, isStep);
  }

  function remember(request: Request, seen: Seen, { credentials, policy }: RouteRequirements, decision: Decision, isStep: boolean): Decision {
    // a preflight has no caller, so getAuth must throw for it
    if (decision.outcome === 'allow' && (decision.auth || credentials === 'optional')) {
      seen.isAdmitted = seen.mark.isAdmitted = true;
      seen.auth = seen.mark.auth = decision.auth;
      if (policy && isStep) seen.passed = addPassed(seen.passed, policy);
      const target = holder(request);
      if (target) setQuietly(target, name, decision.auth);
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
    foresee: (request, requirements) => checkSilently(guard, view(request), requirements),
    check(request, policies) {
      assertIsRequest('guard.check(request, ...policies)', request);
      return decide(request, requirementsForCall('required', policies)(request), false) as Decision<Auth> | Promise<Decision<Auth>>;
    },
    refused(decision, request) {
      if (onRefused) callQuietly(() => onRefused(decision, request));
    },
    onDenied,
    requirementsFor(credentials, policies) {
      const requirements = requirementsFor(credentials, policies);
      for (const one of policies) if (typeof one !== 'function') offered.add(one);
      return withDemands(requirements, { credentials, policies, guard });
    },
    offer: offered.add,
    metadata,
    metadataFor,
    getAuth,
    methods: (handlerOf) => ({
      ...testMethods(guard),
      // further arguments are not passed on
      getAuth: ((request, optional) => getAuth(request, optional)) as GuardMethods<never, Request>['getAuth'],
      permit(auth, policy, request) {
        if (request === undefined) return guard.permit(auth, policy);
        assertIsRequest('guard.permit(auth, policy, request)', request);
        const { view: seen, passed } = look(request);
        return repeated.permit(auth, policy, seen, passed);
      },
      openApi: (options) => guard.openApi(options, () => offered.policies),
      warm: guard.warm,
      health: guard.health,
      revocations: guard.revocations,
      backchannelLogout: (receiverOptions) => handlerOf(guard.backchannelLogout(receiverOptions)),
      sharedSignals: (receiverOptions) => handlerOf(guard.sharedSignals(receiverOptions)),
    }),
    close: guard.close,
  };
}

/** Passes on the method by which tests act as somebody. No type names it, since only the test kit calls it. */
function testMethods(guard: ResourceGuard): object {
  const method = (guard as { readonly [ACT_IN_TESTS]?: unknown })[ACT_IN_TESTS];
  return method === undefined ? {} : { [ACT_IN_TESTS]: method };
}

/** @throws ConfigurationError if the value cannot be a request */
function assertIsRequest(path: string, request: unknown): void {
  if (typeof request === 'object' && request !== null && !Array.isArray(request)) return;
  const kind = request === null ? 'null' : Array.isArray(request) ? 'a list' : typeof request;
  throw misuse(path, `got ${kind} instead of a request. Pass the framework's request or context, or the request of node:http`);
}

/** Sets the property, unless it is read-only. `Reflect.set` alone would do the same, but costs more in the usual case. */
function setQuietly(holder: object, name: string, auth: Auth | undefined): void {
  try {
    (holder as Record<string, unknown>)[name] = auth;
  } catch {
    Reflect.set(holder, name, auth);
  }
}
