import type { IncomingMessage } from 'node:http';
import type { AppClaims, Auth, ClaimsSchema, Decision, Deny, MessageReceiver, Policy } from '@tokenward/core';
import {
  assertDenial,
  authOf,
  createNativeGuard,
  misuse,
  type AdapterOptions,
  type ClaimsWithoutSchema,
  type GuardMethods,
  type RoutePolicy,
} from '@tokenward/core/adapter';
import { answerTo, metadataResponse, type OnDeniedResponse } from './answers.js';
import { createGuarding, withWantedHeaders, type Guarding } from './guarding.js';
import { assertInput, requestOf, type FetchInput } from './input.js';
import { receiveMessage } from './receive.js';
import { rememberEvent, view } from './view.js';

export * from '@tokenward/core';
export type { AdmittedRequest, AnsweredRequest, Guarding, GuardResult } from './guarding.js';
export { toHeaders } from './answers.js';
export { setConnection, type Connection } from './connection.js';
export type { RequestEvent, FetchInput } from './input.js';

export interface FetchGuardOptions extends Omit<AdapterOptions<[request: Request]>, 'property' | 'onDenied'> {
  /**
   * Answers refusals instead of the guard, with a response of your own. Use the decision's status and headers. If it returns the decision, the guard gives its
   * usual answer. If it throws, the guard throws the error. The handler never runs.
   */
  readonly onDenied?: OnDeniedResponse<[request: Request]> | undefined;
}

/** A request, an object that has one, or the request of `node:http` after `guard.check`. */
type AnyRequest = FetchInput | IncomingMessage;

type FetchHandler = (request: FetchInput) => Promise<Response>;

/** What {@link createGuard} returns. Use it as the type of a parameter, to pass the guard on. `C` is the type of the claims in its tokens. */
export interface FetchGuard<C extends object = AppClaims> extends Guarding<Auth<C>>, GuardMethods<FetchHandler, AnyRequest, C> {
  /** Does the same, but also admits requests without credentials. A token must still be valid and satisfy all of the policies. */
  readonly optional: Guarding<Auth<C> | undefined>;
  /**
   * Does the same for a guard in front of a whole app: it admits CORS preflights, which carry no credentials. Nothing behind it may act on an `OPTIONS` request.
   *
   * @example export default { fetch: guard.inFront.protect(app.fetch) };
   */
  readonly inFront: Guarding<Auth<C> | undefined>;
  /**
   * Decides on a request and answers nothing, for example for the upgrade to a WebSocket. It also takes the request of `node:http`.
   *
   * @example server.on('upgrade', async (req, socket, head) => { const decision = await guard.check(req, scope('feed')); ... });
   */
  check<I extends AnyRequest>(request: I, ...policies: readonly RoutePolicy<I>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Returns the response to a refusal of `permit` or `check`, as the guard answers its own: that of `onDenied`, if there is one.
   *
   * @throws ConfigurationError if the decision is not a refusal, or without a request
   */
  refuse(decision: Deny, request: FetchInput): Response | Promise<Response>;
  /**
   * Returns the response with the headers that guards of this request want in it, such as the cookies of a session. `protect` does so by itself.
   *
   * @throws ConfigurationError without a request
   */
  respond(request: FetchInput, response: Response): Response;
  /**
   * Returns a function that answers requests for the metadata of this API (RFC 9728), which anybody may read, and returns undefined for all others. Challenges
   * name its address from now on, and every guard answers such requests too.
   *
   * @example const metadata = guard.metadata(); const handler = (request) => metadata(request) ?? app(request);
   */
  metadata(): (request: FetchInput) => Response | undefined;
  /** Stops timers, and refuses requests that wait for keys, with 503. Call it at shutdown. */
  close(): Promise<void>;
}

/**
 * Creates the guard of one API. Without options it reads `ISSUER_BASE_URL` and `AUDIENCE` from the environment.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const guard = createGuard({ issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * export const GET = guard.protect((request) => Response.json({ for: getAuth(request).subject }), scope('orders:read'));
 */
export function createGuard<C extends object>(options: FetchGuardOptions & { readonly claims: ClaimsSchema<C> }): FetchGuard<C>;
export function createGuard(options?: FetchGuardOptions): FetchGuard<ClaimsWithoutSchema>;
export function createGuard(options: FetchGuardOptions = {}): FetchGuard {
  if (Object.hasOwn(Object(options) as object, 'property')) throw misuse('property', 'is not an option here: a Request gets no property. Use getAuth(request)');
  // onDenied answers with a Response, which core leaves to this adapter
  const native = createNativeGuard<object, [request: Request]>(options as AdapterOptions<[request: Request]>, view, () => undefined);
  const { getAuth, permit, ...methods } = native.methods(handlerOf);

  return Object.assign(createGuarding<Auth>(native, 'required', 'refuse'), {
    optional: createGuarding<Auth | undefined>(native, 'optional', 'refuse'),
    inFront: createGuarding<Auth | undefined>(native, 'required', 'pass'),
    ...methods,
    getAuth: ((request: AnyRequest, optional?: 'optional') => getAuth(requestOf(request), optional)) as FetchGuard['getAuth'],
    permit: <A extends Auth<object>>(auth: A, policy: Policy, request?: AnyRequest) => permit(auth, policy, known(request)),
    check<I extends AnyRequest>(request: I, ...policies: readonly RoutePolicy<I>[]) {
      const asked = policies.map((one) => (typeof one === 'function' ? asOneParameter(one, request) : one));
      return native.check(known(request) as object, asked);
    },
    refuse(decision: Deny, request: FetchInput) {
      assertDenial(decision);
      assertInput(request, 'guard.refuse(decision, request)');
      return answerTo(native, decision, requestOf(request) as Request);
    },
    respond(request: FetchInput, response: Response) {
      assertInput(request, 'guard.respond(request, response)');
      return withWantedHeaders(request, response);
    },
    metadata() {
      const endpoint = native.metadata();
      return (request: FetchInput) => {
        assertInput(request, 'guard.metadata()(request)');
        const answer = endpoint.answer(view(requestOf(request)));
        return answer && metadataResponse(answer);
      };
    },
    close: native.close,
  });
}

/** Returns the request of an input, once its parameters are remembered. Other values are returned as they are, and refused where they are checked. */
function known(input: unknown): object | undefined {
  if (typeof input !== 'object' || input === null) return input as undefined;
  const request = requestOf(input);
  rememberEvent(request, input);
  return request;
}

/** Turns a function of the input into one of the request. It has as many parameters as the user's function, because core counts them. */
function asOneParameter<I>(make: (input: I) => Policy, input: I): RoutePolicy<object> {
  return Object.defineProperty(() => make(input), 'length', { value: make.length });
}

function handlerOf(receive: MessageReceiver): FetchHandler {
  return async (input) => {
    assertInput(input, 'the receiver');
    return receiveMessage(requestOf(input) as Request, receive);
  };
}

/**
 * Returns the `Auth` that the last guard found for a request.
 *
 * @throws ConfigurationError if no guard has admitted the request, or if an optional guard admitted it without authentication
 */
export function getAuth<C extends object = AppClaims>(request: AnyRequest): Auth<C>;
/**
 * Returns the `Auth` of a request, or undefined if an optional guard admitted it without authentication.
 *
 * @throws ConfigurationError if no guard has admitted the request
 */
export function getAuth<C extends object = AppClaims>(request: AnyRequest, optional: 'optional' | undefined): Auth<C> | undefined;
export function getAuth(request: object, optional?: 'optional'): Auth | undefined {
  return authOf(requestOf(request), optional);
}
