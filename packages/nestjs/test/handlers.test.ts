import {
  Catch,
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  ParseIntPipe,
  Param,
  Post,
  UseFilters,
  UseInterceptors,
  type ArgumentsHost,
  type CallHandler,
  type ExceptionFilter,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  AccessDeniedException,
  acr,
  AnyRole,
  AnyScope,
  Authenticated,
  claim,
  ConfigurationError,
  CurrentAuth,
  getAuth,
  GuardedBy,
  guardToken,
  listHandlers,
  OptionalAuth,
  Policies,
  Public,
  Require,
  Roles,
  Scopes,
  TokenwardModule,
  type Auth,
  type ClassOrMethodDecorator,
  type NestGuard,
} from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

@Controller('orders')
@Scopes('orders:read')
class OrdersController {
  @Get()
  list(@CurrentAuth() auth: Auth) {
    return { for: auth.subject };
  }

  @Post()
  @Scopes('orders:write')
  create() {
    return {};
  }

  @Get('purge')
  @Roles('admin')
  @Require(claim('tenant', 'a'))
  purge() {
    return {};
  }

  @Get('health')
  @Public()
  health() {
    return 'ok';
  }

  @Get('preview')
  @OptionalAuth()
  preview(@CurrentAuth('optional') auth: Auth | undefined, @CurrentAuth('subject', 'optional') subject: string | undefined) {
    return { subject: subject ?? null, same: auth?.subject === subject };
  }
}

@Controller('plain')
class PlainController {
  @Get()
  get() {
    return {};
  }
}

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  test('requires a valid token of a handler without decorators', async () => {
    const { ask } = await world.start({ platform, controllers: [PlainController] });
    expect((await ask({ path: '/plain' })).status).toBe(401);
    expect((await ask({ path: '/plain', token: await world.token() })).status).toBe(200);
  });

  test('rule 101: adds up the requirements of the class and of the handler', async () => {
    const { ask } = await world.start({ platform, controllers: [OrdersController] });
    const read = await world.token({ scopes: ['orders:read'] });
    const write = await world.token({ scopes: ['orders:write'] });
    const both = await world.token({ scopes: ['orders:read', 'orders:write'] });
    expect((await ask({ path: '/orders', token: read })).body).toEqual({ for: 'user-1' });
    expect((await ask({ path: '/orders', method: 'POST', token: read })).status).toBe(403);
    const refused = await ask({ path: '/orders', method: 'POST', token: write });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([403, expect.stringContaining('scope="orders:write orders:read"')]);
    expect((await ask({ path: '/orders', method: 'POST', token: both })).status).toBe(201);
    expect((await ask({ path: '/orders/purge', token: await world.token({ scopes: ['orders:read'], roles: ['admin'] }) })).status).toBe(403);
    expect(
      (await ask({ path: '/orders/purge', token: await world.token({ scopes: ['orders:read'], roles: ['admin'], claims: { tenant: 'a' } }) })).status,
    ).toBe(200);
    expect((await ask({ path: '/orders/purge', token: await world.token({ roles: ['admin'], claims: { tenant: 'a' } }) })).status).toBe(403);
  });

  test('@Public() on a handler lifts the requirements of the class; @OptionalAuth() keeps them for requests with a token', async () => {
    const { ask } = await world.start({ platform, controllers: [OrdersController] });
    expect((await ask({ path: '/orders/health', token: 'bad' })).status).toBe(200);
    expect((await ask({ path: '/orders/preview' })).body).toEqual({ subject: null, same: true });
    expect((await ask({ path: '/orders/preview', token: await world.token({ scopes: ['orders:read'] }) })).body).toEqual({ subject: 'user-1', same: true });
    expect((await ask({ path: '/orders/preview', token: await world.token() })).status).toBe(403);
    expect((await ask({ path: '/orders/preview', token: 'bad' })).status).toBe(401);
  });

  test('sends the exact challenge, and the exception carries it to filters', async () => {
    @Catch(AccessDeniedException)
    class Filter implements ExceptionFilter<AccessDeniedException> {
      catch(denied: AccessDeniedException, host: ArgumentsHost) {
        const response = host.switchToHttp().getResponse<{ status(status: number): { send(body: unknown): void } }>();
        response.status(denied.getStatus()).send({ reason: denied.reason, challenge: denied.headers['www-authenticate'] });
      }
    }

    @Controller('filtered')
    @UseFilters(Filter)
    class FilteredController {
      @Get()
      get() {
        return {};
      }
    }

    const { ask } = await world.start({ platform, controllers: [PlainController, FilteredController], options: { realm: 'orders' } });
    const plain = await ask({ path: '/plain', token: 'bad' });
    const challenge = plain.headers.get('www-authenticate')!;
    expect(challenge).toMatch(/^Bearer realm="orders", error="invalid_token"/);
    expect([plain.headers.get('cache-control'), plain.headers.get('content-type')]).toEqual(['no-store', expect.stringMatching(/^application\/problem\+json/)]);
    expect(plain.body).toMatchObject({ status: 401, error: 'invalid_token' });
    const filtered = await ask({ path: '/filtered', token: 'bad' });
    expect([filtered.status, filtered.headers.get('www-authenticate'), filtered.body]).toEqual([
      401,
      challenge,
      { reason: 'malformed_token', challenge: [expect.stringMatching(/^Bearer realm="orders", error=/), expect.stringMatching(/^DPoP realm="orders", algs=/)] },
    ]);
  });

  test('rule 145: runs before interceptors and pipes', async () => {
    const seen: string[] = [];

    class Interceptor implements NestInterceptor {
      intercept(context: ExecutionContext, next: CallHandler) {
        seen.push(getAuth(context).subject!);
        return next.handle();
      }
    }

    @Controller('numbers')
    @UseInterceptors(Interceptor)
    class NumbersController {
      @Get(':number')
      get(@Param('number', ParseIntPipe) number: number) {
        return { number };
      }
    }

    const { ask } = await world.start({ platform, controllers: [NumbersController] });
    expect((await ask({ path: '/numbers/none' })).status).toBe(401);
    expect(seen).toEqual([]);
    expect((await ask({ path: '/numbers/none', token: await world.token() })).status).toBe(400);
    expect((await ask({ path: '/numbers/7', token: await world.token() })).body).toEqual({ number: 7 });
    expect(seen).toEqual(['user-1', 'user-1']);
  });

  test('several guards: each handler gets the guard that it names, and only the caller that this guard found', async () => {
    const partner = await createWorld();

    @Controller('both')
    class BothController {
      @Get('own')
      own(@CurrentAuth() auth: Auth) {
        return { issuer: auth.issuer };
      }

      @Get('partner')
      @GuardedBy('partner')
      @Scopes('orders:read')
      partners(@CurrentAuth() auth: Auth) {
        return { issuer: auth.issuer };
      }
    }

    const named = TokenwardModule.forRootAsync({
      name: 'partner',
      useFactory: async () => ({ issuer: partner.issuer.issuer, audience: partner.issuer.audience }),
    });
    const { app, ask } = await world.start({ platform, controllers: [BothController], imports: [named] });
    const ours = await world.token({ scopes: ['orders:read'] });
    const theirs = await partner.token({ scopes: ['orders:read'] });
    expect((await ask({ path: '/both/own', token: ours })).body).toEqual({ issuer: world.issuer.issuer });
    expect((await ask({ path: '/both/partner', token: theirs })).body).toEqual({ issuer: partner.issuer.issuer });
    expect((await ask({ path: '/both/own', token: theirs })).status).toBe(401);
    expect((await ask({ path: '/both/partner', token: ours })).status).toBe(401);
    expect((await ask({ path: '/both/partner', token: await partner.token() })).status).toBe(403);
    const guard = app.get<NestGuard>(guardToken('partner'), { strict: false });
    await expect(guard.warm()).resolves.toBeUndefined();
    await partner.close();
  });

  test('rule 108: decides HEAD like GET, and a preflight that nothing answers reaches no handler', async () => {
    const { ask } = await world.start({ platform, controllers: [PlainController] });
    expect((await ask({ path: '/plain', method: 'HEAD' })).status).toBe(401);
    const preflight = { origin: 'https://app.example', 'access-control-request-method': 'GET' };
    expect((await ask({ path: '/plain', method: 'OPTIONS', headers: preflight })).status).not.toBe(200);
  });
});

describe('inheritance', () => {
  @Scopes('base:class')
  abstract class Base {
    @Get('inherited')
    @Scopes('base:method')
    inherited() {
      return {};
    }

    @Get('overridden')
    @Scopes('base:method')
    overridden() {
      return {};
    }
  }

  @Controller('derived')
  @Scopes('derived:class')
  class DerivedController extends Base {
    @Get('overridden')
    @Scopes('derived:method')
    override overridden() {
      return {};
    }
  }

  test('rule 147: inherited and overridden handlers keep the requirements of the base', async () => {
    const { app, ask } = await world.start({ controllers: [DerivedController] });
    const all = ['base:class', 'base:method', 'derived:class', 'derived:method'];
    for (const path of ['inherited', 'overridden']) {
      const needed = path === 'inherited' ? all.slice(0, 3) : all;
      for (const one of needed) {
        const token = await world.token({ scopes: needed.filter((each) => each !== one) });
        expect((await ask({ path: `/derived/${path}`, token })).status, `${path} without ${one}`).toBe(403);
      }
      expect((await ask({ path: `/derived/${path}`, token: await world.token({ scopes: needed }) })).status).toBe(200);
    }
    expect(listHandlers(app)).toHaveLength(2);
  });

  test('rule 147: so do handlers of a generic base class', async () => {
    function crud(name: string) {
      @Controller(name)
      @Scopes(`${name}:read`)
      class Crud {
        @Get()
        @AnyRole('user', 'admin')
        list() {
          return [];
        }
      }
      return Crud;
    }

    @Controller('teas')
    class TeasController extends crud('teas') {}

    @Controller('cups')
    class CupsController extends crud('cups') {}

    const { ask } = await world.start({ controllers: [TeasController, CupsController] });
    const token = await world.token({ scopes: ['teas:read'], roles: ['user'] });
    expect((await ask({ path: '/teas', token })).status).toBe(200);
    expect((await ask({ path: '/cups', token })).status).toBe(403);
    expect((await ask({ path: '/teas', token: await world.token({ scopes: ['teas:read'] }) })).status).toBe(403);
  });

  test("rule 147: @Public() on the class does not lift a handler's requirements", async () => {
    @Controller('open')
    @Public()
    class OpenController {
      @Get()
      get() {
        return {};
      }

      @Get('scoped')
      @AnyScope('a', 'b')
      scoped() {
        return {};
      }

      @Get('known')
      @Authenticated()
      known() {
        return {};
      }
    }

    const { ask } = await world.start({ controllers: [OpenController] });
    expect((await ask({ path: '/open' })).status).toBe(200);
    expect((await ask({ path: '/open/scoped' })).status).toBe(401);
    expect((await ask({ path: '/open/scoped', token: await world.token() })).status).toBe(403);
    expect((await ask({ path: '/open/scoped', token: await world.token({ scopes: ['b'] }) })).status).toBe(200);
    expect((await ask({ path: '/open/known' })).status).toBe(401);
  });

  test('a decorator that replaces the method loses no requirement, in any order', async () => {
    function traced(_target: object, _key: string | symbol, descriptor: PropertyDescriptor): void {
      const original = descriptor.value as (...given: unknown[]) => unknown;
      descriptor.value = function replaced(this: unknown, ...given: unknown[]): unknown {
        return original.apply(this, given);
      };
    }

    @Controller('traced')
    class TracedController {
      @Get('outside')
      @traced
      @Scopes('needed')
      outside() {
        return {};
      }

      @Get('inside')
      @Scopes('needed')
      @traced
      inside() {
        return {};
      }
    }

    const { ask } = await world.start({ controllers: [TracedController] });
    for (const path of ['/traced/outside', '/traced/inside']) {
      expect((await ask({ path, token: await world.token() })).status).toBe(403);
      expect((await ask({ path, token: await world.token({ scopes: ['needed'] }) })).status).toBe(200);
    }
  });
});

describe('what stops the start', () => {
  function controllerWith(...decorators: ClassOrMethodDecorator[]) {
    @Controller()
    class WrongController {
      @Get()
      get() {
        return {};
      }
    }
    const descriptor = Object.getOwnPropertyDescriptor(WrongController.prototype, 'get')!;
    for (const decorate of decorators) decorate(WrongController.prototype, 'get', descriptor);
    return WrongController;
  }

  test.each([
    ['@Public() and @Scopes()', [Public(), Scopes('a')], /WrongController\.get.*@Public\(\)/],
    ['@Public() and @OptionalAuth()', [Public(), OptionalAuth()], /@Public\(\)/],
    ['@OptionalAuth() and @Authenticated()', [OptionalAuth(), Authenticated()], /@OptionalAuth\(\)/],
    ['two guards', [GuardedBy('a'), GuardedBy('b')], /b, a/],
    [
      'logins that contradict each other',
      [Require(acr('gold')), Require(acr('silver'))],
      /WrongController\.get: refuses every token.*acr\("silver"\); acr\("gold"\)/,
    ],
    ['logins of one decorator that do', [Require(acr('gold'), acr('silver'))], /WrongController\.get: refuses every token/],
    [
      'the same beside a policy for each request',
      [Require(acr('a')), Policies((_request) => acr('a')), Require(acr('b'))],
      /WrongController\.get: refuses every/,
    ],
    ['a guard that does not exist', [GuardedBy('nobody')], /guard "nobody".*forRoot\(\{ name: 'nobody'/],
  ])('rule 147: %s', async (_name, decorators, message) => {
    await expect(world.start({ controllers: [controllerWith(...decorators)] })).rejects.toThrow(message);
  });

  test('rule 147: a handler that loosens what it overrides', async () => {
    class Base {
      @Scopes('a')
      get(): object {
        return {};
      }
    }

    @Controller('one')
    class PublicController extends Base {
      @Get()
      @Public()
      override get() {
        return {};
      }
    }

    @Controller('two')
    class OptionalController extends Base {
      @Get()
      @OptionalAuth()
      override get() {
        return {};
      }
    }

    await expect(world.start({ controllers: [PublicController, OptionalController] })).rejects.toThrow(/PublicController\.get[^]*OptionalController\.get/);
  });

  test('decorators on a service, for which Nest runs no guards', async () => {
    @Injectable()
    class OrdersService {
      @Scopes('orders:read')
      list() {
        return [];
      }
    }
    await expect(world.start({ providers: [OrdersService] })).rejects.toThrow(/OrdersService.*not a handler/);
  });

  test('the same guard twice', async () => {
    const { issuer: url, audience } = world.issuer;
    await expect(world.start({ imports: [TokenwardModule.forRoot({ issuer: url, audience })] })).rejects.toThrow(/twice/);
  });

  test('wrong options, all at once, by forRoot and by forRootAsync', async () => {
    const wrong = { issuer: 'ftp://wrong', audience: '', leaveUnmarkedHandlersOpen: 'yes' } as never;
    await expect(world.start({ options: wrong })).rejects.toThrow(ConfigurationError);
    await expect(
      world.start({ unguarded: true, imports: [TokenwardModule.forRootAsync({ useFactory: () => ({ issuer: 'ftp://wrong', audience: '' }) })] }),
    ).rejects.toThrow(/issuer[^]*audience/);
  });

  test('a decorator without arguments, without a policy, or on something else than a class or method', () => {
    expect(() => Scopes()).toThrow(ConfigurationError);
    expect(() => Roles()).toThrow(ConfigurationError);
    expect(() => Require(undefined as never)).toThrow(ConfigurationError);
    expect(() => (Require as () => unknown)()).toThrow(ConfigurationError);
    expect(() => GuardedBy('')).toThrow(ConfigurationError);
    expect(() => Scopes('a')({}, 'property')).toThrow(/not a method/);
    expect(() => Public()(class {}, 'fixed', { value: () => {} })).toThrow(/not a method/);
  });
});

describe('TokenwardModule', () => {
  test('forRootAsync() takes a class and its injected providers', async () => {
    @Injectable()
    class Settings {
      readonly audience = world.issuer.audience;
    }

    @Module({ providers: [Settings], exports: [Settings] })
    class SettingsModule {}

    @Injectable()
    class GuardOptions {
      constructor(@Inject(Settings) readonly settings: Settings) {}

      createGuardOptions() {
        return { issuer: world.issuer.issuer, audience: this.settings.audience };
      }
    }

    const { ask } = await world.start({
      unguarded: true,
      controllers: [PlainController],
      imports: [TokenwardModule.forRootAsync({ imports: [SettingsModule], useClass: GuardOptions })],
    });
    expect((await ask({ path: '/plain' })).status).toBe(401);
    expect((await ask({ path: '/plain', token: await world.token() })).status).toBe(200);
  });

  test('leaveUnmarkedHandlersOpen opens only handlers without decorators', async () => {
    const { app, ask } = await world.start({ controllers: [PlainController, OrdersController], options: { leaveUnmarkedHandlersOpen: true } });
    expect((await ask({ path: '/plain', token: 'bad' })).status).toBe(200);
    expect((await ask({ path: '/orders' })).status).toBe(401);
    expect(
      listHandlers(app)
        .filter(({ credentials }) => credentials === 'public')
        .map(({ at }) => at),
    ).toEqual(['GET /plain', 'GET /orders/health']);
  });

  test('listHandlers() tells which handlers are open, and what the others require', async () => {
    const { app } = await world.start({ controllers: [OrdersController], prepare: (app) => void app.setGlobalPrefix('api') });
    expect(listHandlers(app).map(({ at, credentials, policy }) => [at, credentials, policy])).toEqual([
      ['GET /api/orders', 'required', 'scope("orders:read")'],
      ['POST /api/orders', 'required', 'allOf(scope("orders:read"), scope("orders:write"))'],
      ['GET /api/orders/purge', 'required', 'allOf(scope("orders:read"), role("admin"), claim("tenant", "a"))'],
      ['GET /api/orders/health', 'public', undefined],
      ['GET /api/orders/preview', 'optional', 'scope("orders:read")'],
    ]);
  });

  test('printHandlers prints that list at start-up', async () => {
    const lines: string[] = [];
    const logger = { log: (message: string, context: string) => context === 'Tokenward' && lines.push(message), error() {}, warn() {} };
    await world.start({ controllers: [OrdersController], options: { printHandlers: true }, prepare: (app) => app.useLogger(logger) });
    expect(lines).toHaveLength(5);
    expect(lines[1]).toBe('required http POST /orders (OrdersController.create) needs allOf(scope("orders:read"), scope("orders:write"))');
  });

  test('pipes of @CurrentAuth() get the member that was asked for', async () => {
    class Loud implements PipeTransform<string> {
      transform(value: string) {
        return value.toUpperCase();
      }
    }

    class Subject implements PipeTransform<Auth> {
      transform(auth: Auth) {
        return auth.subject;
      }
    }

    @Controller('piped')
    class PipedController {
      @Get()
      get(@CurrentAuth('subject', Loud) loud: string, @CurrentAuth(new Subject(), Loud) both: string) {
        return { loud, both };
      }
    }

    const { ask } = await world.start({ controllers: [PipedController] });
    expect((await ask({ path: '/piped', token: await world.token() })).body).toEqual({ loud: 'USER-1', both: 'USER-1' });
  });

  test('asking for the caller is a clear error if no guard ran or there is none', async () => {
    @Controller('asking')
    class AskingController {
      @Get()
      @Public()
      get(@CurrentAuth() auth: Auth) {
        return { auth };
      }
    }

    const { ask } = await world.start({ controllers: [AskingController] });
    expect((await ask({ path: '/asking' })).status).toBe(500);
    expect(() => getAuth({})).toThrow(/no guard has authenticated/);
  });

  test('a response from onDenied is the only one; without one, the exception follows', async () => {
    const answered: string[] = [];
    for (const platform of ['express', 'fastify'] as const) {
      const { ask } = await world.start({
        platform,
        controllers: [PlainController],
        options: {
          onDenied(decision, context) {
            answered.push(decision.reason);
            const request = context.switchToHttp().getRequest<{ headers: Record<string, string> }>();
            if (request.headers['x-silent']) return;
            context.switchToHttp().getResponse<{ status(status: number): { send(body: string): void } }>().status(418).send('mine');
          },
        },
      });
      const mine = await ask({ path: '/plain' });
      expect([mine.status, mine.body]).toEqual([418, 'mine']);
      expect((await ask({ path: '/plain', headers: { 'x-silent': '1' } })).status).toBe(401);
    }
    expect(answered).toEqual(['missing_token', 'missing_token', 'missing_token', 'missing_token']);
  });
});
