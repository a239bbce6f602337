/**
 * For tests of an application's own handlers: every call is from whom the test says, and no token is looked at.
 *
 * @module
 */
import { Inject, Module, Optional, type DynamicModule } from '@nestjs/common';
import { APP_GUARD, ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { ConfigurationError, createResourceGuard, type Access, type Auth, type Claims, type Decision } from '@tokenward/core';
import { rememberAuth } from '@tokenward/core/adapter';
import { TokenwardGuard } from './guard.js';
import type { Engine } from './engine.js';
import { GUARDS, Guards, guardToken } from './guards.js';
import { handlerOf } from './messages.js';
import { assertGuards } from './misuse.js';
import { DEFAULT_GUARD } from './rule.js';

/** Whom calls are from. What is absent is empty, or a plain value. */
export type TestAuth = Partial<Auth<Record<string, unknown>>>;

/** One for all calls, or for each call anew; undefined is nobody. */
export type Who = TestAuth | (() => TestAuth | undefined);

refuseInProduction();

/**
 * Stands in for `TokenwardModule` where a test makes a module of single controllers, resolvers or gateways. What handlers need is still asked for.
 *
 * @example
 * const module = await Test.createTestingModule({
 *   imports: [TokenwardTestingModule.as({ subject: 'user-1', scopes: ['orders:read'] })],
 *   controllers: [OrdersController],
 * }).compile();
 */
@Module({})
export class TokenwardTestingModule {
  /** @throws ConfigurationError where `as` was not called, so that every handler would be open */
  constructor(@Optional() @Inject(GUARDS) guards?: object) {
    assertGuards('TokenwardTestingModule', guards, "imports: [TokenwardTestingModule.as({ subject: 'user-1' })]");
  }

  /**
   * @param names of further guards, for providers that inject them by `guardToken(name)`
   * @throws ConfigurationError where `NODE_ENV` is `production`
   */
  static as(who: Who, ...names: readonly string[]): DynamicModule {
    refuseInProduction();
    const guards = [DEFAULT_GUARD, ...names].map((name) => ({ provide: guardToken(name), inject: [GUARDS], useFactory: (all: Guards) => all.get(name) }));
    return {
      module: TokenwardTestingModule,
      global: true,
      providers: [{ provide: GUARDS, ...testGuards(who) }, TokenwardGuard, { provide: APP_GUARD, useExisting: TokenwardGuard }, ...guards],
      exports: [GUARDS, ...guards.map(({ provide }) => provide)],
    };
  }
}

/** The builder that `Test.createTestingModule` gives. */
interface Overridable<B> {
  overrideProvider(token: unknown): { useFactory(options: { factory: (...given: never[]) => unknown; inject: unknown[] }): B };
}

/**
 * Has the calls of a whole application be from whom the test says; of its own `TokenwardModule` not even the options are looked at.
 *
 * @throws ConfigurationError where `NODE_ENV` is `production`
 *
 * @example const module = await runAs(Test.createTestingModule({ imports: [AppModule] }), { subject: 'user-1' }).compile();
 */
export function runAs<B>(builder: Overridable<B>, who: Who): B {
  refuseInProduction();
  const { useFactory, inject } = testGuards(who);
  return builder.overrideProvider(GUARDS).useFactory({ factory: useFactory, inject });
}

function testGuards(who: Who) {
  return {
    inject: [ModulesContainer, ApplicationConfig, HttpAdapterHost],
    useFactory: (modules: ModulesContainer, config: ApplicationConfig, adapterHost: HttpAdapterHost): Guards =>
      new TestGuards(modules, config, adapterHost, createTestEngine(who)),
  };
}

/** Has one engine under every name. */
class TestGuards extends Guards {
  readonly #engine: Engine;

  constructor(modules: ModulesContainer, config: ApplicationConfig, adapterHost: HttpAdapterHost, engine: Engine) {
    super(modules, config, adapterHost);
    this.#engine = engine;
  }

  override async onModuleInit(): Promise<void> {
    await this.prepare(this.#engine);
    await super.onModuleInit();
  }

  override async add(): Promise<Engine> {
    return this.#engine;
  }

  override has(): boolean {
    return true;
  }

  override get(): Engine {
    return this.#engine;
  }
}

function createTestEngine(who: Who): Engine {
  const { check, permit, warm, health, revocations, backchannelLogout, sharedSignals, close } = createResourceGuard({
    issuer: 'https://issuer.test',
    audience: 'https://api.test',
  });

  function decide(request: object, access: Access): Decision | Promise<Decision> {
    const wished = typeof who === 'function' ? who() : who;
    const auth = wished && testAuth(wished);
    const decision: Decision | Promise<Decision> = !auth
      ? check({ method: 'GET', target: '/', headers: {} }, access)
      : access.policy
        ? permit(auth, access.policy)
        : { outcome: 'allow', auth, headers: {} };
    if (!(decision instanceof Promise) && decision.outcome === 'allow') {
      rememberAuth(request, decision.auth);
      Reflect.set(request, 'auth', decision.auth);
    }
    return decision;
  }

  return {
    decide,
    adopt: (_request, _access, decision) => decision,
    permit,
    warm,
    health,
    revocations,
    backchannelLogout: (given) => handlerOf(backchannelLogout(given)),
    sharedSignals: (given) => handlerOf(sharedSignals(given)),
    close,
    leaveUnmarkedHandlersOpen: false,
    printHandlers: false,
    openApiScheme: 'oauth2',
    onDenied: undefined,
    rpcAuthorization: undefined,
  };
}

function testAuth({ claims, ...wished }: TestAuth): Auth {
  const iat = Math.floor(Date.now() / 1000);
  const issuer = 'https://issuer.test';
  const exp = iat + 3600;
  return Object.freeze({
    issuer,
    subject: 'test-user',
    clientId: 'test-client',
    audience: ['https://api.test'],
    scopes: [],
    roles: [],
    claims: Object.freeze({ iss: issuer, iat, exp, ...claims }) as Claims,
    issuedAt: iat,
    expiresAt: exp,
    tokenId: undefined,
    sessionId: undefined,
    actor: undefined,
    signal: new AbortController().signal,
    ...wished,
  });
}

function refuseInProduction(): void {
  if (process.env['NODE_ENV'] !== 'production') return;
  throw new ConfigurationError([
    { path: '@tokenward/nestjs/testing', message: 'admits everybody without a token: it does not load where NODE_ENV is "production"' },
  ]);
}
