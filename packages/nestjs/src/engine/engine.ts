import type { ExecutionContext } from '@nestjs/common';
import {
  ConfigurationError,
  type AppClaims,
  type Auth,
  type RouteRequirements,
  type Decision,
  type Deny,
  type GuardOptions,
  type Policy,
  type ResourceGuard,
} from '@tokenward/core';
import {
  assertDenial,
  createNativeGuard,
  OptionReader,
  plainOptions,
  type AdapterOptions,
  type GuardMethods,
  type RoutePolicy,
  misuse,
} from '@tokenward/core/adapter';
import { view, type RpcAuthorization } from '../call/carrier.js';
import { authIn, isContext } from './current-auth.js';
import { handlerOf, type MessageHandler } from './messages.js';
import { middlewareFor, type MetadataMiddleware } from './metadata.js';
import { refuseFrom } from '../answer/refusing.js';

export interface NestGuardOptions extends Omit<AdapterOptions<[context: ExecutionContext]>, 'name'> {
  /** Leaves handlers without a decorator of ours open, instead of requiring a valid token. For an application that you migrate step by step. */
  readonly leaveUnmarkedHandlersOpen?: boolean | undefined;
  /** Logs every handler with its requirements at start-up. Default: false. */
  readonly printHandlers?: boolean | undefined;
  /**
   * Returns the `Authorization` value of a microservice's message, for transports that do not carry it in the packet's metadata: from a gRPC
   * `Metadata`, or from a header of NATS, Kafka or RabbitMQ.
   */
  readonly rpcAuthorization?: RpcAuthorization | undefined;
  /**
   * The name of the security scheme in the OpenAPI document. Default: the only scheme for tokens that the `DocumentBuilder` has, whatever its name, else
   * `oauth2`.
   */
  readonly openApiScheme?: string | undefined;
}

/** A guard for other providers: `@Inject(guardToken())`. `C` is the type of its claims. */
export interface NestGuard<C extends object = AppClaims> extends GuardMethods<MessageHandler, ExecutionContext | object, C> {
  /**
   * Decides on a request and answers nothing: for the `upgrade` of a WebSocket, for middleware, and for servers beside Nest. It takes a request of
   * Express, Fastify or Node.
   *
   * @example server.on('upgrade', async (request, socket) => { const decision = await guard.check(request, scope('feed')); ... });
   */
  check(request: object, ...policies: readonly RoutePolicy<object>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Returns middleware of Express, which Fastify runs as well, that serves the metadata of this API (RFC 9728). Pass it to `app.use` before anything else.
   * Anybody may read the metadata. Challenges name its address from now on.
   *
   * @example app.use(app.get<NestGuard>(guardToken()).metadata());
   */
  metadata(): MetadataMiddleware;
  /**
   * Answers a refusal of `permit` or `check` as the guard answers its own: by `onDenied` if the guard has it, else by an exception.
   *
   * @param from the handler's `ExecutionContext`, or the request that the guard admitted to it
   * @example if (decision.outcome === 'deny') return this.guard.refuse(decision, request);
   */
  refuse(decision: Deny, from: ExecutionContext | object): Promise<never>;
}

/** One named guard. */
export interface Engine extends NestGuard {
  /** @param isStep whether further challenges for the request name this policy, too. Default: true */
  decide(request: object, requirements: RouteRequirements, isStep?: boolean): Decision | Promise<Decision>;
  /** Decides early, before {@link decide}: remembers nothing and publishes no event. */
  foresee(request: object, requirements: RouteRequirements): Decision | Promise<Decision>;
  refused(decision: Deny, context: ExecutionContext): void;
  /** Makes the metadata offer the scopes of a handler's policy. */
  offer(policy: Policy): void;
  close(): Promise<void>;
  readonly leaveUnmarkedHandlersOpen: boolean;
  readonly printHandlers: boolean;
  /** undefined: that of the document. */
  readonly openApiScheme: string | undefined;
  readonly onDenied: NestGuardOptions['onDenied'];
  readonly rpcAuthorization: RpcAuthorization | undefined;
}

/**
 * Creates one guard.
 *
 * @param name its name in events
 * @param createGuard creates the guard that decides. Default: one that verifies tokens
 * @throws ConfigurationError that lists all invalid options
 */
export function createEngine(options: NestGuardOptions, name?: string, createGuard?: (options: GuardOptions) => ResourceGuard): Engine {
  if (options === undefined || options === null) {
    throw misuse('TokenwardModule.forRootAsync', `got ${String(options)} from its factory. Return the options from it: ({ issuer, audience })`);
  }
  const { leaveUnmarkedHandlersOpen, printHandlers, rpcAuthorization, openApiScheme, ...ofGuard } = plainOptions(options);
  const reader = new OptionReader({ leaveUnmarkedHandlersOpen, printHandlers, rpcAuthorization, openApiScheme }, OWN_OPTIONS);
  reader.flag('leaveUnmarkedHandlersOpen');
  reader.flag('printHandlers');
  reader.fn('rpcAuthorization');
  reader.text('openApiScheme', 'oauth2');
  if ('name' in ofGuard)
    reader.wrong('name', 'is among the options that the factory returns. Write it next to the factory: forRootAsync({ name, useFactory })');
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  const guard = createNativeGuard<object, [ExecutionContext]>({ ...ofGuard, name }, view, undefined, OWN_OPTIONS, createGuard);
  return {
    ...guard,
    ...guard.methods(handlerOf),
    getAuth: ((from, optional) => (isContext(from) ? authIn(from, optional, name) : guard.getAuth(from, optional))) as NestGuard['getAuth'],
    check: (request, ...policies) => guard.check(request, policies),
    metadata: () => middlewareFor(guard.metadata()),
    async refuse(decision, from) {
      assertDenial(decision);
      return refuseFrom(decision, from, guard);
    },
    leaveUnmarkedHandlersOpen: leaveUnmarkedHandlersOpen === true,
    printHandlers: printHandlers === true,
    openApiScheme,
    rpcAuthorization,
  };
}

export const OWN_OPTIONS = ['leaveUnmarkedHandlersOpen', 'printHandlers', 'rpcAuthorization', 'openApiScheme'] satisfies readonly (keyof NestGuardOptions)[];
