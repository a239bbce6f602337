import { authOf, misuse, requirementsOf } from '@tokenward/core/adapter';
import { Inject, Injectable, Logger, type INestApplicationContext, type OnApplicationBootstrap, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { ConfigurationError, type ConfigurationProblem } from '@tokenward/core';
import { problemsOf, problemsOfFields, problemsOfGateways, problemsOfHybrid, problemsOfImports, problemsOfSockets } from './audit.js';
import { loadExceptions } from '../answer/denial.js';
import { createEngine, type Engine, type NestGuard, type NestGuardOptions } from '../engine/engine.js';
import { findGateways, findHandlers, findStandIns, type Handler } from '../rules/handlers.js';
import { httpRuleOf, type HttpRule } from './http-rules.js';
import { describeHandler, lineOf, type HandlerDescription } from './list.js';
import { describeInOpenApi, type DocumentedApplication } from './open-api.js';
import { sharingOf } from './shared-operations.js';
import { requireTokens } from './open-api-marks.js';
import { DEFAULT_GUARD, rememberStandIn, ruleOfClass } from '../rules/rule.js';
import { endWithToken, guardHandshakes, type GuardedSockets, type Handshake, type Place } from '../engine/sockets.js';
import { admitSecurityEvents } from '../engine/messages.js';
import { leaveRefusedBodiesUnread, markPlaces } from '../engine/uploads.js';

/** The injection token of {@link Guards}. */
export const GUARDS = Symbol.for('tokenward.guards');

/** The handlers of one application, and the guards that decide for them, by name. */
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
    refuseToStart([
      ...problemsOfImports(modules, GUARDS),
      ...problemsOf(this.#handlers, modules),
      ...this.#problemsOfHybrid(),
      ...problemsOfGateways(this.#handlers, modules, config),
    ]);
    this.#sockets = guardHandshakes(config, (places) => this.#handshakeAt(places));
    // in tests, Nest gets its HTTP adapter only after the providers were created
    markPlaces(this.#handlers.filter(({ kind }) => kind === 'http'));
    if (adapterHost.httpAdapter) this.#leaveRefusedBodiesUnread();
  }

  /** Adds a guard, and describes its handlers in OpenAPI if that is installed. */
  async add(name: string, options: NestGuardOptions): Promise<NestGuard> {
    if (this.#engines.has(name))
      refuseToStart([{ path: 'TokenwardModule', message: `is imported twice for the guard "${name}". Give one of them another name` }]);
    const engine = this.#acceptingEvents(this.createEngine(options, name));
    this.#engines.set(name, engine);
    await loadExceptions(new Set(this.#handlers.map(({ kind }) => kind)));
    await this.#describeInOpenApi();
    return engine;
  }

  async #describeInOpenApi(): Promise<void> {
    await describeInOpenApi((app) => registryOf(app)?.documented());
    const isOpen = ({ rule }: Handler): boolean => !rule.requirements || (!rule.marked && this.#engines.get(rule.guard)?.leaveUnmarkedHandlersOpen === true);
    const { handlers } = this.documented();
    requireTokens(handlers, isOpen, (guard) => this.#engines.get(guard)?.openApiScheme ?? 'oauth2');
  }

  /** Returns what OpenAPI documents describe. */
  documented(): DocumentedApplication {
    const handlers = findHandlers(this.#modules, this.#config).filter(({ kind }) => kind === 'http');
    return { handlers, engines: this.#engines, sharing: sharingOf(handlers, this.#config) };
  }

  protected createEngine(options: NestGuardOptions, name: string): Engine {
    return createEngine(options, name);
  }

  /** Makes the HTTP adapter accept security events once a receiver is created: here, or at start-up if Nest has no adapter yet. */
  #acceptingEvents(engine: Engine): Engine {
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

  /** @throws ConfigurationError if there is no guard of that name */
  get(name: string): Engine {
    const engine = this.#engines.get(name);
    if (!engine) throw misuse(`guard "${name}"`, `does not exist. ${howToAdd(name)}`);
    return engine;
  }

  /** Returns every handler of the application with its requirements. */
  list(): HandlerDescription[] {
    return findHandlers(this.#modules, this.#config).map((handler) => describeHandler(handler, this.get(handler.rule.guard)));
  }

  /** Returns the HTTP handlers with what their guards demand, for `listRoutes` of `@tokenward/testing/routes`. */
  httpRules(): HttpRule[] {
    return this.documented().handlers.map((handler) => httpRuleOf(handler, this.get(handler.rule.guard)));
  }

  /** Returns whether the guard's options depend on a request-scoped provider: Nest then creates the guard for each request, not at start-up. */
  #isPerRequest(name: string): boolean {
    const provided = [...this.#modules.values()].map(({ providers }) => providers.get(guardToken(name)));
    return provided.some((wrapper) => wrapper?.isDependencyTreeStatic() === false);
  }

  onModuleInit(): void | Promise<void> {
    this.#handlers = findHandlers(this.#modules, this.#config);
    this.#starts++;
    if (this.#receivesEvents && this.#adapterHost.httpAdapter) admitSecurityEvents(this.#adapterHost.httpAdapter);
    const missing = [...new Set(this.#handlers.map(({ rule }) => rule.guard))].filter((name) => !this.has(name));
    refuseToStart([
      ...missing.map((name) => ({
        path: this.#handlers.find(({ rule }) => rule.guard === name)!.name,
        message: `names the guard "${name}", which does not exist. ${this.#isPerRequest(name) ? ONCE : howToAdd(name)}`,
      })),
      ...problemsOf(this.#handlers, this.#modules),
      ...this.#problemsOfHybrid(),
      ...problemsOfSockets(findGateways(this.#modules), this.#sockets, this.#starts),
      ...problemsOfFields(this.#handlers, this.#modules),
      ...problemsOfGateways(this.#handlers, this.#modules, this.#config),
    ]);
    for (const { rule } of this.#handlers) if (rule.requirements?.policy) this.get(rule.guard).offer(rule.requirements.policy);
    if (![...this.#engines.values()].some(({ printHandlers }) => printHandlers)) return;
    const logger = new Logger('Tokenward');
    for (const handler of this.list()) logger.log(lineOf(handler));
  }

  /** Runs when everything that wraps handlers has done so. */
  onApplicationBootstrap(): void {
    for (const { handler, standIn } of findStandIns(this.#modules, this.#handlers)) rememberStandIn(handler.owner, handler.key, standIn);
  }

  async onModuleDestroy(): Promise<void> {
    for (const engine of this.#engines.values()) await engine.close();
  }

  #leaveRefusedBodiesUnread(): void {
    leaveRefusedBodiesUnread(this.#adapterHost.httpAdapter, ({ requirements, guard, marked }) => {
      if (!requirements || !this.has(guard)) return undefined;
      const engine = this.get(guard);
      return !marked && engine.leaveUnmarkedHandlersOpen ? undefined : engine;
    });
  }

  /** In tests, Nest gets its HTTP adapter only after the providers were created. */
  #problemsOfHybrid(): ConfigurationProblem[] {
    return this.#adapterHost.httpAdapter ? problemsOfHybrid(this.#handlers, this.#modules) : [];
  }

  /** Returns the requirements of a handshake: those of all gateway classes that listen there. */
  #handshakeAt(places: readonly Place[]): Handshake | undefined {
    const here = findGateways(this.#modules).filter((gateway) => places.some((place) => isSamePlace(placeOf(gateway), place)));
    const rules = here.map(ruleOfClass).filter(({ requirements, guard, marked }) => requirements && (marked || !this.get(guard).leaveUnmarkedHandlersOpen));
    if (rules.length === 0) return undefined;
    const names = new Set(rules.map(({ guard }) => guard));
    if (names.size > 1) {
      refuseToStart([
        {
          path: here.map(({ name }) => name).join(', '),
          message: `share one socket but are @GuardedBy() different guards: ${[...names].join(', ')}. Name one guard for all of them`,
        },
      ]);
    }
    const engine = this.get(rules[0]!.guard);
    const credentials = rules.every(({ requirements }) => requirements!.credentials === 'optional') ? 'optional' : 'required';
    const policiesFor = (request: object) => rules.flatMap((rule) => rule.requirementsFor(request).policy ?? []);
    return {
      decide: (request) => engine.decide(request, requirementsOf(credentials, policiesFor(request))),
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

/** If an adapter created a server at an unknown place, the requirements of every gateway apply to it. */
function isSamePlace(one: Place, other: Place): boolean {
  if (other.port === undefined) return true;
  return one.port === other.port && one.path === other.path && slashed(one.namespace) === slashed(other.namespace);
}

function slashed(namespace: unknown): unknown {
  if (namespace === undefined || namespace === '' || namespace === '/') return undefined;
  return typeof namespace === 'string' && !namespace.startsWith('/') ? `/${namespace}` : namespace;
}

const ONCE = 'Its options depend on the request, but they are read once, at start-up: inject no request-scoped provider';

/** Returns the injection token of a guard: `@Inject(guardToken()) guard: NestGuard`. */
export function guardToken(name: string = DEFAULT_GUARD): string {
  return `tokenward.guard.${name}`;
}

function howToAdd(name: string): string {
  return name === DEFAULT_GUARD
    ? 'Add TokenwardModule.forRoot(...) without a name to the imports, or put @GuardedBy(...) on the handler'
    : `Add TokenwardModule.forRoot({ name: '${name}', ... }) to the imports`;
}

function refuseToStart(problems: readonly ConfigurationProblem[]): void {
  if (problems.length > 0) throw new ConfigurationError([...problems]);
}

/** Returns the registry of an application; undefined if it has no guard. */
function registryOf(app: object): Guards | undefined {
  try {
    return (app as INestApplicationContext).get<Guards>(GUARDS, { strict: false });
  } catch {
    return undefined;
  }
}
