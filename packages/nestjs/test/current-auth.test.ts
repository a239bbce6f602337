import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  UseGuards,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CurrentAuth, getAuth, GuardedBy, guardToken, OptionalAuth, Public, Scopes, TokenwardModule, type Auth, type NestGuard } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
const seen: unknown[] = [];
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => void seen.splice(0));
afterAll(() => world.close());

const NOBODY = /nobody is authenticated: this route does not require an access token.*getAuth\(\.\.\., 'optional'\)/;

function asked(context: ExecutionContext, optional?: 'optional'): unknown {
  try {
    return (optional ? getAuth(context, optional) : getAuth(context))?.subject;
  } catch (error) {
    return (error as Error).message;
  }
}

/** As one that logs who it was, for all handlers. */
@Injectable()
class AuditInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    seen.push(asked(context, 'optional'), asked(context));
    return next.handle();
  }
}

/** A pipe that sees what is injected. */
class Shown implements PipeTransform {
  transform(value: unknown) {
    return String(value);
  }
}

@Injectable()
class TenantGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    seen.push(asked(context));
    return true;
  }
}

@Controller('orders')
class OrdersController {
  @Get()
  list() {
    return [];
  }

  @Get('maybe')
  @OptionalAuth()
  maybe() {
    return {};
  }

  @Get('health')
  @Public()
  health() {
    return 'ok';
  }
}

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  test("returns undefined to a global interceptor that asks with 'optional' for a @Public() handler", async () => {
    const providers = [{ provide: APP_INTERCEPTOR, useClass: AuditInterceptor }];
    const { ask } = await world.start({ platform, controllers: [OrdersController], providers });
    const token = await world.token();
    for (const shown of [{}, { token }, { token: 'bad' }]) {
      expect((await ask({ path: '/orders/health', ...shown })).status).toBe(200);
      expect(seen.splice(0)).toEqual([undefined, expect.stringMatching(NOBODY)]);
    }
    await ask({ path: '/orders/maybe' });
    expect(seen.splice(0)).toEqual([undefined, expect.stringMatching(NOBODY)]);
    for (const path of ['/orders', '/orders/maybe']) {
      await ask({ path, token });
      expect(seen.splice(0)).toEqual(['user-1', 'user-1']);
    }
  });

  test('@CurrentAuth() throws if nobody is authenticated, and injects undefined only with "optional"', async () => {
    @Controller('news')
    class NewsController {
      @Get()
      @OptionalAuth()
      news(@CurrentAuth('optional') auth: Auth | undefined, @CurrentAuth('subject', 'optional', Shown) subject: string) {
        return { auth: auth?.subject ?? null, subject };
      }

      @Get('auth')
      @OptionalAuth()
      auth(@CurrentAuth() auth: Auth) {
        return { auth: auth.subject };
      }

      @Get('member')
      @OptionalAuth()
      member(@CurrentAuth('subject') subject: string) {
        return { subject };
      }

      @Get('public')
      @Public()
      public(@CurrentAuth('optional') auth: Auth | undefined) {
        return { auth: auth ?? null };
      }
    }

    const { ask } = await world.start({ platform, controllers: [NewsController] });
    const token = await world.token();
    expect((await ask({ path: '/news' })).body).toEqual({ auth: null, subject: 'undefined' });
    expect((await ask({ path: '/news', token })).body).toEqual({ auth: 'user-1', subject: 'user-1' });
    for (const path of ['/news/auth', '/news/member']) {
      expect((await ask({ path })).status).toBe(500);
      expect((await ask({ path, token })).status).toBe(200);
    }
    for (const shown of [{}, { token }, { token: 'bad' }]) expect((await ask({ path: '/news/public', ...shown })).body).toEqual({ auth: null });
  });

  test('guard.getAuth returns what that guard found, and throws if another one guards the handler', async () => {
    const byGuard: unknown[] = [];

    @Injectable()
    class TellingInterceptor implements NestInterceptor {
      constructor(
        @Inject(guardToken()) readonly own: NestGuard,
        @Inject(guardToken('partner')) readonly partner: NestGuard<{ readonly partnerId: string }>,
      ) {}

      intercept(context: ExecutionContext, next: CallHandler) {
        for (const guard of [this.own, this.partner]) {
          try {
            byGuard.push(guard.getAuth(context).subject);
          } catch (error) {
            byGuard.push((error as Error).message);
          }
        }
        return next.handle();
      }
    }

    @Controller('partners')
    @GuardedBy('partner')
    class PartnersController {
      @Get()
      list() {
        return [];
      }
    }

    const { ask } = await world.start({
      platform,
      controllers: [OrdersController, PartnersController],
      imports: [TokenwardModule.forRoot({ issuer: world.issuer.issuer, audience: world.issuer.audience, name: 'partner' })],
      providers: [{ provide: APP_INTERCEPTOR, useClass: TellingInterceptor }],
    });
    const token = await world.token();
    await ask({ path: '/orders', token });
    expect(byGuard.splice(0)).toEqual(['user-1', expect.stringMatching(/guard\.getAuth\(\): the guard "partner" has not authenticated this call.*"default"/)]);
    await ask({ path: '/partners', token });
    expect(byGuard.splice(0)).toEqual([expect.stringMatching(/the guard "default" has not authenticated this call.*"partner"/), 'user-1']);
    await ask({ path: '/orders/health', token });
    const nobody = expect.stringMatching(/^tokenward: guard\.getAuth\(\): nobody is authenticated/) as unknown;
    expect(byGuard.splice(0)).toEqual([nobody, nobody]);
  });

  test('finds no caller on a handler that is left open, whatever the request carries', async () => {
    @Controller('open')
    class OpenController {
      @Get()
      get(@CurrentAuth('optional') auth: Auth | undefined, @CurrentAuth('subject', 'optional') subject: string | undefined) {
        return { auth: auth ?? null, subject: subject ?? null };
      }

      @Post()
      @Scopes('orders:write')
      post(@CurrentAuth('subject') subject: string) {
        return { subject };
      }
    }

    const { ask } = await world.start({ platform, controllers: [OpenController], options: { leaveUnmarkedHandlersOpen: true } });
    const token = await world.token({ scopes: ['orders:write'] });
    for (const shown of [{}, { token }, { token: 'bad' }]) {
      expect(await ask({ path: '/open', ...shown })).toMatchObject({ status: 200, body: { auth: null, subject: null } });
    }
    expect((await ask({ path: '/open', method: 'POST', token })).body).toEqual({ subject: 'user-1' });
  });

  test('tells a guard of the application that runs too early; under @UseGuards(), or in a later module, it gets the caller', async () => {
    @Controller('guarded')
    class GuardedController {
      @Get()
      @UseGuards(TenantGuard)
      get() {
        return {};
      }
    }

    @Module({ providers: [{ provide: APP_GUARD, useClass: TenantGuard }] })
    class TenantModule {}

    const token = await world.token();
    const before = await world.start({ platform, controllers: [OrdersController], providers: [{ provide: APP_GUARD, useClass: TenantGuard }] });
    expect((await before.ask({ path: '/orders', token })).status).toBe(200);
    expect(seen.splice(0)).toEqual([expect.stringMatching(/no guard has authenticated this call yet.*@UseGuards\(\).*module after TokenwardModule/)]);
    const under = await world.start({ platform, controllers: [GuardedController] });
    expect((await under.ask({ path: '/guarded', token })).status).toBe(200);
    const behind = await world.start({ platform, controllers: [OrdersController], imports: [TenantModule] });
    expect((await behind.ask({ path: '/orders', token })).status).toBe(200);
    expect(seen.splice(0)).toEqual(['user-1', 'user-1']);
  });
});
