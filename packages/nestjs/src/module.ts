import {
  ConfigurableModuleBuilder,
  Global,
  Inject,
  Module,
  Optional,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type INestApplicationContext,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { assertAsyncOptions, assertGuards, assertOptions } from './start/misuse.js';
import { TokenwardGuard } from './guard.js';
import type { NestGuard, NestGuardOptions } from './engine/engine.js';
import { GUARDS, Guards, guardToken } from './start/guards.js';
import type { HandlerDescription } from './start/list.js';
import { DEFAULT_GUARD } from './rules/rule.js';

/** What is told at once, and not by a factory. */
export interface NestGuardExtras {
  /** The guard's name, for @GuardedBy, where an application has several. Default: the guard of all handlers that name none. */
  readonly name?: string | undefined;
}

/** One for the whole application: the guard among Nest's global guards, and what it knows. */
@Global()
@Module({
  providers: [{ provide: GUARDS, useClass: Guards }, TokenwardGuard, { provide: APP_GUARD, useExisting: TokenwardGuard }],
  exports: [GUARDS],
})
class GuardedApplicationModule {}

const OPTIONS = Symbol('options');

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<NestGuardOptions>({ optionsInjectionToken: OPTIONS })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createGuardOptions')
  .setExtras<NestGuardExtras>({ name: DEFAULT_GUARD }, (definition, { name = DEFAULT_GUARD }) => ({
    ...definition,
    global: true,
    imports: [...(definition.imports ?? []), GuardedApplicationModule],
    providers: [
      ...(definition.providers ?? []),
      {
        provide: guardToken(name),
        inject: [OPTIONS, GUARDS],
        useFactory: (options: NestGuardOptions, guards: Guards): Promise<NestGuard> => guards.add(name, options),
      },
    ],
    exports: [guardToken(name)],
  }))
  .build();

/**
 * Guards every handler of the application, of every kind: without a decorator it needs a valid access token. Import it once for each API
 * (issuer and audience); all but one have a `name`.
 *
 * @example
 * @Module({ imports: [TokenwardModule.forRoot({ issuer: 'https://login.example.com', audience: 'https://api.example.com' })] })
 * class AppModule {}
 */
@Module({})
export class TokenwardModule extends ConfigurableModuleClass {
  /** @throws ConfigurationError where nothing in the application calls `forRoot` or `forRootAsync`, so that every handler would be open */
  constructor(@Optional() @Inject(GUARDS) guards?: object) {
    super();
    assertGuards('TokenwardModule', guards, 'imports: [TokenwardModule.forRoot({ issuer, audience })]');
  }

  /** With no options it reads `ISSUER_BASE_URL` and `AUDIENCE` from the environment. What is wrong with them stops the start. */
  static override forRoot(options: NestGuardOptions & NestGuardExtras = {}): DynamicModule {
    assertOptions('TokenwardModule.forRoot', options);
    return super.forRoot(options);
  }

  /** Options from a factory, a class with `createGuardOptions`, or an existing provider of such a class. */
  static override forRootAsync(options: ConfigurableModuleAsyncOptions<NestGuardOptions, 'createGuardOptions'> & NestGuardExtras): DynamicModule {
    assertAsyncOptions(options);
    return super.forRootAsync(options);
  }
}

/**
 * Every handler of an application with what it needs: for a start-up log, or for a test that fails when something is open that should not be.
 *
 * @example expect(listHandlers(app).filter(({ access }) => access === 'public').map(({ at }) => at)).toEqual(['GET /health']);
 */
export function listHandlers(app: INestApplicationContext): HandlerDescription[] {
  return app.get<Guards>(GUARDS, { strict: false }).list();
}
