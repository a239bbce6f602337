import type { IncomingMessage } from 'node:http';
import type { Context, Handler, MiddlewareHandler } from 'hono';
import type { AppClaims, Auth, ClaimsSchema, Decision, Deny, MessageReceiver } from '@tokenward/core';
import {
  assertDenial,
  authOf,
  createNativeGuard,
  plainOptions,
  type AdapterOptions,
  type ClaimsWithoutSchema,
  type GuardMethods,
  type MetadataEndpoint,
  type RoutePolicy,
} from '@tokenward/core/adapter';
import { metadataResponse, receiveMessage, type OnDeniedResponse } from '@tokenward/fetch/adapter';
import { guardWith, refusalOf } from './guarding.js';
import { parsedBody } from './parsed-body.js';
import { createHolder } from './variable.js';
import { view } from './view.js';

export * from '@tokenward/core';
export { setConnection, toHeaders, type Connection } from '@tokenward/fetch/adapter';

export interface HonoGuardOptions extends Omit<AdapterOptions<[context: Context]>, 'onDenied' | 'property'> {
  /** The name of the context's variable that holds the {@link Auth}: `c.get('auth')`. Default: `auth`. */
  readonly property?: string | undefined;
  /**
   * Answers refusals instead of the guard, with a response of your own. Use the decision's status and headers. If it returns the decision, the guard sends its
   * usual answer. If it throws, Hono handles the error. The handler never runs.
   *
   * @example onDenied: (decision, c) => (decision.status === 401 ? c.redirect('/login') : decision)
   */
  readonly onDenied?: OnDeniedResponse<[context: Context]> | undefined;
}

/** The variables of a context behind a guard: `new Hono<{ Variables: AuthVariables }>()`. Handlers on a route with a guard have them by themselves. */
export interface AuthVariables<A extends Auth<object> | undefined = Auth> {
  /** The `Auth` of the request. A guard with another `property` sets that variable instead. */
  auth: A;
}

type Middleware<A extends Auth<object> | undefined> = MiddlewareHandler<{ Variables: AuthVariables<A> }>;

/**
 * Middleware that your own code may also call, without `next`. The promise is then fulfilled once the request is admitted. On a refusal it rejects with an
 * `HTTPException` that has the response, so nothing after `await` runs, and Hono answers with it.
 *
 * @example await guard(scope('orders:read'))(c);
 */
export type HonoMiddleware<A extends Auth<object> | undefined = Auth> = ((context: Context) => Promise<void>) & Middleware<A>;

/** A context, or a `Request` or the request of `node:http` after `guard.check`. */
type AnyRequest = Context | Request | IncomingMessage;

/** What {@link createGuard} returns. Use it as the type of a parameter, to pass the guard to other apps. `C` is the type of the claims in its tokens. */
export interface HonoGuard<C extends object = AppClaims> extends GuardMethods<Handler, AnyRequest, C> {
  /**
   * Returns middleware that requires a valid access token which satisfies all of these policies. It refuses CORS preflights: put `cors()` before it.
   *
   * @example guard((c) => claim('tenant', c.req.param('tenant')!))
   */
  (...policies: readonly RoutePolicy<Context>[]): HonoMiddleware<Auth<C>>;
  /** Returns a guard that also admits requests without credentials. A token must still be valid and satisfy all of these policies. */
  optional(...policies: readonly RoutePolicy<Context>[]): HonoMiddleware<Auth<C> | undefined>;
  /**
   * Returns a guard for a whole app whose own code answers CORS preflights behind the guard: it admits them, although they carry no credentials. Nothing behind
   * it may act on an `OPTIONS` request.
   *
   * @example app.use(guard.inFront());
   */
  inFront(...policies: readonly RoutePolicy<Context>[]): HonoMiddleware<Auth<C> | undefined>;
  /**
   * Decides on a request and answers nothing. It takes a context, a `Request`, or the request of `node:http`, for example of an `upgrade`.
   *
   * @example server.on('upgrade', async (req, socket, head) => { const decision = await guard.check(req, scope('feed')); ... });
   */
  check(request: AnyRequest, ...policies: readonly RoutePolicy<Context>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Returns the response to a refusal of `permit` or `check`, as the guard answers its own: that of `onDenied`, if there is one.
   *
   * @throws ConfigurationError if the decision is not a refusal, or without a context
   *
   * @example return guard.refuse(decision, c);
   */
  refuse(decision: Deny, context: Context): Response | Promise<Response>;
  /**
   * Returns middleware that serves the metadata of this API (RFC 9728). Use it on the app itself, in front of everything else. Anybody may read the metadata.
   * Challenges name its address from now on.
   *
   * @example app.use(guard.metadata());
   */
  metadata(): MiddlewareHandler;
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
 * app.use(guard());
 * app.get('/orders', guard(scope('orders:read')), (c) => c.json({ for: c.get('auth').subject }));
 */
export function createGuard<C extends object>(options: HonoGuardOptions & { readonly claims: ClaimsSchema<C> }): HonoGuard<C>;
export function createGuard(options?: HonoGuardOptions): HonoGuard<ClaimsWithoutSchema>;
export function createGuard(options: HonoGuardOptions = {}): HonoGuard {
  const plain = plainOptions(options);
  // onDenied answers with a Response, which core leaves to this adapter
  const native = createNativeGuard<Context, [context: Context]>(plain as AdapterOptions<[context: Context]>, view, createHolder(plain.property));
  const guardFor =
    (credentials: 'required' | 'optional', preflight: 'pass' | 'refuse') =>
    (...policies: readonly RoutePolicy<Context>[]) =>
      guardWith(native, native.requirementsFor(credentials, policies), preflight) as HonoMiddleware<never>;

  return Object.assign(guardFor('required', 'refuse'), {
    optional: guardFor('optional', 'refuse'),
    inFront: guardFor('required', 'pass'),
    ...(native.methods(handlerOf) as GuardMethods<Handler, AnyRequest>),
    metadata: () => middlewareFor(native.metadata()),
    check: (request: AnyRequest, ...policies: readonly RoutePolicy<Context>[]) => native.check(request as Context, policies),
    refuse(decision: Deny, context: Context) {
      assertDenial(decision);
      return refusalOf(native, decision, context);
    },
    close: native.close,
  });
}

function middlewareFor(endpoint: MetadataEndpoint): MiddlewareHandler {
  return async (context, next) => {
    const answer = endpoint.answer(view(context));
    if (answer) return metadataResponse(answer);
    await next();
    return undefined;
  };
}

function handlerOf(receive: MessageReceiver): Handler {
  return async (context) => receiveMessage(context.req.raw, receive, await parsedBody(context));
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
  return authOf(request, optional);
}
