import { Controller, Delete, Get, Module, Post, VersioningType, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { GuardedBy, OptionalAuth, Public, Roles, Scopes, TokenwardModule } from '@tokenward/nestjs';
import { assertProtected } from '@tokenward/testing';
import { listRoutes } from '@tokenward/testing/routes';
import { afterEach, describe, expect, test } from 'vitest';

const OPTIONS = { issuer: 'https://login.invalid', audience: 'https://api.example.com' };
const ran: string[] = [];

abstract class BaseController {
  @Get('inherited')
  inherited() {
    return ran.push('inherited');
  }
}

@Controller('orders')
@Scopes('orders:read')
class OrdersController extends BaseController {
  @Get()
  list() {
    return ran.push('list');
  }

  @Delete(':id')
  @Roles('admin')
  remove() {
    return ran.push('remove');
  }

  @Get('maybe')
  @OptionalAuth()
  maybe() {
    return ran.push('maybe');
  }
}

@Controller({ path: 'partners', version: '2' })
@GuardedBy('partner')
class PartnersController extends BaseController {
  @Post()
  create() {
    return ran.push('create');
  }
}

@Controller()
class HealthController {
  @Get('health')
  @Public()
  health() {
    return ran.push('health');
  }
}

@Module({
  imports: [TokenwardModule.forRoot(OPTIONS), TokenwardModule.forRoot({ ...OPTIONS, name: 'partner' })],
  controllers: [OrdersController, PartnersController, HealthController],
})
class AppModule {}

let app: INestApplication;
afterEach(() => app?.close());

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  async function start(): Promise<void> {
    ran.length = 0;
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication(...((platform === 'fastify' ? [new FastifyAdapter(), { logger: false }] : [{ logger: false }]) as [never]));
    app.setGlobalPrefix('api');
    app.enableVersioning({ type: VersioningType.URI });
  }

  test('rule 279: lists the routes of the platform with the rules of their handlers', async () => {
    await start();
    const routes = await listRoutes(app);
    expect(
      routes
        .map(
          ({ method, path, protection, policies, handler }) =>
            `${method} ${path} ${protection} ${handler}${policies.map(({ words }) => ` ${words}`).join(',')}`,
        )
        .toSorted(),
    ).toEqual([
      'DELETE /api/orders/:id required OrdersController.remove the scope `orders:read` and the role `admin`',
      'GET /api/health no-tokenward-guard HealthController.health',
      'GET /api/orders required OrdersController.list the scope `orders:read`',
      'GET /api/orders/inherited required OrdersController.inherited the scope `orders:read`',
      'GET /api/orders/maybe optional OrdersController.maybe the scope `orders:read`',
      'GET /api/v2/partners/inherited required PartnersController.inherited',
      'POST /api/v2/partners required PartnersController.create',
    ]);
  });

  test('rule 277: assertProtected names the open handlers, and runs no other', async () => {
    await start();
    const { message } = (await assertProtected(app).catch((thrown: Error) => thrown)) as Error;
    expect(message).toMatch(/2 routes /);
    expect(message).toMatch(/GET \/api\/health +answered 200 without a token \(HealthController\.health/);
    expect(message).toMatch(/GET \/api\/orders\/maybe +answered 200 without a token \(OrdersController\.maybe; its guard is optional/);
    expect(ran.toSorted()).toEqual(['health', 'maybe']);
    ran.length = 0;
    await assertProtected(app, { except: ['GET /api/health', 'GET /api/orders/maybe'] });
    expect(ran).toEqual([]);
  });
});
