import type { Context, Middleware, Next } from 'koa';
import type { Auth, Decision, MessageReceiver, Policy } from '@tokenward/core';
import { accessOf, asError, authOf, createNativeGuard, isAnswered, receiveFrom, type AdapterOptions, type GuardMethods } from '@tokenward/core/adapter';
import { createCaseWarning } from './router-case.js';
import { view } from './view.js';

export * from '@tokenward/core';

export type KoaGuardOptions = AdapterOptions<[context: Context]>;

declare const OPTIONAL: unique symbol;

/** The state that a required guard leaves: `ctx.state.auth`. */
export interface AuthState {
  auth: Auth;
}

/** The state that an optional guard leaves. */
export interface OptionalAuthState {
  auth: Auth | undefined;
  /** Tells `getAuth`, by type alone, that the guard is an optional one. */
  readonly [OPTIONAL]: true;
}

export interface KoaGuard extends GuardMethods<Middleware> {
  /** A valid access token is needed, and all of these policies. */
  (...policies: readonly Policy[]): Middleware<AuthState>;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly Policy[]): Middleware<OptionalAuthState>;
  /** Gives up what is under way: for an orderly shutdown. */
  close(): Promise<void>;
}

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
export function createGuard(options: KoaGuardOptions = {}): KoaGuard {
  const { decide, onDenied, methods, close } = createNativeGuard(options, view, (context: Context) => context.state as object);

  function guardWith(credentials: 'required' | 'optional', policies: readonly Policy[]) {
    const mounted = accessOf(credentials, policies, 'pass');
    const onRoute = accessOf(credentials, policies);

    function settle(decision: Decision, context: Context, next: Next): Promise<unknown> | undefined {
      if (decision.outcome === 'allow') {
        applyHeaders(context, decision.headers);
        return next();
      }
      context.status = decision.status;
      if (onDenied) return answer(() => onDenied(decision, context));
      applyHeaders(context, decision.headers);
      context.body = JSON.stringify(decision.body);
      return undefined;
    }

    const warnOfSkippedCase = createCaseWarning();

    return async function guard(context: Context, next: Next): Promise<unknown> {
      warnOfSkippedCase(context['router'], guard);
      // a route that takes OPTIONS, such as one of router.all, would run its handler for a preflight; @koa/router tells of a route by this member
      const decision = decide(context, context['_matchedRoute'] === undefined ? mounted : onRoute);
      if (!(decision instanceof Promise)) return settle(decision, context, next);
      const settled = await decision;
      return isAnswered(context.res) ? undefined : settle(settled, context, next);
    };
  }

  return Object.assign((...policies: readonly Policy[]) => guardWith('required', policies) as Middleware<AuthState>, {
    optional: (...policies: readonly Policy[]) => guardWith('optional', policies) as Middleware<OptionalAuthState>,
    ...methods(middlewareOf),
    close,
  });
}

function middlewareOf(receive: MessageReceiver): Middleware {
  return async (context) => {
    const { body: parsed } = context.request as { body?: unknown };
    const { status, headers, body } = await receiveFrom(context.req, parsed, receive);
    context.status = status;
    applyHeaders(context, headers);
    context.body = body;
  };
}

/** Koa answers nothing to an error that is none. */
async function answer(onDenied: () => void | Promise<void>): Promise<void> {
  try {
    await onDenied();
  } catch (thrown) {
    throw asError(thrown);
  }
}

function applyHeaders(context: Context, headers: Decision['headers']): void {
  for (const name in headers) context.set(name, headers[name]!);
}

/**
 * Who the request is from. Behind `guard.optional()` it may be undefined, and a handler that stands on the same route as that guard sees
 * so by its type.
 *
 * @throws Error where no guard admitted the request
 */
export function getAuth<State, _Inferred>(context: { readonly state: State }): AuthOf<State>;
// the first can't be called with one type argument, which is for the claims
export function getAuth<C extends object>(context: { readonly state: OptionalAuthState }): Auth<C> | undefined;
export function getAuth<C extends object>(context: { readonly state: object }): Auth<C>;
export function getAuth<C extends object>(context: object): Auth<C> | undefined {
  return authOf<C>(context);
}

/** Koa's own state has every member, as `any`: it tells nothing of guards. */
type AuthOf<State> = State extends OptionalAuthState ? (0 extends 1 & State['auth'] ? Auth : Auth | undefined) : Auth;
