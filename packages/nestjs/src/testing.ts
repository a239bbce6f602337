/**
 * For tests of an application's own handlers: the test sets the caller, and no token is read.
 *
 * @module
 */
import { didYouMean, isProduction, misuse } from '@tokenward/core/adapter';
import { Inject, Module, Optional, type DynamicModule } from '@nestjs/common';
import { APP_GUARD, ApplicationConfig, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import {
  createResourceGuard,
  policy,
  type RouteRequirements,
  type Auth,
  type Claims,
  type Decision,
  type GuardOptions,
  type ProtectedRequest,
  type ResourceGuard,
} from '@tokenward/core';
import { TokenwardGuard } from './guard.js';
import { createEngine, OWN_OPTIONS, type Engine, type NestGuardOptions } from './engine/engine.js';
import { GUARDS, Guards, guardToken } from './start/guards.js';
import { assertGuards } from './start/misuse.js';
import { DEFAULT_GUARD } from './rules/rule.js';

/** The caller. Members that are left out are empty or have a simple default. */
export type TestAuth = Partial<Auth<Record<string, unknown>>>;

/** One caller for all calls, or a function that returns the caller of each call: undefined for none. */
export type Who = TestAuth | (() => TestAuth | undefined);

refuseInProduction();

/**
 * Replaces `TokenwardModule` in a test of single controllers, resolvers or gateways. The requirements of handlers still apply. For an application with its own
 * `TokenwardModule`, use `actAs` of `@tokenward/testing`, or {@link runAs}.
 *
 * @example
 * const module = await Test.createTestingModule({
 *   imports: [TokenwardTestingModule.as({ subject: 'user-1', scopes: ['orders:read'] })],
 *   controllers: [OrdersController],
 * }).compile();
 */
@Module({})
export class TokenwardTestingModule {
  /** @throws ConfigurationError if `as` was not called: every handler would be open */
  constructor(@Optional() @Inject(GUARDS) guards?: object) {
    assertGuards('TokenwardTestingModule', guards, "imports: [TokenwardTestingModule.as({ subject: 'user-1' })]");
  }

  /**
   * @param given options of the guard, such as `property` and `onDenied`, and the names of further guards, for providers that inject them by
   *   `guardToken(name)`
   * @throws ConfigurationError if `NODE_ENV` is `production`
   */
  static as(who: Who, ...given: readonly (string | TestGuardOptions)[]): DynamicModule {
    refuseInProduction();
    assertCaller(who);
    const options = Object.assign({}, ...given.filter((one) => typeof one !== 'string')) as TestGuardOptions;
    const guards = [DEFAULT_GUARD, ...given.filter((one) => typeof one === 'string')].map((name) => ({
      provide: guardToken(name),
      inject: [GUARDS],
      useFactory: (all: Guards) => all.add(name, options),
    }));
    return {
      module: TokenwardTestingModule,
      global: true,
      providers: [{ provide: GUARDS, ...testGuards(who, 'any') }, TokenwardGuard, { provide: APP_GUARD, useExisting: TokenwardGuard }, ...guards],
      exports: [GUARDS, ...guards.map(({ provide }) => provide)],
    };
  }
}

/** The builder that `Test.createTestingModule` returns. */
interface Overridable<B> {
  overrideProvider(token: unknown): { useFactory(options: { factory: (...given: never[]) => unknown; inject: unknown[] }): B };
}

/**
 * Sets the caller in a test of a whole application, and reads no token. If the test can send a header, prefer `actAs` of `@tokenward/testing`, which keeps the
 * application's options about tokens. Here the options of its own `TokenwardModule` that shape answers still apply (`property`, `onDenied` and the
 * like), and those about tokens do not.
 *
 * @throws ConfigurationError if `NODE_ENV` is `production`
 *
 * @example const module = await runAs(Test.createTestingModule({ imports: [AppModule] }), { subject: 'user-1' }).compile();
 */
export function runAs<B>(builder: Overridable<B>, who: Who): B {
  refuseInProduction();
  assertCaller(who);
  const { useFactory, inject } = testGuards(who, 'those of the application');
  return builder.overrideProvider(GUARDS).useFactory({ factory: useFactory, inject });
}

function testGuards(who: Who, names: Names) {
  return {
    inject: [ModulesContainer, ApplicationConfig, HttpAdapterHost],
    useFactory: (modules: ModulesContainer, config: ApplicationConfig, adapterHost: HttpAdapterHost): Guards =>
      new TestGuards(modules, config, adapterHost, who, names),
  };
}

/** The guards that handlers may name. */
type Names = 'any' | 'those of the application';

/** The guards of an application in a test: they take the caller from the test, and otherwise decide as usual. */
class TestGuards extends Guards {
  readonly #who: Who;
  readonly #names: Names;

  constructor(modules: ModulesContainer, config: ApplicationConfig, adapterHost: HttpAdapterHost, who: Who, names: Names) {
    super(modules, config, adapterHost);
    this.#who = who;
    this.#names = names;
  }

  protected override createEngine(options: NestGuardOptions, name: string): Engine {
    const kept = Object.fromEntries(KEPT.flatMap((option) => (options[option] === undefined ? [] : [[option, options[option]]])));
    return createEngine({ ...kept, issuer: ISSUER, audience: AUDIENCE }, name, (given) => guardWithCaller(this.#who, given));
  }

  override has(name: string): boolean {
    return this.#names === 'any' || super.has(name);
  }

  override get(name: string): Engine {
    return super.get(super.has(name) || this.#names !== 'any' ? name : DEFAULT_GUARD);
  }
}

const ISSUER = 'https://issuer.test';
const AUDIENCE = 'https://api.test';

/** Options that shape a guard's answers, not those about the tokens that it accepts. */
const KEPT = [
  ...OWN_OPTIONS,
  'property',
  'onDenied',
  'onRefused',
  'realm',
  'resourceMetadataUrl',
  'publicOrigin',
  'metadata',
  'scopes',
  'clockSkewSeconds',
  'clock',
] as const;

/** The options of a guard that also apply in tests. */
export type TestGuardOptions = Pick<NestGuardOptions, (typeof KEPT)[number]>;

/** The policy of a handler that requires a token and nothing more. Revoked and expired tokens do not meet it. */
const ANYBODY = policy('any caller', () => true);

function guardWithCaller(who: Who, options: GuardOptions): ResourceGuard {
  const guard = createResourceGuard(options);

  function check(request: ProtectedRequest, requirements: RouteRequirements = {}): Decision | Promise<Decision> {
    const caller = typeof who === 'function' ? who() : who;
    return caller ? guard.permit(testAuth(caller), requirements.policy ?? ANYBODY, request) : guard.check(withoutCredentials(request), requirements);
  }

  return { ...guard, check };
}

/** Hides the credentials of a request: a test may send some, but they must not be read. */
function withoutCredentials(request: ProtectedRequest): ProtectedRequest {
  const headers = { ...request.headers, authorization: undefined };
  return new Proxy(request, { get: (seen, name) => (name === 'headers' ? headers : (Reflect.get(seen, name) as unknown)) });
}

const MEMBERS: readonly (keyof TestAuth)[] = [
  'subject',
  'scopes',
  'roles',
  'clientId',
  'audience',
  'claims',
  'issuer',
  'issuedAt',
  'expiresAt',
  'tokenId',
  'sessionId',
  'actor',
  'signal',
];

/** @throws ConfigurationError for a member that no `Auth` has: the test would not test what it says */
function assertCaller(who: Who): void {
  if (typeof who === 'function') return;
  for (const name of Object.keys(who)) {
    if (name === 'scope') throw misuse('who', "has scope. Write scopes, as a list: scopes: ['orders:read']");
    if (!MEMBERS.some((member) => member === name))
      throw misuse('who', `has ${name}, which no Auth has${didYouMean(name, MEMBERS)} (members: ${MEMBERS.join(', ')})`);
  }
}

function testAuth(caller: TestAuth): Auth {
  assertCaller(caller);
  const { claims, ...members } = caller;
  const iat = Math.floor(Date.now() / 1000);
  const issuer = ISSUER;
  const exp = iat + 3600;
  return Object.freeze({
    issuer,
    subject: 'test-user',
    clientId: 'test-client',
    audience: [AUDIENCE],
    scopes: [],
    roles: [],
    claims: Object.freeze({ iss: issuer, iat, exp, ...claims }) as Claims,
    issuedAt: iat,
    expiresAt: exp,
    tokenId: undefined,
    sessionId: undefined,
    actor: undefined,
    signal: new AbortController().signal,
    ...members,
  });
}

function refuseInProduction(): void {
  if (!isProduction()) return;
  throw misuse('@tokenward/nestjs/testing', 'admits every call without a token, so it does not load if NODE_ENV is "production"');
}
