import type { FastifyContextConfig, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { ConfigurationError, isPolicy, type Auth, type Claims, type Decision, type MessageReceiver, type Policy } from '@tokenward/core';
import { accessOf, asError, authOf, createNativeGuard, isAnswered, OptionReader, receiveFrom } from '@tokenward/core/adapter';
import type { AdapterOptions, GuardMethods } from '@tokenward/core/adapter';
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
  /**
   * Stops the start at a route of this scope that says nothing: neither by a guard in its `onRequest` nor by `config.tokenward`. A route for
   * OPTIONS alone, such as that of @fastify/cors, gets a guard instead, which preflights pass.
   */
  readonly failOnUnguarded?: boolean | undefined;
  /**
   * The decorator's name, for a second guard in the same scope. Its `property` must then be another one, too, and `config.tokenward` is not its
   * own. Default: `guard`.
   */
  readonly decorator?: string | undefined;
}

/** As much of a request, and of a reply, as is typed alike on all servers (HTTP/2, too), loggers and type providers. */
type AnyRequest = Pick<FastifyRequest, 'auth'>;
type AnyReply = Pick<FastifyReply, 'statusCode'>;

/** An `onRequest` hook. It is done when the request may go on, and never when it was refused. */
export type Guard = (request: AnyRequest, reply: AnyReply, done: (error?: Error) => void) => void;

export interface FastifyGuard extends GuardMethods<FastifyPluginAsync> {
  /** A valid access token is needed, and all of these policies. */
  (...policies: readonly Policy[]): Guard;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly Policy[]): Guard;
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
  async (app: FastifyInstance, { protect, failOnUnguarded, decorator = 'guard', ...options }: FastifyGuardOptions) => {
    checkOptions({ protect, failOnUnguarded, decorator });
    const { decide, onDenied, methods, close } = createNativeGuard(options, view, () => NOWHERE);
    /** Where a request holds whom this guard found it to be from. */
    const found = Symbol('auth');
    /** On the configuration of routes that were looked at when they were added. */
    const seen = Symbol('seen');

    function guardWith(credentials: 'required' | 'optional', policies: readonly Policy[]): Guard {
      const asRoute = accessOf(credentials, policies);
      const ahead = accessOf(credentials, policies, 'pass');

      function guard(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
        const decision = decide(request, answersPreflights(request) ? ahead : asRoute);
        if (decision instanceof Promise)
          decision.then((settled) => isAnswered(reply.raw) || settle(settled, request, reply, done)).catch((error: unknown) => done(asError(error)));
        else settle(decision, request, reply, done);
      }

      GUARDS.add(guard);
      return guard as Guard;
    }

    function settle(decision: Decision, request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
      if (decision.outcome === 'allow') {
        void reply.headers(decision.headers);
        Reflect.set(request, found, decision.auth);
        done();
      } else if (onDenied) {
        new Promise((resolve) => resolve(onDenied(decision, request, reply))).catch((error: unknown) => done(asError(error)));
      } else {
        void reply.code(decision.status).headers(decision.headers).send(JSON.stringify(decision.body));
      }
    }

    /** A route of its own scope, in which no body is read before the receiver reads it. */
    function pluginOf(receive: MessageReceiver): FastifyPluginAsync {
      return async (scope) => {
        scope.removeAllContentTypeParsers();
        scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
        scope.post('/', { config: { tokenward: 'public', [seen]: true } as FastifyContextConfig }, async (request, reply) => {
          const { status, headers, body } = await receiveFrom(request.raw, undefined, receive);
          return reply.code(status).headers(headers).send(body);
        });
      };
    }

    /** What a route asks for beside the guards that it names itself. */
    function ruleOf({ config, method, url }: Pick<RouteOptions, 'config' | 'method' | 'url'>, hasGuard: boolean): Guard | 'public' | undefined {
      const where = `${[method].flat().join(', ')} ${url}`;
      const rule: unknown = decorator === 'guard' ? config?.tokenward : undefined;
      if (rule !== undefined && hasGuard) throw misuse(where, 'has a guard in onRequest and config.tokenward, too: give one of them');
      if (hasGuard || rule === 'public') return 'public';
      if (rule === 'optional' || rule === 'required') return guardWith(rule, []);
      if (isPolicy(rule)) return guardWith('required', [rule]);
      if (Array.isArray(rule) && rule.length > 0) return guardWith('required', rule as Policy[]);
      if (rule !== undefined) throw misuse(where, "has a config.tokenward that is none of 'public', 'optional', 'required', a policy, or a list of policies");
      // a route for OPTIONS alone may be another plugin's, on which nobody can write; preflights pass its guard
      if (failOnUnguarded === true && String(method) !== 'OPTIONS')
        throw misuse(where, "has no guard: give it onRequest: app.guard(...), or config: { tokenward: ... }, which may be 'public'");
      return protect === 'all' || failOnUnguarded === true ? guardWith('required', []) : undefined;
    }

    const guard: FastifyGuard = Object.assign((...policies: readonly Policy[]) => guardWith('required', policies), {
      optional: (...policies: readonly Policy[]) => guardWith('optional', policies),
      ...methods(pluginOf),
    });
    app.decorate(decorator as 'guard', guard);
    app.decorateRequest(found as never, undefined as never);
    app.decorateRequest((options.property ?? 'auth') as 'auth', {
      getter(this: FastifyRequest) {
        return Reflect.get(this, found) as Auth | undefined;
      },
    });

    app.addHook('onRoute', (route) => {
      if (seen in (route.config ?? {})) return;
      const hooks = [route.onRequest ?? []].flat();
      const rule = ruleOf(
        route,
        hooks.some((hook) => GUARDS.has(hook)),
      );
      route.config = Object.assign({}, route.config, { [seen]: true });
      if (typeof rule === 'function') route.onRequest = [rule, ...hooks];
    });
    // routes that were added before the plugin was there, since nobody waited for it, are looked at when they are asked for
    app.addHook('onRequest', (request, reply, done) => {
      const { url, method, config } = request.routeOptions;
      if (url === undefined || seen in config) return done();
      const rule = ruleOf({ url, method, config }, false);
      return typeof rule === 'function' ? rule(request, reply, done) : done();
    });
    // ahead of onClose, which waits for the requests under way, and those might wait for keys
    app.addHook('preClose', close);
  },
  { name: '@tokenward/fastify', fastify: '5.x' },
);

export default tokenward;

/** The hooks of all guards: a route that has one is guarded, whichever it is. */
const GUARDS = new WeakSet<object>();

/** The property is a getter, so nothing is written there. */
const NOWHERE = Object.freeze({});

function checkOptions(given: Pick<FastifyGuardOptions, 'protect' | 'failOnUnguarded' | 'decorator'>): void {
  const reader = new OptionReader(given, ['protect', 'failOnUnguarded', 'decorator']);
  if (given.protect !== undefined && given.protect !== 'all') reader.wrong('protect', "is not 'all', which is the only one");
  reader.flag('failOnUnguarded');
  const decorator = reader.text('decorator', 'guard');
  if (decorator in Object.prototype) reader.wrong('decorator', `is "${decorator}", which every object has: give a name of its own`);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
}

/** A preflight may pass where no route stands, or one that is for OPTIONS alone: what answers preflights is such a one. */
function answersPreflights(request: FastifyRequest): boolean {
  // what Fastify makes anew at each look is looked at for OPTIONS alone
  if (request.method !== 'OPTIONS') return false;
  const { url, method } = request.routeOptions;
  return url === undefined || method === 'OPTIONS';
}

function misuse(where: string, message: string): ConfigurationError {
  return new ConfigurationError([{ path: where, message }]);
}

/**
 * Who the request is from. Behind `app.guard.optional()` read `request.auth`, whose type says that it may be undefined.
 *
 * @throws Error where no guard admitted the request, and where it is from nobody
 */
export function getAuth<C extends object = Claims>(request: AnyRequest): Auth<C> {
  const auth = authOf<C>(request);
  if (!auth) throw new Error('getAuth: the request is from nobody; behind guard.optional() read request.auth');
  return auth;
}
