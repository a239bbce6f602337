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

/** Options that no factory can give. */
export interface NestGuardExtras {
  /** The guard's name, for `@GuardedBy()` in an application with several guards. A guard without a name decides for all handlers that name none. */
  readonly name?: string | undefined;
}

/** Exists once per application: registers the global guard and its registry. */
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
 * Guards every handler of the application, of every kind. A handler without a decorator requires a valid access token. Import the module once for each API
 * (issuer and audience), all but one with a `name`.
 *
 * @example
 * @Module({ imports: [TokenwardModule.forRoot({ issuer: 'https://login.example.com', audience: 'https://api.example.com' })] })
 * class AppModule {}
 */
@Module({})
export class TokenwardModule extends ConfigurableModuleClass {
  /** @throws ConfigurationError if nothing in the application calls `forRoot` or `forRootAsync`: every handler would be open */
  constructor(@Optional() @Inject(GUARDS) guards?: object) {
    super();
    assertGuards('TokenwardModule', guards, 'imports: [TokenwardModule.forRoot({ issuer, audience })]');
  }

  /** Without options, reads `ISSUER_BASE_URL` and `AUDIENCE` from the environment. Invalid options stop the start. */
  static override forRoot(options: NestGuardOptions & NestGuardExtras = {}): DynamicModule {
    assertOptions('TokenwardModule.forRoot', options);
    return super.forRoot(options);
  }

  /** Takes the options from a factory, a class with `createGuardOptions`, or an existing provider of such a class. */
  static override forRootAsync(options: ConfigurableModuleAsyncOptions<NestGuardOptions, 'createGuardOptions'> & NestGuardExtras): DynamicModule {
    assertAsyncOptions(options);
    return super.forRootAsync(options);
  }
}

/**
 * Returns every handler of an application with its requirements: for a start-up log, or for a test that fails if a handler is open by mistake.
 *
 * @example expect(listHandlers(app).filter(({ credentials }) => credentials === 'public').map(({ at }) => at)).toEqual(['GET /health']);
 */
export function listHandlers(app: INestApplicationContext): HandlerDescription[] {
  return app.get<Guards>(GUARDS, { strict: false }).list();
}
