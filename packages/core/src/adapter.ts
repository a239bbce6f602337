/**
 * What the author of an adapter needs beside the public face: a guard over a framework's own requests, the memory of whom a request was
 * found to be from, and the writing of answers to Node's own response. An adapter reads the request by one function, and hands the
 * decision on in its framework's manner.
 *
 * @module
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Claims } from './auth/claims.js';
import type { Auth } from './auth.js';
import { ConfigurationError } from './configuration-error.js';
import { createResourceGuard, foresee } from './guard.js';
import { createMemory } from './memory.js';
import { notAnOption, OptionReader, plainOptions } from './option-reader.js';
import { checkOptions, OPTION_NAMES, type GuardOptions } from './options.js';
import { pendingDecision } from './pending-decision.js';
import type { Policy } from './policy.js';
import { accessFor, type RoutePolicy } from './access-of.js';
import type { Revocations } from './revocation/revocations.js';
import type { BackchannelLogoutOptions } from './security-event/backchannel-logout.js';
import type { MessageReceiver } from './security-event/receiver.js';
import type { SharedSignalsOptions } from './security-event/shared-signals.js';
import { isThenable } from './thenable.js';
import type { Access, GuardHealth, ResourceGuard } from './resource-guard.js';
import type { Decision, Deny } from './decision/decision.js';
import type { ProtectedRequest } from './request/protected-request.js';

export { createMemory, type Memory } from './memory.js';
export { OptionReader, plainOptions } from './option-reader.js';
export { createOutageWarnings, type OutageWarnings } from './outage-warnings.js';
export { receiveFrom, receiveInto } from './node-receiver.js';
export { applyHeaders, headersOf, isAnswered, problemHeaders, sendDenial, viewOf } from './node-http.js';
export { accessFor, accessOf, isGuard, markGuard, type AccessFor, type RoutePolicy } from './access-of.js';
export { isCalledBy } from './called-by.js';
export { closeGate, type ResponseGate } from './response-gate.js';

/** The options that every adapter has beside core's. `Native` is what the framework hands to a handler: `[request, response]`, say. */
export interface AdapterOptions<Native extends readonly unknown[]> extends GuardOptions {
  /** The request's property that holds the {@link Auth}. Default: `auth`. */
  readonly property?: string | undefined;
  /**
   * Answers refusals instead of the guard: for bodies or pages of your own. The decision's status and headers are the ones to send; what it
   * throws goes the way of the framework's errors, and the handler behind the guard never runs. Where it returns the decision, the guard
   * answers as it would without it.
   */
  readonly onDenied?: ((decision: Deny, ...native: Native) => void | Deny | Promise<void | Deny>) | undefined;
  /**
   * Sees each refusal that the guard answers, ahead of the answer, and answers nothing: for a log. What it throws, or rejects with, changes nothing.
   *
   * @example onRefused: (decision, request) => request.log.info(decision.explain(), 'request refused')
   */
  readonly onRefused?: ((decision: Deny, request: Native[0]) => unknown) | undefined;
}

/** A guard over a framework's own requests. */
export interface NativeGuard<Request extends object, Native extends readonly unknown[]> {
  /** Decides as `ResourceGuard.check` does, and remembers whom the request is from: under the property, and for {@link authOf}. */
  decide(request: Request, access: Access): Decision | Promise<Decision>;
  /** Decides as {@link decide} would at this moment, for one that will be asked later: nothing is remembered of it, and nobody is told. */
  foresee(request: Request, access: Access): Decision | Promise<Decision>;
  /** As {@link decide}, of policies that nothing was made of yet. It answers nothing. */
  check(request: Request, policies: readonly RoutePolicy<Request>[]): Decision | Promise<Decision>;
  /** Tells whoever watches that a refusal is about to be answered. */
  refused(decision: Deny, request: Native[0]): void;
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
 * @param holder where the framework's users look for the property, when that is not the request itself
 * @param moreOptions the names of options that the adapter has taken already: for the message about one that nobody knows
 * @param createGuard makes the guard that decides: another one for tests that say themselves whom requests are from
 * @throws ConfigurationError that lists all that is wrong with the options
 */
export function createNativeGuard<Request extends object, Native extends readonly unknown[]>(
  given: AdapterOptions<Native>,
  view: (request: Request) => ProtectedRequest,
  holder: (request: Request) => object = (request) => request,
  moreOptions: readonly string[] = [],
  createGuard: (options: GuardOptions) => ResourceGuard = createResourceGuard,
): NativeGuard<Request, Native> {
  const { property, onDenied, onRefused, ...options } = plainOptions(given);
  const name = readAdapterOptions({ property, onDenied, onRefused }, options, moreOptions);
  const guard = createGuard(options);
  const views = createMemory<Request, ProtectedRequest>();

  function viewed(request: Request): ProtectedRequest {
    let seen = views.get(request);
    if (!seen) {
      seen = view(request);
      views.set(request, seen);
    }
    return seen;
  }

  function decide(request: Request, access: Access): Decision | Promise<Decision> {
    const decision = guard.check(viewed(request), access);
    return decision instanceof Promise ? pendingDecision(decision.then((settled) => remember(request, access, settled))) : remember(request, access, decision);
  }

  function remember(request: Request, { credentials }: Access, decision: Decision): Decision {
    // a preflight is from nobody, so a handler that asks who it is from must fail
    if (decision.outcome === 'allow' && (decision.auth || credentials === 'optional')) {
      rememberAuth(request, decision.auth);
      Reflect.set(holder(request), name, decision.auth);
    }
    return decision;
  }

  return {
    decide,
    foresee: (request, access) => foresee(guard, view(request), access),
    check: (request, policies) => decide(request, accessFor('required', policies)(request)),
    refused(decision, request) {
      if (onRefused) callQuietly(() => onRefused(decision, request));
    },
    onDenied,
    methods: (handlerOf) => ({
      permit: (auth, policy, request) => guard.permit(auth, policy, request && viewed(request)),
      warm: guard.warm,
      health: guard.health,
      revocations: guard.revocations,
      backchannelLogout: (received) => handlerOf(guard.backchannelLogout(received)),
      sharedSignals: (received) => handlerOf(guard.sharedSignals(received)),
    }),
    close: guard.close,
  };
}

const OF_FRAMEWORKS = new Set([
  'app',
  'body',
  'cookies',
  'getDecorator',
  'host',
  'hostname',
  'id',
  'ip',
  'ips',
  'is404',
  'log',
  'mediaType',
  'next',
  'originalUrl',
  'params',
  'path',
  'protocol',
  'query',
  'raw',
  'res',
  'route',
  'routeOptions',
  'server',
  'session',
  'then',
  'validateInput',
  'ws',
]);

/** The property's name. What is wrong with these options is told together with what is wrong with the guard's. */
function readAdapterOptions(
  own: Pick<AdapterOptions<never>, 'property' | 'onDenied' | 'onRefused'>,
  options: GuardOptions,
  moreOptions: readonly string[],
): string {
  const reader = new OptionReader(own, ['property', 'onDenied', 'onRefused']);
  const known: readonly string[] = [...OPTION_NAMES, 'property', 'onDenied', 'onRefused', ...moreOptions];
  const unknown = Object.keys(options).filter((option) => !known.includes(option));
  for (const option of unknown) reader.wrong(option, notAnOption(option, known));
  const property = reader.text('property', 'auth');
  if (property in new IncomingMessage(new Socket()) || OF_FRAMEWORKS.has(property)) {
    reader.wrong('property', `is "${property}", which requests have already: give a name of its own`);
  }
  reader.fn('onDenied');
  reader.fn('onRefused');
  if (reader.problems.length === 0) return property;
  try {
    checkOptions(Object.fromEntries(Object.entries(options).filter(([option]) => !unknown.includes(option))));
  } catch (error) {
    if (error instanceof ConfigurationError) reader.problems.push(...error.problems);
  }
  throw new ConfigurationError(reader.problems);
}

let warned = false;

/** Calls what only watches. That it failed is told once, without its words. */
function callQuietly(watch: () => unknown): void {
  function failed(): void {
    if (warned) return;
    warned = true;
    process.emitWarning('onRefused failed; the refusal stood, and no more is told of it', { code: 'TOKENWARD_LISTENER' });
  }

  try {
    const answer = watch();
    if (isThenable(answer)) Promise.resolve(answer).catch(failed);
  } catch {
    failed();
  }
}

/** Whether an `onDenied` gave the decision back, for the guard to answer as it would have. */
export function isDenial(answer: unknown): answer is Deny {
  return typeof answer === 'object' && answer !== null && (answer as Partial<Deny>).outcome === 'deny';
}

/** @throws ConfigurationError where what is to be answered as a refusal is none */
export function assertDenial(decision: unknown): asserts decision is Deny {
  if (!isDenial(decision)) throw new ConfigurationError([{ path: 'guard.refuse(decision, ...)', message: 'is given no refusal: ask decision.outcome first' }]);
}

/** What an `onDenied` threw, as an Error: to a framework nothing may mean "go on", and some words mean routes. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error('onDenied threw something that is no Error', { cause: thrown });
}

const AUTH = Symbol.for('tokenward.auth');

interface Remembered {
  [AUTH]?: { readonly auth: Auth | undefined };
}

/** Has {@link authOf} say whom a request is from. */
export function rememberAuth(request: object, auth: Auth | undefined): void {
  Reflect.defineProperty(request, AUTH, { value: { auth }, configurable: true });
}

/**
 * Whom the last guard on a request's way found it to be from; undefined where credentials were optional and absent.
 *
 * @throws Error where no guard admitted the request
 */
export function authOf<C extends object = Claims>(request: object): Auth<C> | undefined {
  const known = remembered(request);
  if (!known) throw new Error('getAuth: no guard has authenticated this request; put one before this handler');
  return known.auth as Auth<C> | undefined;
}

/** On the request itself: a copy or a child of it is another one. */
function remembered(request: object): Remembered[typeof AUTH] {
  return Object.hasOwn(request, AUTH) ? (request as Remembered)[AUTH] : undefined;
}
