import type { Context, Middleware, Next } from 'koa';
import type { Auth, BackchannelLogoutOptions, Decision, GuardHealth, MessageReceiver, Policy, Revocations, SharedSignalsOptions } from '@tokenward/core';
import { accessOf, asError, authOf, createNativeGuard, isAnswered, receiveFrom, type AdapterOptions } from '@tokenward/core/adapter';
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

export interface KoaGuard {
  /** A valid access token is needed, and all of these policies. */
  (...policies: readonly Policy[]): Middleware<AuthState>;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly Policy[]): Middleware<OptionalAuthState>;
  /** Decides whether one who was admitted satisfies one more policy: in a handler, or in a test with no HTTP. */
  permit(auth: Auth, policy: Policy): Decision<Auth>;
  /**
   * Fetches the issuer's keys ahead of the first request.
   *
   * @throws KeysUnavailableError when they can't be had; the guard goes on trying at later requests
   */
  warm(): Promise<void>;
  /** What can be seen of the guard: for a readiness probe, and for people. */
  health(): GuardHealth;
  /** Refuses tokens before they end: `await guard.revocations.revoke({ sessionId }, { reason: 'logout' })`. */
  readonly revocations: Revocations;
  /**
   * Receives the authorization server's logout tokens (OpenID Connect Back-Channel Logout 1.0).
   *
   * @example router.post('/backchannel-logout', guard.backchannelLogout({ clientId: 'web-app' }));
   */
  backchannelLogout(options: BackchannelLogoutOptions): Middleware;
  /** Receives security events by push (RFC 8935): `router.post('/events', guard.sharedSignals({ audience, authorization }))`. */
  sharedSignals(options: SharedSignalsOptions): Middleware;
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
  const guard = createNativeGuard(options, view, (context: Context) => context.state as object);
  const { decide, onDenied, permit, warm, health, revocations, close } = guard;

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

    return async function guardOf(context: Context, next: Next): Promise<unknown> {
      warnOfSkippedCase(context['router'], guardOf);
      // a route that takes OPTIONS, such as one of router.all, would run its handler for a preflight; @koa/router tells of a route by this member
      const decision = decide(context, context['_matchedRoute'] === undefined ? mounted : onRoute);
      if (!(decision instanceof Promise)) return settle(decision, context, next);
      const settled = await decision;
      return isAnswered(context.res) ? undefined : settle(settled, context, next);
    };
  }

  return Object.assign((...policies: readonly Policy[]) => guardWith('required', policies) as Middleware<AuthState>, {
    optional: (...policies: readonly Policy[]) => guardWith('optional', policies) as Middleware<OptionalAuthState>,
    permit,
    warm,
    health,
    revocations,
    backchannelLogout: (given: BackchannelLogoutOptions) => middlewareOf(guard.backchannelLogout(given)),
    sharedSignals: (given: SharedSignalsOptions) => middlewareOf(guard.sharedSignals(given)),
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
