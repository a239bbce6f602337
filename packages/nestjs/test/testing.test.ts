import { spawnSync } from 'node:child_process';
import { Controller, Get, Inject, Module, Req, type INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, expect, test } from 'vitest';
import {
  acr,
  CurrentAuth,
  getAuth,
  GuardedBy,
  guardToken,
  OptionalAuth,
  Public,
  rawToken,
  Require,
  Roles,
  scope,
  Scopes,
  TokenwardModule,
  type Auth,
  type NestGuard,
} from '@tokenward/nestjs';
import { runAs, TokenwardTestingModule, type Who } from '@tokenward/nestjs/testing';
import { send } from './exchange.js';

@Controller('orders')
@Scopes('orders:read')
class OrdersController {
  @Get()
  list(@CurrentAuth() auth: Auth) {
    return { for: auth.subject };
  }

  @Get('admin')
  @Roles('admin')
  @Require(acr('mfa'))
  admin() {
    return {};
  }

  @Get('maybe')
  @OptionalAuth()
  maybe(@CurrentAuth('subject') subject: string | undefined) {
    return { subject: subject ?? null };
  }

  @Get('health')
  @Public()
  health() {
    return 'ok';
  }
}

let app: INestApplication;
afterEach(() => app?.close());

async function start(who: Who): Promise<string> {
  const module = await Test.createTestingModule({ imports: [TokenwardTestingModule.as(who)], controllers: [OrdersController] }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  return app.getUrl();
}

test('calls are from whom the test says, with no token, and what handlers need is still asked for', async () => {
  const origin = await start({ subject: 'ada', scopes: ['orders:read'] });
  expect((await send(origin, { path: '/orders' })).body).toEqual({ for: 'ada' });
  expect((await send(origin, { path: '/orders/admin' })).status).toBe(403);
  expect((await send(origin, { path: '/orders/health' })).status).toBe(200);
});

test('roles and claims are what the test says', async () => {
  const origin = await start({ scopes: ['orders:read'], roles: ['admin'], claims: { acr: 'mfa' } });
  expect((await send(origin, { path: '/orders/admin' })).status).toBe(200);
});

test('a function says it anew for each call; undefined is nobody', async () => {
  let who: ReturnType<Extract<Who, () => unknown>>;
  const origin = await start(() => who);
  expect((await send(origin, { path: '/orders' })).status).toBe(401);
  expect((await send(origin, { path: '/orders/maybe' })).body).toEqual({ subject: null });
  who = { subject: 'bob', scopes: ['orders:read'] };
  expect((await send(origin, { path: '/orders/maybe' })).body).toEqual({ subject: 'bob' });
});

test('guards that providers inject are there, by whatever names the test gives', async () => {
  @Controller('injecting')
  class InjectingController {
    constructor(
      @Inject(guardToken()) readonly guard: NestGuard,
      @Inject(guardToken('partner')) readonly partner: NestGuard,
    ) {}

    @Get()
    get(@CurrentAuth() auth: Auth) {
      return [this.guard, this.partner].map((guard) => guard.permit(auth, scope('orders:read')).outcome);
    }

    @Get('partner')
    @GuardedBy('partner')
    ofPartner(@CurrentAuth('subject') subject: string) {
      return { subject };
    }
  }

  let scopes = ['orders:read'];
  const testing = TokenwardTestingModule.as(() => ({ subject: 'ada', scopes }), 'partner');
  const module = await Test.createTestingModule({ imports: [testing], controllers: [InjectingController] }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  const origin = await app.getUrl();
  expect((await send(origin, { path: '/injecting' })).body).toEqual(['allow', 'allow']);
  expect((await send(origin, { path: '/injecting/partner' })).body).toEqual({ subject: 'ada' });
  scopes = [];
  expect((await send(origin, { path: '/injecting' })).body).toEqual(['deny', 'deny']);
  const nameless = Test.createTestingModule({ imports: [TokenwardTestingModule.as({})], controllers: [InjectingController] });
  await expect(nameless.compile()).rejects.toThrow(/tokenward\.guard\.partner/);
});

test('runAs stands in for the TokenwardModule of a whole application, whose options are not even looked at', async () => {
  @Module({ imports: [TokenwardModule.forRoot({ issuer: 'not configured here' })], controllers: [OrdersController] })
  class AppModule {}

  const module = await runAs(Test.createTestingModule({ imports: [AppModule] }), { subject: 'eve', scopes: ['orders:read'] }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  expect((await send(await app.getUrl(), { path: '/orders' })).body).toEqual({ for: 'eve' });
});

test('a handler called by hand sees what it is given; a controller needs no module of ours to be made', async () => {
  const module = await Test.createTestingModule({ controllers: [OrdersController] }).compile();
  expect(module.get(OrdersController).list({ subject: 'ada' } as Auth)).toEqual({ for: 'ada' });
});

test('what a test says is no token', async () => {
  const seen: unknown[] = [];

  @Controller('seen')
  class SeenController {
    @Get()
    get(@CurrentAuth() auth: Auth, @Req() request: object) {
      expect(getAuth(request)).toBe(auth);
      try {
        rawToken(auth);
      } catch (error) {
        seen.push(error);
      }
    }
  }

  const module = await Test.createTestingModule({ imports: [TokenwardTestingModule.as({})], controllers: [SeenController] }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  expect((await send(await app.getUrl(), { path: '/seen' })).status).toBe(200);
  expect(seen).toEqual([expect.objectContaining({ message: expect.stringContaining('not made by a guard') })]);
});

test('it does not load in production', () => {
  const script = "import('@tokenward/nestjs/testing').then(() => console.log('loaded'), (error) => console.log(error.message))";
  const run = (env: string) =>
    spawnSync(process.execPath, ['-e', script], { cwd: import.meta.dirname, env: { ...process.env, NODE_ENV: env }, encoding: 'utf8' }).stdout;
  expect(run('production')).toMatch(/NODE_ENV is "production"/);
  expect(run('test')).toBe('loaded\n');
});
