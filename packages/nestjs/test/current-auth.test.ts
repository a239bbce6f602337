import {
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  UseGuards,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CurrentAuth, getAuth, OptionalAuth, Public, Scopes, type Auth } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
const seen: unknown[] = [];
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => void seen.splice(0));
afterAll(() => world.close());

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
  test("an interceptor for all handlers asks with 'optional', and gets undefined where a handler is @Public()", async () => {
    const providers = [{ provide: APP_INTERCEPTOR, useClass: AuditInterceptor }];
    const { ask } = await world.start({ platform, controllers: [OrdersController], providers });
    const token = await world.token();
    for (const shown of [{}, { token }, { token: 'bad' }]) {
      expect((await ask({ path: '/orders/health', ...shown })).status).toBe(200);
      expect(seen.splice(0)).toEqual([undefined, expect.stringMatching(/handler is @Public\(\).*'optional'/)]);
    }
    await ask({ path: '/orders/maybe' });
    expect(seen.splice(0)).toEqual([undefined, expect.stringMatching(/is from nobody.*'optional'/)]);
    for (const path of ['/orders', '/orders/maybe']) {
      await ask({ path, token });
      expect(seen.splice(0)).toEqual(['user-1', 'user-1']);
    }
  });

  test('at a handler that is left open there is nobody, whatever was sent', async () => {
    @Controller('open')
    class OpenController {
      @Get()
      get(@CurrentAuth() auth: Auth | undefined, @CurrentAuth('subject') subject: string | undefined) {
        return { auth: auth ?? null, subject: subject ?? null };
      }

      @Post()
      @Scopes('orders:write')
      post(@CurrentAuth('subject') subject: string) {
        return { subject };
      }
    }

    const { ask } = await world.start({ platform, controllers: [OpenController], options: { leaveUnmarkedHandlersOpen: true } });
    const token = await world.token({ scope: 'orders:write' });
    for (const shown of [{}, { token }, { token: 'bad' }]) {
      expect(await ask({ path: '/open', ...shown })).toMatchObject({ status: 200, body: { auth: null, subject: null } });
    }
    expect((await ask({ path: '/open', method: 'POST', token })).body).toEqual({ subject: 'user-1' });
  });

  test('a guard of your own that Nest asks before ours is told so; under @UseGuards(), or from a module behind ours, it knows', async () => {
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
    expect(seen.splice(0)).toEqual([expect.stringMatching(/no guard has authenticated this call yet.*@UseGuards\(\).*imported after TokenwardModule/)]);
    const under = await world.start({ platform, controllers: [GuardedController] });
    expect((await under.ask({ path: '/guarded', token })).status).toBe(200);
    const behind = await world.start({ platform, controllers: [OrdersController], imports: [TenantModule] });
    expect((await behind.ask({ path: '/orders', token })).status).toBe(200);
    expect(seen.splice(0)).toEqual(['user-1', 'user-1']);
  });
});
