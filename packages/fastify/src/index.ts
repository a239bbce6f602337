import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { ConfigurationError, isPolicy, type Auth, type Claims, type Decision, type Policy } from '@tokenward/core';
import { accessOf, asError, authOf, createNativeGuard, findAuth, isAnswered, type AdapterOptions } from '@tokenward/core/adapter';
import { view } from './view.js';

export * from '@tokenward/core';

declare module 'fastify' {
  interface FastifyInstance {
    guard: FastifyGuard;
  }
  interface FastifyRequest {
    /** Who the request is from, behind a guard; undefined where no token was needed and none came. */
    readonly auth: Auth | undefined;
  }
  interface FastifyContextConfig {
    /** What the route needs, where no guard is written into its `onRequest`. */
    tokenward?: RouteRule | undefined;
  }
}

/** `public`: nothing; `optional`: no token or a good one; else a valid token, and all of these policies. */
export type RouteRule = 'public' | 'optional' | 'required' | Policy | readonly Policy[];

export interface FastifyGuardOptions extends AdapterOptions<[request: FastifyRequest, reply: FastifyReply]> {
  /** `all`: routes of this scope that say nothing else need a valid token. Default: routes are open unless they say so. */
  readonly protect?: 'all' | undefined;
  /** Stops the start at a route of this scope that says nothing: neither by a guard in its `onRequest` nor by `config.tokenward`. */
  readonly failOnUnguarded?: boolean | undefined;
  /** The decorator's name, for a second guard in the same scope. Its `property` must then be another one, too. Default: `guard`. */
  readonly decorator?: string | undefined;
}

/** An `onRequest` hook. */
export type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

export interface FastifyGuard {
  /** A valid access token is needed, and all of these policies. */
  (...policies: readonly Policy[]): Guard;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly Policy[]): Guard;
  /** Decides whether one who was admitted satisfies one more policy: in a handler, or in a test with no HTTP. */
  permit(auth: Auth, policy: Policy): Decision<Auth>;
  /**
   * Fetches the issuer's keys ahead of the first request.
   *
   * @throws KeysUnavailableError when they can't be had; the guard goes on trying at later requests
   */
  warm(): Promise<void>;
}

/**
 * The plugin: it adds `app.guard` and `request.auth` to the scope in which it is registered. With no options it reads `ISSUER_BASE_URL` and
 * `AUDIENCE` from the environment. The guard is closed with the app.
 *
 * @throws ConfigurationError that lists all that is wrong with the options
 *
 * @example
 * await app.register(tokenward, { issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * app.get('/orders', { onRequest: app.guard(scope('orders:read')) }, async (request) => ({ for: getAuth(request).subject }));
 */
export const tokenward = fastifyPlugin(
  async (app: FastifyInstance, { protect, failOnUnguarded = false, decorator = 'guard', ...options }: FastifyGuardOptions) => {
    const { decide, onDenied, permit, warm, close } = createNativeGuard(options, view, () => NOWHERE);
    const own = new WeakSet<object>();

    function guardWith(credentials: 'required' | 'optional', policies: readonly Policy[]): Guard {
      const asRoute = accessOf(credentials, policies);
      const ahead = accessOf(credentials, policies, 'pass');

      async function guard(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
        const decision = decide(request, answersPreflights(request) ? ahead : asRoute);
        if (!(decision instanceof Promise)) return settle(decision, request, reply);
        const settled = await decision;
        return isAnswered(reply.raw) ? reply.hijack() : settle(settled, request, reply);
      }

      own.add(guard);
      return guard;
    }

    async function settle(decision: Decision, request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
      for (const name in decision.headers) void reply.header(name, decision.headers[name]);
      if (decision.outcome === 'allow') return undefined;
      if (!onDenied) return reply.code(decision.status).send(JSON.stringify(decision.body));
      try {
        await onDenied(decision, request, reply);
      } catch (thrown) {
        throw asError(thrown);
      }
      return reply;
    }

    function ruleOf({ config }: RouteOptions): Guard | 'public' | undefined {
      const rule: unknown = config?.tokenward;
      if (rule === undefined) return protect === 'all' ? guardWith('required', []) : undefined;
      if (rule === 'public') return rule;
      if (rule === 'optional' || rule === 'required') return guardWith(rule, []);
      return guardWith('required', isPolicy(rule) ? [rule] : (rule as readonly Policy[]));
    }

    const guard: FastifyGuard = Object.assign((...policies: readonly Policy[]) => guardWith('required', policies), {
      optional: (...policies: readonly Policy[]) => guardWith('optional', policies),
      permit,
      warm,
    });
    app.decorate(decorator as 'guard', guard);
    const property = (options.property ?? 'auth') as 'auth';
    app.decorateRequest(property, {
      getter(this: FastifyRequest) {
        return findAuth(this);
      },
    });
    app.addHook('onRoute', (route) => {
      const hooks = [route.onRequest ?? []].flat();
      if (hooks.some((hook) => own.has(hook))) return;
      const rule = ruleOf(route);
      if (rule === undefined && failOnUnguarded) throw unguarded(route);
      if (typeof rule === 'function') route.onRequest = [rule, ...hooks];
    });
    app.addHook('onClose', close);
  },
  { name: '@tokenward/fastify', fastify: '5.x' },
);

export default tokenward;

/** The property is a getter, so nothing is written there. */
const NOWHERE = Object.freeze({});

/** A preflight may pass where no route stands, or one that is for OPTIONS alone: what answers preflights is such a one. */
function answersPreflights({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.url === undefined || routeOptions.method === 'OPTIONS';
}

function unguarded({ method, url }: RouteOptions): ConfigurationError {
  const where = `${[method].flat().join(', ')} ${url}`;
  return new ConfigurationError([
    { path: where, message: "has no guard: give it onRequest: app.guard(...), or config: { tokenward: ... }, which may be 'public'" },
  ]);
}

/**
 * Who the request is from. Behind `app.guard.optional()` read `request.auth`, whose type says that it may be undefined.
 *
 * @throws Error where no guard admitted the request, and where it is from nobody
 */
export function getAuth<C extends object = Claims>(request: FastifyRequest): Auth<C> {
  const auth = authOf<C>(request);
  if (!auth) throw new Error('getAuth: the request is from nobody; behind guard.optional() read request.auth');
  return auth;
}
