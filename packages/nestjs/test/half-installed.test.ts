import { Controller, Get, Injectable, Module, UseGuards, type DynamicModule, type INestApplication, type Provider, type Type } from '@nestjs/common';
import { APP_GUARD, LazyModuleLoader, ModulesContainer, NestFactory, REQUEST } from '@nestjs/core';
import { InternalCoreModule } from '@nestjs/core/injector/internal-core-module/internal-core-module.js';
import { MessagePattern, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  Authenticated,
  ConfigurationError,
  CurrentAuth,
  OptionalAuth,
  Public,
  Scopes,
  TokenwardGuard,
  TokenwardModule,
  type NestGuardOptions,
} from '@tokenward/nestjs';
import { TokenwardTestingModule } from '@tokenward/nestjs/testing';
import { createWorld, type World } from './app.js';
import { freePort } from '../../testing/test/free-port.js';

let world: World;
let ours: { issuer: string; audience: string };
beforeAll(async () => {
  world = await createWorld();
  ours = { issuer: world.issuer.issuer, audience: world.issuer.audience };
});
afterAll(() => world.close());

@Controller('secret')
class SecretController {
  @Get()
  secret() {
    return 'secret';
  }
}

@Controller('health')
class HealthController {
  @Get()
  @Public()
  health() {
    return 'ok';
  }
}

@Controller('orders')
class OrdersController {
  @Get()
  @Scopes('orders:read')
  list() {
    return [];
  }
}

type Imports = (Type | DynamicModule)[];

async function failure(started: Promise<unknown>): Promise<ConfigurationError> {
  const error: unknown = await started.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigurationError);
  return error as ConfigurationError;
}

function refusalOf(imports: Imports, controllers: Type[] = [SecretController], providers: Provider[] = []): Promise<ConfigurationError> {
  return failure(world.start({ unguarded: true, imports, controllers, providers }));
}

const WRITE_FOR_ROOT = /Write imports: \[TokenwardModule\.forRoot\(\{ issuer, audience \}\)\]/;

describe('the module without its options', () => {
  @Module({ imports: [TokenwardModule] })
  class AuthModule {}

  @Module({})
  class OwnModule extends TokenwardModule {}

  test.each<[string, Imports]>([
    ['imported as it is', [TokenwardModule]],
    ['imported by another module', [AuthModule]],
    ['as a dynamic module that says nothing', [{ module: TokenwardModule }]],
    ['as a class of their own that extends it', [OwnModule]],
  ])('rule 158: %s, it stops the start', async (_name, imports) => {
    for (const controllers of [[SecretController], [HealthController], [OrdersController], []]) {
      expect((await refusalOf(imports, controllers)).message).toMatch(WRITE_FOR_ROOT);
    }
  });

  test('rule 158: stops the start among the providers too', async () => {
    expect((await refusalOf([], [SecretController], [TokenwardModule])).message).toMatch(WRITE_FOR_ROOT);
  });

  test('rule 158: uses the options given elsewhere, whichever is first', async () => {
    for (const imports of [
      [AuthModule, TokenwardModule.forRoot(ours)],
      [TokenwardModule.forRoot(ours), TokenwardModule],
    ]) {
      const { ask } = await world.start({ unguarded: true, imports, controllers: [SecretController] });
      expect((await ask({ path: '/secret' })).status).toBe(401);
      expect((await ask({ path: '/secret', token: await world.token() })).status).toBe(200);
    }
  });

  test('rule 158: uses the options that a feature module gives', async () => {
    @Module({ imports: [TokenwardModule.forRoot(ours)], controllers: [OrdersController] })
    class FeatureModule {}

    const { ask } = await world.start({ unguarded: true, imports: [FeatureModule], controllers: [SecretController] });
    expect((await ask({ path: '/secret' })).status).toBe(401);
    expect((await ask({ path: '/orders' })).status).toBe(401);
  });

  test('rule 158: the testing module without .as() stops the start', async () => {
    const module = Test.createTestingModule({ imports: [TokenwardTestingModule], controllers: [SecretController] });
    expect((await failure(module.compile())).message).toMatch(/Write imports: \[TokenwardTestingModule\.as\(/);
  });

  test('rule 158: the testing module beside the real one stops the start', async () => {
    const module = Test.createTestingModule({ imports: [TokenwardModule.forRoot(ours), TokenwardTestingModule.as({})], controllers: [SecretController] });
    expect((await failure(module.compile())).message).toMatch(/write runAs/);
  });
});

describe('options that would never arrive', () => {
  const options = { issuer: 'https://login.example.com', audience: 'https://api.example.com' };
  const useFactory = (): NestGuardOptions => options;
  class Config {
    createGuardOptions = useFactory;
  }

  test.each<[string, () => unknown, RegExp]>([
    ['forRoot(null)', () => TokenwardModule.forRoot(null as never), /TokenwardModule\.forRoot: must be .*\(got null\)/],
    ['a promise', () => TokenwardModule.forRoot(Promise.resolve(options) as never), /Write TokenwardModule\.forRootAsync\(\{ useFactory/],
    [
      'an instance',
      () =>
        TokenwardModule.forRoot(
          new (class {
            readonly issuer = options.issuer;
          })(),
        ),
      /must be a plain object/,
    ],
    ['forRootAsync()', () => TokenwardModule.forRootAsync(undefined as never), /TokenwardModule\.forRootAsync: must be .*\(got undefined\)/],
    ['forRootAsync({})', () => TokenwardModule.forRootAsync({}), /Write forRootAsync\(\{ inject/],
    ['options in the place of a factory', () => TokenwardModule.forRootAsync(options as never), /Write forRootAsync\(\{ inject/],
    ['a factory that was called', () => TokenwardModule.forRootAsync({ useFactory: useFactory() as never }), /useFactory: is not a function/],
    ['two factories', () => TokenwardModule.forRootAsync({ useFactory, useClass: Config }), /useFactory and useClass. Keep one/],
    [
      'a demand beside the factory',
      () => TokenwardModule.forRootAsync({ useFactory, requiredClaims: ['tenant'] } as never),
      /requiredClaims: would be ignored/,
    ],
    [
      'onDenied beside a class',
      () => TokenwardModule.forRootAsync({ useClass: Config, onDenied() {} } as never),
      /onDenied: .* Return it from createGuardOptions/,
    ],
  ])('rule 158: %s throws, and says what to write', (_name, make, message) => {
    expect(make).toThrow(ConfigurationError);
    expect(make).toThrow(message);
  });

  test.each([undefined, null])('rule 158: a factory that returns %s stops the start', async (nothing) => {
    const { message } = await refusalOf([TokenwardModule.forRootAsync({ useFactory: async () => nothing as never })]);
    expect(message).toMatch(/forRootAsync: got (undefined|null) from its factory. Return the options/);
  });

  test('rule 158: options that depend on the request stop the start', async () => {
    const imports = [TokenwardModule.forRootAsync({ inject: [REQUEST], useFactory: () => ours })];
    expect((await refusalOf(imports)).message).toMatch(/options depend on the request/);
  });

  test('rule 158: starts with valid options', async () => {
    for (const imports of [
      [TokenwardModule.forRootAsync({ useFactory: () => ours })],
      [
        TokenwardModule.forRootAsync({
          useClass: class {
            createGuardOptions = () => ours;
          },
        }),
      ],
    ]) {
      const { ask } = await world.start({ unguarded: true, imports, controllers: [SecretController] });
      expect((await ask({ path: '/secret' })).status).toBe(401);
    }
  });
});

describe('decorators and guards without the module', () => {
  test.each<[string, Type[], Provider[]]>([
    ['a decorator', [OrdersController, SecretController], []],
    ['@Public() alone', [HealthController, SecretController], []],
    ['APP_GUARD', [SecretController], [{ provide: APP_GUARD, useClass: TokenwardGuard }]],
    ['the guard among the providers', [SecretController], [TokenwardGuard]],
  ])('rule 158: %s stops the start', async (_name, controllers, providers) => {
    expect((await refusalOf([], controllers, providers)).message).toMatch(WRITE_FOR_ROOT);
  });

  test('rule 158: @UseGuards(TokenwardGuard) stops the start', async () => {
    @Controller('by-hand')
    @UseGuards(TokenwardGuard)
    class ByHandController extends SecretController {}

    expect((await refusalOf([], [ByHandController])).message).toMatch(WRITE_FOR_ROOT);
  });

  test('rule 158: a guard made by hand refuses every call', async () => {
    const token = await world.token();
    for (const prepare of [(app: INestApplication) => void app.useGlobalGuards(new TokenwardGuard()), undefined]) {
      const providers = prepare ? [] : [{ provide: APP_GUARD, useFactory: () => new TokenwardGuard() }];
      const { ask } = await world.start({ unguarded: true, controllers: [SecretController], providers, ...(prepare && { prepare }) });
      expect((await ask({ path: '/secret', token })).status).toBe(500);
    }
    expect(() => new TokenwardGuard(ours as never)).toThrow(/takes no options. Write imports/);
  });

  test('rule 158: beside the module, it opens nothing', async () => {
    const prepare = (app: INestApplication) => void app.useGlobalGuards(new TokenwardGuard(), app.get(TokenwardGuard));
    const { ask } = await world.start({ controllers: [SecretController, HealthController], prepare });
    expect((await ask({ path: '/secret' })).status).toBeOneOf([401, 500]);
    expect((await ask({ path: '/health' })).status).toBe(200);
  });

  test('rule 158: messages of a microservice do not start without the module', async () => {
    @Controller()
    class MessagesController {
      @MessagePattern('open')
      @Public()
      open() {
        return 'open';
      }

      @MessagePattern('secret')
      secret() {
        return 'secret';
      }
    }

    @Module({ controllers: [MessagesController] })
    class MessagesModule {}

    const port = await freePort();
    const options = { transport: Transport.TCP, options: { host: '127.0.0.1', port }, logger: false, abortOnError: false } as const;
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(MessagesModule, options);
    expect((await failure(app.listen())).message).toMatch(WRITE_FOR_ROOT);
    await app.close().catch(() => {});
  });

  test('an application context that serves nothing needs no module', async () => {
    @Module({ controllers: [OrdersController] })
    class WorkerModule {}

    const context = await NestFactory.createApplicationContext(WorkerModule, { logger: false, abortOnError: false });
    expect(context.get(OrdersController).list()).toEqual([]);
    await context.close();
  });
});

describe('the guard on a handler by hand, where unmarked handlers are open', () => {
  @Controller('moved')
  class MovedController {
    @Get('old')
    old() {
      return 'open';
    }

    @Get('new')
    @UseGuards(TokenwardGuard)
    moved() {
      return 'guarded';
    }
  }

  @Controller('class')
  @UseGuards(TokenwardGuard)
  class GuardedController {
    @Get()
    get() {
      return 'guarded';
    }

    @Get('open')
    @Public()
    open() {
      return 'open';
    }
  }

  test('rule 158: requires a token', async () => {
    const { ask } = await world.start({ controllers: [MovedController, GuardedController], options: { leaveUnmarkedHandlersOpen: true } });
    expect((await ask({ path: '/moved/old' })).status).toBe(200);
    expect((await ask({ path: '/class/open' })).status).toBe(200);
    for (const path of ['/moved/new', '/class']) {
      expect((await ask({ path })).status, path).toBe(401);
      expect((await ask({ path, token: await world.token() })).body, path).toBe('guarded');
    }
  });

  test('rule 158: stops the start beside @Public()', async () => {
    @Controller('both')
    class BothController {
      @Get()
      @Public()
      @UseGuards(TokenwardGuard)
      get() {
        return 'which?';
      }
    }

    expect((await failure(world.start({ controllers: [BothController] }))).message).toMatch(/BothController\.get.*is @Public\(\) and has requirements/);
  });
});

test.each<[string, Provider[]]>([
  ['', []],
  ['also beside a module that provides the name of the container of modules, ', [ModulesContainer]],
])('rule 158: refuses a lazily loaded module, %sbecause Nest takes no global guards then', async (_name, providers) => {
  const { app } = await world.start({ unguarded: true, controllers: [SecretController], providers });
  const loading = app.get(LazyModuleLoader).load(() => TokenwardModule.forRoot(ours));
  expect((await failure(loading)).message).toMatch(/loaded lazily.*root module/);
});

test('rule 158: other lazily loaded modules may import the module again', async () => {
  @Injectable()
  class Service {}

  @Module({ imports: [TokenwardModule], providers: [Service], exports: [Service] })
  class LazyModule {}

  const { app, ask } = await world.start({ controllers: [SecretController] });
  expect((await app.get(LazyModuleLoader).load(() => LazyModule)).get(Service)).toBeInstanceOf(Service);
  expect((await ask({ path: '/secret' })).status).toBe(401);
});

test('rule 158: starts in a bundle that has other names for the classes of Nest', async () => {
  const name = Object.getOwnPropertyDescriptor(InternalCoreModule, 'name')!;
  Object.defineProperty(InternalCoreModule, 'name', { ...name, value: 'e' });
  onTestFinished(() => void Object.defineProperty(InternalCoreModule, 'name', name));
  const { app, ask } = await world.start({ controllers: [SecretController] });
  expect((await ask({ path: '/secret' })).status).toBe(401);
  const loading = app.get(LazyModuleLoader).load(() => TokenwardTestingModule.as({}));
  expect((await failure(loading)).message).toMatch(/cannot be imported together/);
});

describe('decorators without parentheses', () => {
  test.each<[string, unknown]>([
    ['@Public', Public],
    ['@Authenticated', Authenticated],
    ['@OptionalAuth', OptionalAuth],
    ['@CurrentAuth', CurrentAuth],
    ['@Scopes', Scopes],
  ])('rule 158: %s throws', (name, decorator) => {
    const target = class {
      get() {}
    };
    const descriptor = Object.getOwnPropertyDescriptor(target.prototype, 'get');
    const decorate = decorator as (...given: unknown[]) => unknown;
    if (name === '@CurrentAuth') expect(() => decorate(target.prototype, 'get', 0)).toThrow(/Write @CurrentAuth\(\)/);
    else {
      expect(() => decorate(target)).toThrow(ConfigurationError);
      expect(() => decorate(target.prototype, 'get', descriptor)).toThrow(ConfigurationError);
    }
  });
});
