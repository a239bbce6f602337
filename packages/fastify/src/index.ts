import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { ConfigurationError, type AppClaims, type Auth, type Decision, type Deny, type MessageReceiver } from '@tokenward/core';
import { assertDenial, authOf, createNativeGuard, OptionReader, receiveFrom, withBoundDemands } from '@tokenward/core/adapter';
import type { GuardMethods, RoutePolicy } from '@tokenward/core/adapter';
import { createGuarding, type Guarding } from './guarding.js';
import { metadataPlugin } from './metadata.js';
import { withDemands, type DocumentedGuard } from './route-demands.js';
import { assertHookInTime, createRouteRules, markReceiver } from './route-rules.js';
import type { FastifyGuardOptions, RouteRule } from './options.js';
import { swaggerTransforms, type SwaggerOptions, type SwaggerTransforms } from './swagger.js';
import { view } from './view.js';

export * from '@tokenward/core';
export type { FastifyGuardOptions, RouteRule } from './options.js';
export type { SwaggerOptions, SwaggerRoute, SwaggerTransforms } from './swagger.js';

declare module 'fastify' {
  interface FastifyInstance {
    guard: FastifyGuard;
  }
  interface FastifyRequest {
    /** The `Auth` of the request. Undefined if no guard has authenticated it; `getAuth(request)` throws then. */
    readonly auth: Auth | undefined;
  }
  interface FastifyContextConfig {
    /** What the route needs, if it has no guard in its `onRequest`. */
    tokenward?: RouteRule | undefined;
  }
}

/** The members of a request and a reply that have the same type with every server (HTTP/2, too), logger and type provider. */
type AnyRequest = Pick<FastifyRequest, 'auth'>;
type AnyReply = Pick<FastifyReply, 'statusCode'>;

/**
 * An `onRequest` hook that calls `done` once the request is admitted, and never after a refusal. If you call it without `done`, in an async hook or a
 * handler, it returns a promise that is fulfilled once the request is admitted. On a refusal it sends the answer, and the promise never settles, so
 * nothing after `await` runs.
 *
 * @example app.addHook('onRequest', async (request, reply) => { await app.guard(scope('orders:read'))(request, reply); });
 */
export interface Guard {
  (request: AnyRequest, reply: AnyReply, done: (error?: Error) => void): void;
  (request: AnyRequest, reply: AnyReply): Promise<void>;
}

/** The type of `app.guard`. `C` is the type of the claims in its tokens. */
export interface FastifyGuard<C extends object = AppClaims> extends GuardMethods<FastifyPluginAsync, AnyRequest | IncomingMessage, C> {
  /**
   * Returns a guard that requires a valid access token which satisfies all of these policies.
   *
   * @example app.guard((request) => claim('tenant', request.params.tenant))
   */
  (...policies: readonly RoutePolicy<GuardedRequest>[]): Guard;
  /** Returns a guard that also admits requests without credentials. A token must still be valid and satisfy all of these policies. */
  optional(...policies: readonly RoutePolicy<GuardedRequest>[]): Guard;
  /**
   * Decides on a request and answers nothing. It takes Fastify's request or Node's own, for example that of the server's `upgrade`.
   *
   * @example app.server.on('upgrade', async (req, socket, head) => { const decision = await app.guard.check(req, scope('feed')); ... });
   */
  check(request: AnyRequest | IncomingMessage, ...policies: readonly RoutePolicy<GuardedRequest>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Returns a plugin that serves the metadata of this API (RFC 9728). Register it in the app itself, without a prefix. Anybody may read the metadata, and no
   * guard of this plugin refuses its route. Challenges name its address from now on.
   *
   * @example await app.register(app.guard.metadata());
   */
  metadata(): FastifyPluginAsync;
  /**
   * Returns options for @fastify/swagger, which describe what every route requires: `securitySchemes`, `security` and the refusals. Register that plugin
   * before the routes.
   *
   * @throws ConfigurationError that lists all invalid options
   *
   * @example await app.register(swagger, { openapi: { openapi: '3.1.0', info }, ...app.guard.swagger() });
   */
  swagger(options?: SwaggerOptions): SwaggerTransforms;
  /** Answers a refusal of `permit` or `check` as the guard answers its own, through `onDenied` if there is one. Return its result from the handler. */
  refuse(decision: Deny, request: AnyRequest, reply: AnyReply): Promise<AnyReply>;
}

/** The request that a function passed to `app.guard` gets. */
export type GuardedRequest = FastifyRequest<{ Params: Readonly<Record<string, string>> }>;

/**
 * The plugin. It adds `app.guard` and `request.auth` to the scope in which it is registered. Without options it reads `ISSUER_BASE_URL` and
 * `AUDIENCE` from the environment. The guard closes with the app.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * await app.register(tokenward, { issuer: 'https://login.example.com', audience: 'https://api.example.com' });
 * app.get('/orders', { onRequest: app.guard(scope('orders:read')) }, async (request) => ({ for: getAuth(request).subject }));
 */
export const tokenward = fastifyPlugin(
  async (app: FastifyInstance, { protect, failOnUnguarded, decorator = 'guard', ...options }: FastifyGuardOptions) => {
    checkOptions({ protect, failOnUnguarded, decorator });
    const native = createNativeGuard<FastifyRequest, [request: FastifyRequest, reply: FastifyReply]>(options, view, () => undefined);
    /** The request's property with the `Auth` that this guard found. */
    const found = Symbol('auth');
    const guarding = createGuarding(native, (request, auth) => {
      (request as { [found]?: Auth | undefined })[found] = auth;
    });
    const methods = native.methods(pluginOf);
    const documented: DocumentedGuard = { decorator, openApi: methods.openApi };
    const rules = createRouteRules({ protect, failOnUnguarded, decorator }, guarding, native, documented);

    /** Returns a plugin with one route, in a scope of its own without body parsers: the receiver reads the body itself. */
    function pluginOf(receive: MessageReceiver): FastifyPluginAsync {
      return async (scope) => {
        scope.removeAllContentTypeParsers();
        scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
        scope.post(
          '/',
          markReceiver(async (request: FastifyRequest, reply: FastifyReply) => {
            const { status, headers, body } = await receiveFrom(request.raw, undefined, receive);
            return reply.code(status).headers(headers).send(body);
          }),
        );
      };
    }

    function guardWith(credentials: 'required' | 'optional', policies: readonly RoutePolicy<FastifyRequest>[]): Guarding {
      return withDemands(guarding(native.requirementsFor(credentials, policies)), () => ({ guard: documented, credentials, policies }));
    }

    const guard = Object.assign((...policies: readonly RoutePolicy<FastifyRequest>[]) => guardWith('required', policies), {
      optional: (...policies: readonly RoutePolicy<FastifyRequest>[]) => guardWith('optional', policies),
      ...methods,
      swagger: (given: SwaggerOptions = {}) => swaggerTransforms(documented, given),
      metadata: () => metadataPlugin(native.metadata()),
      getAuth: (request: FastifyRequest, optional?: 'optional') => native.getAuth(request, optional, isPublic),
      check: (request: FastifyRequest, ...policies: readonly RoutePolicy<FastifyRequest>[]) => native.check(request, policies),
      async refuse(decision: Deny, request: FastifyRequest, reply: FastifyReply) {
        assertDenial(decision);
        await guarding.refuse(decision, request, reply);
        return reply;
      },
    }) as unknown as FastifyGuard;
    app.decorate(decorator as 'guard', guard);
    app.decorateRequest(found as never, undefined as never);
    app.decorateRequest((options.property ?? 'auth') as 'auth', {
      getter(this: FastifyRequest) {
        return (this as { [found]?: Auth | undefined })[found];
      },
    });

    refuseLateHooks(app);
    app.addHook('onRoute', rules.readRoute);
    // reads at each request the rule of a route that the hook above did not see. It costs as much as a guard, so it is added only if there may be such routes
    if (mayHaveUnseenRoutes(app)) {
      const hook: onRequestHookHandler = (request, reply, done) => {
        const rule = rules.ruleFor(request);
        return rule ? guarding.runAsHook(rule, request, reply, done) : done();
      };
      app.addHook(
        'onRequest',
        withBoundDemands(withDemands(hook, rules.unseenDemands), (route) => {
          const demands = rules.unseenDemands(route as RouteOptions);
          return demands && { ...demands, guard };
        }),
      );
    }
    app.addHook('onReady', async () => rules.checkRoutes());
    // before onClose, which waits for running requests: those may wait for keys
    app.addHook('preClose', native.close);
  },
  { name: '@tokenward/fastify', fastify: '5.x' },
);

export default tokenward;

const checked = new WeakSet<object>();

/** Wraps `addHook` of the root app, from which all scopes inherit: a guard may be passed to a scope above its own. */
function refuseLateHooks(app: FastifyInstance): void {
  let root: object = app;
  while (!Object.hasOwn(root, 'addHook')) root = Object.getPrototypeOf(root) as object;
  if (checked.has(root)) return;
  checked.add(root);
  const add = app.addHook as (this: FastifyInstance, name: string, hook: unknown) => FastifyInstance;
  function addHook(this: FastifyInstance, name: string, hook: unknown): FastifyInstance {
    assertHookInTime(name, hook);
    return add.call(this, name, hook);
  }
  Reflect.set(root, 'addHook', addHook);
}

/** Returns whether there are routes, or scopes below this one. These scopes no longer inherit its onRoute hooks, but may still get routes. */
function mayHaveUnseenRoutes(app: FastifyInstance): boolean {
  const symbol = Object.getOwnPropertySymbols(app).find(({ description }) => description === 'fastify.children');
  const children: unknown = symbol && Reflect.get(app, symbol);
  return app.printRoutes() !== '(empty tree)' || !Array.isArray(children) || children.length > 0;
}

function checkOptions(options: Pick<FastifyGuardOptions, 'protect' | 'failOnUnguarded' | 'decorator'>): void {
  const reader = new OptionReader(options, ['protect', 'failOnUnguarded', 'decorator']);
  if (options.protect !== undefined && options.protect !== 'all') reader.wrong('protect', "must be 'all' if it is set");
  reader.flag('failOnUnguarded');
  const decorator = reader.text('decorator', 'guard');
  if (decorator in Object.prototype) reader.wrong('decorator', `is "${decorator}", which every object already has. Use another name`);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
}

/**
 * Returns the `Auth` that the last guard found for a request.
 *
 * @throws ConfigurationError if no guard has admitted the request, or if the request was admitted without authentication
 */
export function getAuth<C extends object = AppClaims>(request: AnyRequest | IncomingMessage): Auth<C>;
/**
 * Returns the `Auth` of a request, or undefined if it was admitted without authentication: by an optional guard, or on a route whose
 * `config.tokenward` is `'public'`.
 *
 * @throws ConfigurationError if no guard has admitted the request
 */
export function getAuth<C extends object = AppClaims>(request: AnyRequest | IncomingMessage, optional: 'optional' | undefined): Auth<C> | undefined;
export function getAuth(request: AnyRequest | IncomingMessage, optional?: 'optional'): Auth | undefined {
  return authOf(request, optional, isPublic);
}

function isPublic(request: object): boolean {
  return (request as Partial<FastifyRequest>).routeOptions?.config?.tokenward === 'public';
}
