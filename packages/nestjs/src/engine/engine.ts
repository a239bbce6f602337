import type { ExecutionContext } from '@nestjs/common';
import {
  ConfigurationError,
  type AppClaims,
  type Auth,
  type RouteRequirements,
  type Decision,
  type Deny,
  type GuardOptions,
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
import { refuseFrom } from '../answer/refusing.js';

export interface NestGuardOptions extends Omit<AdapterOptions<[context: ExecutionContext]>, 'name'> {
  /** Handlers without any decorator of ours are open, instead of needing a valid token. For an application that is moved over step by step. */
  readonly leaveUnmarkedHandlersOpen?: boolean | undefined;
  /** Prints, at start, every handler with what it needs. Default: false. */
  readonly printHandlers?: boolean | undefined;
  /**
   * Where a microservice's message carries its `Authorization` value, for transports in which it is not the packet's metadata: a gRPC
   * `Metadata`, a header of NATS, Kafka or RabbitMQ.
   */
  readonly rpcAuthorization?: RpcAuthorization | undefined;
  /** The name of the security scheme in the OpenAPI document (`DocumentBuilder.addOAuth2`). Default: `oauth2`. */
  readonly openApiScheme?: string | undefined;
}

/** A guard as other providers see it: `@Inject(guardToken())`. `C` is the type of the claims that it finds. */
export interface NestGuard<C extends object = AppClaims> extends GuardMethods<MessageHandler, ExecutionContext | object, C> {
  /**
   * Decides on a request, and answers nothing: for the `upgrade` of a WebSocket, middleware and servers beside Nest. It takes Express' request,
   * Fastify's, or Node's own.
   *
   * @example server.on('upgrade', async (request, socket) => { const decision = await guard.check(request, scope('feed')); ... });
   */
  check(request: object, ...policies: readonly RoutePolicy<object>[]): Decision<Auth<C>> | Promise<Decision<Auth<C>>>;
  /**
   * Answers a refusal, of `permit` or `check`, as the guard answers its own: by `onDenied`, where that is given, else by an exception.
   *
   * @param from the handler's `ExecutionContext`, or the request that the guard admitted to it
   * @example if (decision.outcome === 'deny') return this.guard.refuse(decision, request);
   */
  refuse(decision: Deny, from: ExecutionContext | object): Promise<never>;
}

/** One named guard. */
export interface Engine extends NestGuard {
  decide(request: object, access: RouteRequirements): Decision | Promise<Decision>;
  /** Decides ahead of {@link decide}, which is asked later: nothing is remembered, and nobody is told. */
  foresee(request: object, access: RouteRequirements): Decision | Promise<Decision>;
  refused(decision: Deny, context: ExecutionContext): void;
  close(): Promise<void>;
  readonly leaveUnmarkedHandlersOpen: boolean;
  readonly printHandlers: boolean;
  readonly openApiScheme: string;
  readonly onDenied: NestGuardOptions['onDenied'];
  readonly rpcAuthorization: RpcAuthorization | undefined;
}

/**
 * Makes one guard.
 *
 * @param name what events call it
 * @param createGuard makes the guard that decides. Default: one that looks at tokens
 * @throws ConfigurationError that lists all that is wrong with the options
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
  const scheme = reader.text('openApiScheme', 'oauth2');
  if ('name' in ofGuard) reader.wrong('name', 'stands in what the factory returns: it belongs beside the factory, forRootAsync({ name, useFactory })');
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  const guard = createNativeGuard<object, [ExecutionContext]>({ ...ofGuard, name }, view, undefined, OWN_OPTIONS, createGuard);
  return {
    ...guard,
    ...guard.methods(handlerOf),
    getAuth: ((from, optional) => (isContext(from) ? authIn(from, optional, name) : guard.getAuth(from, optional))) as NestGuard['getAuth'],
    check: (request, ...policies) => guard.check(request, policies),
    async refuse(decision, from) {
      assertDenial(decision);
      return refuseFrom(decision, from, guard);
    },
    leaveUnmarkedHandlersOpen: leaveUnmarkedHandlersOpen === true,
    printHandlers: printHandlers === true,
    openApiScheme: scheme,
    rpcAuthorization,
  };
}

export const OWN_OPTIONS = ['leaveUnmarkedHandlersOpen', 'printHandlers', 'rpcAuthorization', 'openApiScheme'] satisfies readonly (keyof NestGuardOptions)[];
