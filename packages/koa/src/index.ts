import type { IncomingMessage } from 'node:http';
import type { Context, Middleware } from 'koa';
import type { AppClaims, Auth, ClaimsSchema, Decision, Deny, MessageReceiver } from '@tokenward/core';
import {
  assertDenial,
  authOf,
  createNativeGuard,
  receiveFrom,
  type AdapterOptions,
  type ClaimsWithoutSchema,
  type GuardMethods,
  type RoutePolicy,
  type MetadataEndpoint,
} from '@tokenward/core/adapter';
import { createGuarding } from './guarding.js';
import { answerMetadata, setHeaders } from './set-headers.js';
import { view } from './view.js';

export * from '@tokenward/core';

export type KoaGuardOptions = AdapterOptions<[context: Context]>;

/** The state of a context after a guard. */
export interface AuthState {
  /** The `Auth` of the request. Undefined if no guard has authenticated it (`getAuth(ctx)` throws then), or if the guard has another `property`. */
  auth?: Auth | undefined;
}

/** A context with a state of any type, or Node's own request, after `guard.check`. */
type AnyContext = { readonly state: object } | IncomingMessage;

/** What {@link createGuard} returns. Use it as the type of a parameter, to pass the guard to routers. `C` is the type of the claims in its tokens. */
export interface KoaGuard<C extends object = AppClaims> extends GuardMethods<Middleware, AnyContext, C> {
  /**
   * Returns middleware that requires a valid access token which satisfies all of these policies. You can call it without `next`,
   * `await guard(scope('orders:read'))(ctx)`: the promise is then fulfilled once the request is admitted. On a refusal the guard sends the answer, and
   * the promise rejects, so nothing after `await` runs. Koa does not report that rejection.
   *
   * @example guard((ctx) => claim('tenant', ctx.params.tenant))
   */
  (...policies: readonly RoutePolicy<RoutedContext>[]): KoaMiddleware<AuthState>;
  /** Returns a guard that also admits requests without credentials. A token must still be valid and satisfy all of these policies. */
  optional(...policies: readonly RoutePolicy<RoutedContext>[]): KoaMiddleware<AuthState>;
  /**
   * Decides on a request and answers nothing, for example for the `upgrade` of a WebSocket. It takes a context or Node's own request.
   *
   * @example server.on('upgrade', async (req, socket, head) => { const decision = await guard.check(req, scope('feed')); ... });
   */
  check(request: Context | IncomingMessage, ...policies: readonly RoutePolicy<RoutedContext>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Answers a refusal of `permit` or `check` as the guard answers its own, through `onDenied` if there is one. The answer is sent at once. From then on
   * no other code can answer, even if the promise is not awaited. The promise is fulfilled once the answer is sent.
   *
   * @throws ConfigurationError if the decision is not a refusal, or without a context
   */
  refuse(decision: Deny, context: Context): Promise<void>;
  /**
   * Returns middleware that serves the metadata of this API (RFC 9728). Use it on the app itself, in front of everything else. Anybody may read the metadata.
   * Challenges name its address from now on.
   *
   * @example app.use(guard.metadata());
   */
  metadata(): Middleware;
  /** Stops timers, and refuses requests that wait for keys, with 503. Call it at shutdown. */
  close(): Promise<void>;
}

/** A context behind a router. */
export type RoutedContext = Context & { readonly params: Readonly<Record<string, string>> };

/** Koa middleware that may also be called without `next`. `Middleware` comes last, since Koa infers the state from the last part. */
export type KoaMiddleware<State> = ((context: Context) => Promise<void>) & Middleware<State>;

/**
 * Creates the guard of one API. Without options it reads `ISSUER_BASE_URL` and `AUDIENCE` from the environment.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const guard = createGuard({ issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * app.use(guard());
 * router.get('/orders', guard(scope('orders:read')), (ctx) => { ctx.body = { for: getAuth(ctx).subject }; });
 */
export function createGuard<C extends object>(options: KoaGuardOptions & { readonly claims: ClaimsSchema<C> }): KoaGuard<C>;
export function createGuard(options?: KoaGuardOptions): KoaGuard<ClaimsWithoutSchema>;
export function createGuard(options: KoaGuardOptions = {}): KoaGuard {
  const native = createNativeGuard<Context, [context: Context]>(options, view, ({ state }) => state ?? {});
  const guardWith = createGuarding(native);

  return Object.assign(
    (...policies: readonly RoutePolicy<RoutedContext>[]) =>
      guardWith(native.requirementsFor('required', policies as RoutePolicy<Context>[])) as KoaMiddleware<AuthState>,
    {
      optional: (...policies: readonly RoutePolicy<RoutedContext>[]) =>
        guardWith(native.requirementsFor('optional', policies as RoutePolicy<Context>[])) as KoaMiddleware<AuthState>,
      ...native.methods(middlewareOf),
      metadata: () => middlewareFor(native.metadata()),
      check: (request: Context | IncomingMessage, ...policies: readonly RoutePolicy<RoutedContext>[]) =>
        native.check(request as Context, policies as RoutePolicy<Context>[]),
      refuse(decision: Deny, context: Context) {
        assertDenial(decision);
        return guardWith.refuse(decision, context);
      },
      close: native.close,
    },
  );
}

function middlewareFor(endpoint: MetadataEndpoint): Middleware {
  return (context, next) => {
    const { method, originalUrl, headers } = context;
    const metadata = endpoint.answer({ method, target: originalUrl, headers });
    return metadata ? answerMetadata(context, metadata) : next();
  };
}

function middlewareOf(receive: MessageReceiver): Middleware {
  return async (context) => {
    const { body: parsed } = context.request as { body?: unknown };
    const { status, headers, body } = await receiveFrom(context.req, parsed, receive);
    context.status = status;
    setHeaders(context, headers);
    context.body = body;
  };
}

/**
 * Returns the `Auth` that the last guard found for a request.
 *
 * @throws ConfigurationError if no guard has admitted the request, or if an optional guard admitted it without authentication
 */
export function getAuth<C extends object = AppClaims>(context: AnyContext): Auth<C>;
/**
 * Returns the `Auth` of a request, or undefined if an optional guard admitted it without authentication.
 *
 * @throws ConfigurationError if no guard has admitted the request
 */
export function getAuth<C extends object = AppClaims>(context: AnyContext, optional: 'optional' | undefined): Auth<C> | undefined;
export function getAuth(context: object, optional?: 'optional'): Auth | undefined {
  return authOf(context, optional);
}
