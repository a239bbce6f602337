import type { IncomingMessage } from 'node:http';
import type { Context, Middleware } from 'koa';
import type { AppClaims, Auth, ClaimsSchema, Decision, Deny, MessageReceiver } from '@tokenward/core';
import {
  accessFor,
  assertDenial,
  authOf,
  createNativeGuard,
  receiveFrom,
  type AdapterOptions,
  type ClaimsWithoutSchema,
  type GuardMethods,
  type RoutePolicy,
} from '@tokenward/core/adapter';
import { createGuarding, setHeaders } from './guarding.js';
import { view } from './view.js';

export * from '@tokenward/core';

export type KoaGuardOptions = AdapterOptions<[context: Context]>;

/** The state behind a guard. */
export interface AuthState {
  /** The `Auth` of the request. Undefined if no guard has authenticated it, and with another `property`; `getAuth(ctx)` throws then. */
  auth?: Auth | undefined;
}

/** The part of a context by which `getAuth` recognizes one, whatever its state; or Node's own request, after `guard.check`. */
type AnyContext = { readonly state: object } | IncomingMessage;

/** What {@link createGuard} returns: to hand it to routers, type their parameter so. `C` is the type of the claims that it finds. */
export interface KoaGuard<C extends object = AppClaims> extends GuardMethods<Middleware, AnyContext, C> {
  /**
   * Middleware: a valid access token is needed, and all of these policies. Called by hand, `await guard(scope('orders:read'))(ctx)`, it gives a promise
   * that is fulfilled once the request is admitted. Where it is refused the answer is sent, and the promise is rejected, so that nothing behind
   * `await` runs; Koa tells nobody of that rejection.
   *
   * @example guard((ctx) => claim('tenant', ctx.params.tenant))
   */
  (...policies: readonly RoutePolicy<RoutedContext>[]): KoaMiddleware<AuthState>;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly RoutePolicy<RoutedContext>[]): KoaMiddleware<AuthState>;
  /**
   * Decides on a request, and answers nothing: for the `upgrade` of a WebSocket, say. It takes a context or Node's own request.
   *
   * @example server.on('upgrade', async (req, socket, head) => { const decision = await guard.check(req, scope('feed')); ... });
   */
  check(request: Context | IncomingMessage, ...policies: readonly RoutePolicy<RoutedContext>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Answers a refusal, of `permit` or `check`, as the guard answers its own: by `onDenied`, where that is given. The answer is sent at once, and from then
   * on nobody else can answer, whether or not they wait. The promise is fulfilled once it was sent.
   *
   * @throws ConfigurationError where it is given no refusal, or no context
   */
  refuse(decision: Deny, context: Context): Promise<void>;
  /** Gives up what is under way: for an orderly shutdown. */
  close(): Promise<void>;
}

/** A context behind a router. */
export type RoutedContext = Context & { readonly params: Readonly<Record<string, string>> };

/** Koa's middleware, which by hand may be called without `next`. What Koa infers of it, it infers of the last part. */
export type KoaMiddleware<State> = ((context: Context) => Promise<void>) & Middleware<State>;

/**
 * Makes the guard of one API. With no options it reads `ISSUER_BASE_URL` and `AUDIENCE` from the environment.
 *
 * @throws ConfigurationError that lists all that is wrong with the options
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
    (...policies: readonly RoutePolicy<RoutedContext>[]) => guardWith(accessFor('required', policies as RoutePolicy<Context>[])) as KoaMiddleware<AuthState>,
    {
      optional: (...policies: readonly RoutePolicy<RoutedContext>[]) =>
        guardWith(accessFor('optional', policies as RoutePolicy<Context>[])) as KoaMiddleware<AuthState>,
      ...native.methods(middlewareOf),
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
 * Returns the `Auth` of a request, as the last guard on its way found it.
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
