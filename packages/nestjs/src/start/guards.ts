import { authOf, misuse, requirementsOf } from '@tokenward/core/adapter';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { ConfigurationError, type ConfigurationProblem } from '@tokenward/core';
import { problemsOf, problemsOfFields, problemsOfHybrid, problemsOfImports, problemsOfSockets } from './audit.js';
import { loadExceptions } from '../answer/denial.js';
import { createEngine, type Engine, type NestGuard, type NestGuardOptions } from '../engine/engine.js';
import { findGateways, findHandlers, findStandIns, type Handler } from '../rules/handlers.js';
import { describeHandler, lineOf, type HandlerDescription } from './list.js';
import { describeInOpenApi } from './open-api.js';
import { DEFAULT_GUARD, rememberStandIn, ruleOfClass } from '../rules/rule.js';
import { endWithToken, guardHandshakes, type GuardedSockets, type Handshake, type Place } from '../engine/sockets.js';
import { admitSecurityEvents } from '../engine/messages.js';
import { leaveRefusedBodiesUnread } from '../engine/uploads.js';

/** The token of {@link Guards}. */
export const GUARDS = Symbol.for('tokenward.guards');

/** Everything that one application guards: its handlers, and the guards that decide on them, by name. */
@Injectable()
export class Guards implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #engines = new Map<string, Engine>();
  readonly #modules: ModulesContainer;
  readonly #adapterHost: HttpAdapterHost;
  readonly #config: ApplicationConfig;
  readonly #sockets: GuardedSockets;
  #handlers: readonly Handler[];
  #starts = 0;
  #receivesEvents = false;

  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(ApplicationConfig) config: ApplicationConfig,
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
  ) {
    this.#modules = modules;
    this.#config = config;
    this.#adapterHost = adapterHost;
    this.#handlers = findHandlers(modules, config);
    refuseToStart([...problemsOfImports(modules, GUARDS), ...problemsOf(this.#handlers, modules), ...this.#problemsOfHybrid()]);
    this.#sockets = guardHandshakes(config, (places) => this.#handshakeAt(places));
    if (adapterHost.httpAdapter) this.#leaveRefusedBodiesUnread();
  }

  /** Adds a guard. What its handlers need is told to OpenAPI, where that is installed. */
  async add(name: string, options: NestGuardOptions): Promise<NestGuard> {
    if (this.#engines.has(name)) refuseToStart([{ path: 'TokenwardModule', message: `is there twice for the guard "${name}": give one of them a name` }]);
    const engine = this.#admitting(this.createEngine(options, name));
    this.#engines.set(name, engine);
    await loadExceptions(new Set(this.#handlers.map(({ kind }) => kind)));
    const ofHttp = this.#handlers.filter(({ kind }) => kind === 'http');
    await describeInOpenApi(ofHttp, name, engine);
    return engine;
  }

  protected createEngine(options: NestGuardOptions, name: string): Engine {
    return createEngine(options, name);
  }

  /** A receiver of security events is made by a provider, which may be before Nest learns of its HTTP adapter. */
  #admitting(engine: Engine): Engine {
    return {
      ...engine,
      sharedSignals: (options) => {
        this.#receivesEvents = true;
        if (this.#adapterHost.httpAdapter) admitSecurityEvents(this.#adapterHost.httpAdapter);
        return engine.sharedSignals(options);
      },
    };
  }

  has(name: string): boolean {
    return this.#engines.has(name);
  }

  /** @throws ConfigurationError where there is no guard of that name: nobody is admitted by it */
  get(name: string): Engine {
    const engine = this.#engines.get(name);
    if (!engine) throw misuse(`guard "${name}"`, `is not there: ${nameIt(name)}`);
    return engine;
  }

  /** Every handler of the application with what it needs. */
  list(): HandlerDescription[] {
    return findHandlers(this.#modules, this.#config).map((handler) => describeHandler(handler, this.get(handler.rule.guard)));
  }

  /** What depends on a request is made for each, and not at the start. */
  #isPerRequest(name: string): boolean {
    const provided = [...this.#modules.values()].map(({ providers }) => providers.get(guardToken(name)));
    return provided.some((wrapper) => wrapper?.isDependencyTreeStatic() === false);
  }

  onModuleInit(): void | Promise<void> {
    this.#handlers = findHandlers(this.#modules, this.#config);
    this.#starts++;
    if (this.#receivesEvents && this.#adapterHost.httpAdapter) admitSecurityEvents(this.#adapterHost.httpAdapter);
    const nameless = [...new Set(this.#handlers.map(({ rule }) => rule.guard))].filter((name) => !this.has(name));
    refuseToStart([
      ...nameless.map((name) => ({
        path: this.#handlers.find(({ rule }) => rule.guard === name)!.name,
        message: `needs the guard "${name}": ${this.#isPerRequest(name) ? ONCE : nameIt(name)}`,
      })),
      ...problemsOf(this.#handlers, this.#modules),
      ...this.#problemsOfHybrid(),
      ...problemsOfSockets(findGateways(this.#modules), this.#sockets, this.#starts),
      ...problemsOfFields(this.#handlers, this.#modules),
    ]);
    if (![...this.#engines.values()].some(({ printHandlers }) => printHandlers)) return;
    const logger = new Logger('Tokenward');
    for (const handler of this.list()) logger.log(lineOf(handler));
  }

  /** When whatever wraps handlers has done so. */
  onApplicationBootstrap(): void {
    for (const { handler, standIn } of findStandIns(this.#modules, this.#handlers)) rememberStandIn(handler.owner, handler.key, standIn);
  }

  async onModuleDestroy(): Promise<void> {
    for (const engine of this.#engines.values()) await engine.close();
  }

  #leaveRefusedBodiesUnread(): void {
    const handlers = this.#handlers.filter(({ kind }) => kind === 'http');
    leaveRefusedBodiesUnread(this.#adapterHost.httpAdapter, handlers, ({ access, guard, marked }) => {
      if (!access || !this.has(guard)) return undefined;
      const engine = this.get(guard);
      return !marked && engine.leaveUnmarkedHandlersOpen ? undefined : engine;
    });
  }

  /** In tests Nest learns of its HTTP adapter only after the providers were made. */
  #problemsOfHybrid(): ConfigurationProblem[] {
    return this.#adapterHost.httpAdapter ? problemsOfHybrid(this.#handlers) : [];
  }

  /** What those who connect need: what all classes of gateways need that listen there. */
  #handshakeAt(places: readonly Place[]): Handshake | undefined {
    const here = findGateways(this.#modules).filter((gateway) => places.some((place) => isSamePlace(placeOf(gateway), place)));
    const rules = here.map(ruleOfClass).filter(({ access, guard, marked }) => access && (marked || !this.get(guard).leaveUnmarkedHandlersOpen));
    if (rules.length === 0) return undefined;
    const names = new Set(rules.map(({ guard }) => guard));
    if (names.size > 1) {
      refuseToStart([
        { path: here.map(({ name }) => name).join(', '), message: `share one socket and are @GuardedBy() several guards: ${[...names].join(', ')}` },
      ]);
    }
    const engine = this.get(rules[0]!.guard);
    const asked = rules.every(({ access }) => access!.credentials === 'optional') ? 'optional' : 'required';
    const policiesFor = (request: object) => rules.flatMap((rule) => rule.requirementsFor(request).policy ?? []);
    return {
      decide: (request) => engine.decide(request, requirementsOf(asked, policiesFor(request))),
      watch(request, socket) {
        const auth = authOf(request, 'optional');
        if (auth) endWithToken(request, socket, auth);
      },
    };
  }
}

function placeOf(gateway: object): Place {
  const { path, namespace } = (Reflect.getMetadata('websockets:gateway_options', gateway) ?? {}) as Partial<Place>;
  return { port: (Reflect.getMetadata('port', gateway) as number | undefined) ?? 0, path, namespace };
}

/** An adapter may have made a server in a way of its own: what any gateway needs is needed there. */
function isSamePlace(one: Place, other: Place): boolean {
  if (other.port === undefined) return true;
  return one.port === other.port && one.path === other.path && slashed(one.namespace) === slashed(other.namespace);
}

function slashed(namespace: unknown): unknown {
  if (namespace === undefined || namespace === '' || namespace === '/') return undefined;
  return typeof namespace === 'string' && !namespace.startsWith('/') ? `/${namespace}` : namespace;
}

const ONCE = 'its options depend on the request, but are read once, at the start: inject only what is no request-scoped provider';

/** The token by which a guard is injected: `@Inject(guardToken()) guard: NestGuard`. */
export function guardToken(name: string = DEFAULT_GUARD): string {
  return `tokenward.guard.${name}`;
}

function nameIt(name: string): string {
  return name === DEFAULT_GUARD
    ? 'add TokenwardModule.forRoot(...) without a name to the imports, or put @GuardedBy(...) on the handler'
    : `add TokenwardModule.forRoot({ name: '${name}', ... }) to the imports`;
}

function refuseToStart(problems: readonly ConfigurationProblem[]): void {
  if (problems.length > 0) throw new ConfigurationError([...problems]);
}
