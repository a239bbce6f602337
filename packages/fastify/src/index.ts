import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { ConfigurationError, type AppClaims, type Auth, type Decision, type Deny, type MessageReceiver } from '@tokenward/core';
import { accessFor, assertDenial, authOf, createNativeGuard, OptionReader, receiveFrom, type GuardMethods, type RoutePolicy } from '@tokenward/core/adapter';
import { createGuarding } from './guarding.js';
import { assertHookInTime, createRouteRules, markReceiver } from './route-rules.js';
import type { FastifyGuardOptions, RouteRule } from './options.js';
import { view } from './view.js';

export * from '@tokenward/core';
export type { FastifyGuardOptions, RouteRule } from './options.js';

declare module 'fastify' {
  interface FastifyInstance {
    guard: FastifyGuard;
  }
  interface FastifyRequest {
    /** The `Auth` of the request. Undefined if no guard has authenticated it; `getAuth(request)` throws then. */
    readonly auth: Auth | undefined;
  }
  interface FastifyContextConfig {
    /** What the route needs, where no guard is written into its `onRequest`. */
    tokenward?: RouteRule | undefined;
  }
}

/** As much of a request, and of a reply, as is typed alike on all servers (HTTP/2, too), loggers and type providers. */
type AnyRequest = Pick<FastifyRequest, 'auth'>;
type AnyReply = Pick<FastifyReply, 'statusCode'>;

/**
 * An `onRequest` hook. It is done when the request may go on, and never when it was refused. Called by hand without `done`, in an async hook or a handler,
 * it gives a promise that is fulfilled once the request is admitted. Where it is refused the answer is sent, and the promise never settles, so that
 * nothing behind `await` runs.
 *
 * @example app.addHook('onRequest', async (request, reply) => { await app.guard(scope('orders:read'))(request, reply); });
 */
export interface Guard {
  (request: AnyRequest, reply: AnyReply, done: (error?: Error) => void): void;
  (request: AnyRequest, reply: AnyReply): Promise<void>;
}

/** What the plugin puts under `app.guard`. `C` is the type of the claims that it finds. */
export interface FastifyGuard<C extends object = AppClaims> extends GuardMethods<FastifyPluginAsync, AnyRequest | IncomingMessage, C> {
  /**
   * A valid access token is needed, and all of these policies.
   *
   * @example app.guard((request) => claim('tenant', request.params.tenant))
   */
  (...policies: readonly RoutePolicy<GuardedRequest>[]): Guard;
  /** No credentials are needed, but wrong ones are refused, and a token that is there needs all of these policies. */
  optional(...policies: readonly RoutePolicy<GuardedRequest>[]): Guard;
  /**
   * Decides on a request, and answers nothing. It takes Fastify's request, or Node's own: of the server's `upgrade`, say.
   *
   * @example app.server.on('upgrade', async (req, socket, head) => { const decision = await app.guard.check(req, scope('feed')); ... });
   */
  check(request: AnyRequest | IncomingMessage, ...policies: readonly RoutePolicy<GuardedRequest>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /** Answers a refusal, of `permit` or `check`, as the guard answers its own: by `onDenied`, where that is given. To be returned by a handler. */
  refuse(decision: Deny, request: AnyRequest, reply: AnyReply): Promise<AnyReply>;
}

/** What a function that makes a policy sees. */
export type GuardedRequest = FastifyRequest<{ Params: Readonly<Record<string, string>> }>;

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
    const native = createNativeGuard<FastifyRequest, [request: FastifyRequest, reply: FastifyReply]>(options, view, () => undefined);
    /** Where a request holds whom this guard found it to be from. */
    const found = Symbol('auth');
    const guarding = createGuarding(native, (request, auth) => {
      (request as { [found]?: Auth | undefined })[found] = auth;
    });
    const rules = createRouteRules({ protect, failOnUnguarded, decorator }, guarding);

    /** A route of its own scope, in which no body is read before the receiver reads it. */
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

    const guard = Object.assign((...policies: readonly RoutePolicy<FastifyRequest>[]) => guarding(accessFor('required', policies)), {
      optional: (...policies: readonly RoutePolicy<FastifyRequest>[]) => guarding(accessFor('optional', policies)),
      ...native.methods(pluginOf),
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
    app.addHook('onRoute', rules.look);
    // Routes that were added before the plugin are looked at when a request asks for them. Without any, the hook would cost each request as much as a guard.
    if (hasRoutes(app)) {
      app.addHook('onRequest', (request, reply, done) => {
        const rule = rules.ruleFor(request);
        return rule ? guarding.runAsHook(rule, request, reply, done) : done();
      });
    }
    app.addHook('onReady', async () => rules.complete());
    // ahead of onClose, which waits for the requests under way, and those might wait for keys
    app.addHook('preClose', native.close);
  },
  { name: '@tokenward/fastify', fastify: '5.x' },
);

export default tokenward;

const checked = new WeakSet<object>();

/** All scopes inherit the method from the app at the top, and with it the check: guards may be handed to scopes above. */
function refuseLateHooks(app: FastifyInstance): void {
  let top: object = app;
  while (!Object.hasOwn(top, 'addHook')) top = Object.getPrototypeOf(top) as object;
  if (checked.has(top)) return;
  checked.add(top);
  const add = app.addHook as (this: FastifyInstance, name: string, hook: unknown) => FastifyInstance;
  function addHook(this: FastifyInstance, name: string, hook: unknown): FastifyInstance {
    assertHookInTime(name, hook);
    return add.call(this, name, hook);
  }
  Reflect.set(top, 'addHook', addHook);
}

/** Whether a route was added already, in any scope. */
function hasRoutes(app: FastifyInstance): boolean {
  return app.printRoutes() !== '(empty tree)';
}

function checkOptions(given: Pick<FastifyGuardOptions, 'protect' | 'failOnUnguarded' | 'decorator'>): void {
  const reader = new OptionReader(given, ['protect', 'failOnUnguarded', 'decorator']);
  if (given.protect !== undefined && given.protect !== 'all') reader.wrong('protect', "is not 'all', which is the only one");
  reader.flag('failOnUnguarded');
  const decorator = reader.text('decorator', 'guard');
  if (decorator in Object.prototype) reader.wrong('decorator', `is "${decorator}", which every object has: give a name of its own`);
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
}

/**
 * Returns the `Auth` of a request, as the last guard on its way found it.
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
