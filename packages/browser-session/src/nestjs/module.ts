import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import { misuse } from '@tokenward/core/store';
import type { BrowserSessionOptions } from '../browser-session-options.js';
import type { ProxyOptions } from '../proxy/proxy-options.js';
import { createBrowserSession, type NestBrowserSession, type NestMiddleware } from './nest-session.js';

/**
 * The injection token of the sessions.
 *
 * @example constructor(@Inject(BROWSER_SESSION) private readonly session: NestBrowserSession) {}
 */
export const BROWSER_SESSION: unique symbol = Symbol.for('tokenward.browserSession') as never;

/** The options of the module: those of `createBrowserSession`, or sessions that are created already, for example to pass them to a guard, too. */
export type BrowserSessionModuleOptions = (BrowserSessionOptions | { readonly session: NestBrowserSession }) & {
  /** APIs to which requests are passed, each with its `mountPath`. */
  readonly proxies?: readonly (ProxyOptions & { readonly mountPath: string })[] | undefined;
};

/** Where the options come from, if other providers know them. */
export interface BrowserSessionModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: readonly (string | symbol | (abstract new (...given: never[]) => unknown))[] | undefined;
  readonly useFactory: (...injected: never[]) => BrowserSessionModuleOptions | Promise<BrowserSessionModuleOptions>;
}

/** The module's own providers. */
const SETUP = Symbol('tokenward.browserSessionSetup');

interface Setup {
  readonly session: NestBrowserSession;
  readonly middleware: readonly NestMiddleware[];
  /** Whether the module created the sessions, and so closes them. */
  readonly isOwn: boolean;
}

/** What `configure` gets. Nest's own types hide the adapter. */
interface Consumer {
  getHttpAdapter(): { use(middleware: NestMiddleware): unknown };
}

/**
 * Mounts the session's routes, and proxies, as middleware of the whole application: guards do not run for them, and a global prefix does not move them.
 *
 * It is written without Nest's decorators, since it must not load NestJS: all entries of this package are one file in CommonJS.
 *
 * @example
 * @Module({ imports: [BrowserSessionModule.forRoot({ issuer, clientId, clientSecret, origin, secrets })] })
 * class AppModule {}
 */
export class BrowserSessionModule {
  readonly #setup: Setup;

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  /** Invalid options stop the start. */
  static forRoot(options: BrowserSessionModuleOptions): DynamicModule {
    // created for each application, since tests start several from one module
    return moduleWith({ provide: SETUP, useFactory: () => setUp(options) });
  }

  /** Takes the options from a factory. Invalid options stop the start. */
  static forRootAsync({ imports = [], inject = [], useFactory }: BrowserSessionModuleAsyncOptions): DynamicModule {
    const create = async (...injected: unknown[]): Promise<Setup> => setUp(await useFactory(...(injected as never[])));
    return { ...moduleWith({ provide: SETUP, inject: [...inject], useFactory: create }), imports };
  }

  /** Called by Nest, after its body parsers are there and before its router. */
  configure(consumer: Consumer): void {
    const adapter = consumer.getHttpAdapter();
    for (const middleware of this.#setup.middleware) adapter.use(middleware);
  }

  /** Called by Nest. */
  async onApplicationShutdown(): Promise<void> {
    if (this.#setup.isOwn) await this.#setup.session.close();
  }
}

type Provider = NonNullable<DynamicModule['providers']>[number];

function moduleWith(setup: Provider): DynamicModule {
  declareDependencies();
  const session: Provider = { provide: BROWSER_SESSION, inject: [SETUP], useFactory: ({ session }: Setup) => session };
  return { module: BrowserSessionModule, global: true, providers: [setup, session], exports: [BROWSER_SESSION] };
}

/** Says what `@Inject(SETUP)` would say. */
function declareDependencies(): void {
  const { defineMetadata } = Reflect as { defineMetadata?: (key: string, value: unknown, target: object) => void };
  if (!defineMetadata) throw misuse('BrowserSessionModule', "needs the package reflect-metadata, as NestJS does. Write import 'reflect-metadata' first");
  defineMetadata('self:paramtypes', [{ index: 0, param: SETUP }], BrowserSessionModule);
}

function setUp(given: BrowserSessionModuleOptions): Setup {
  const { proxies = [], ...options } = given;
  const isOwn = !Object.hasOwn(options, 'session');
  const session = isOwn ? createBrowserSession(options as BrowserSessionOptions) : (options as { readonly session: NestBrowserSession }).session;
  return { session, middleware: [session.routes(), ...proxies.map((proxy) => session.proxy(proxy))], isOwn };
}
