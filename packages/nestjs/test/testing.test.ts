import { spawnSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { Controller, Get, Inject, Module, Req, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { afterEach, describe, expect, test } from 'vitest';
import {
  acr,
  claim,
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
  type NestGuardOptions,
} from '@tokenward/nestjs';
import { actAs, expectForbidden, expectUnauthorized } from '@tokenward/testing';
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
  maybe(@CurrentAuth('subject', 'optional') subject: string | undefined) {
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

test('the test says who calls, without a token, and requirements still apply', async () => {
  const origin = await start({ subject: 'ada', scopes: ['orders:read'] });
  expect((await send(origin, { path: '/orders' })).body).toEqual({ for: 'ada' });
  expect((await send(origin, { path: '/orders/admin' })).status).toBe(403);
  expect((await send(origin, { path: '/orders/health' })).status).toBe(200);
});

test('the test sets roles and claims', async () => {
  const origin = await start({ scopes: ['orders:read'], roles: ['admin'], claims: { acr: 'mfa' } });
  expect((await send(origin, { path: '/orders/admin' })).status).toBe(200);
});

test('a function returns the caller of each call; undefined is none', async () => {
  let who: ReturnType<Extract<Who, () => unknown>>;
  const origin = await start(() => who);
  expect((await send(origin, { path: '/orders' })).status).toBe(401);
  expect((await send(origin, { path: '/orders/maybe' })).body).toEqual({ subject: null });
  who = { subject: 'bob', scopes: ['orders:read'] };
  expect((await send(origin, { path: '/orders/maybe' })).body).toEqual({ subject: 'bob' });
});

test('providers can inject guards by the names that the test gives', async () => {
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

test('runAs() replaces the TokenwardModule of a whole application, and does not read its options about tokens', async () => {
  @Module({ imports: [TokenwardModule.forRoot({ issuer: 'not configured here' })], controllers: [OrdersController] })
  class AppModule {}

  const module = await runAs(Test.createTestingModule({ imports: [AppModule] }), { subject: 'eve', scopes: ['orders:read'] }).compile();
  app = module.createNestApplication({ logger: false });
  await app.listen(0, '127.0.0.1');
  expect((await send(await app.getUrl(), { path: '/orders' })).body).toEqual({ for: 'eve' });
});

describe('decides as the real guard does', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const told: string[] = [];
  const options: NestGuardOptions = {
    issuer: 'https://login.example.com',
    audience: 'https://api.example.com',
    jwks: { keys: [{ ...createPublicKey(privateKey).export({ format: 'jwk' }), kid: 'one', alg: 'ES256' }] },
    property: 'user',
    realm: 'orders',
    onDenied: (decision, context) => {
      told.push(decision.reason);
      context
        .switchToHttp()
        .getResponse<{ status(status: number): { send(body: unknown): unknown } }>()
        .status(decision.status)
        .send({ mine: decision.reason });
    },
  };

  @Controller('tenants')
  class TenantsController {
    @Get(':tenant')
    @Require(claim('tenant', (tenant, _auth, request) => request?.target === `/tenants/${String(tenant)}`))
    get(@Req() request: { user?: Auth; auth?: Auth }) {
      return { user: request.user?.subject ?? null, auth: request.auth?.subject ?? null };
    }

    @Get(':tenant/open')
    @OptionalAuth()
    open(@CurrentAuth('subject', 'optional') subject: string | undefined) {
      return { subject: subject ?? null };
    }
  }

  @Module({ imports: [TokenwardModule.forRoot(options)], controllers: [TenantsController] })
  class AppModule {}

  const who = () => ({ subject: 'ada', claims: { tenant: 'acme' } });

  test.each<[string, () => TestingModuleBuilder]>([
    ['in a whole application', () => runAs(Test.createTestingModule({ imports: [AppModule] }), who)],
    [
      'with options of its own',
      () =>
        Test.createTestingModule({
          imports: [TokenwardTestingModule.as(who, { property: 'user', onDenied: options.onDenied, realm: 'orders' })],
          controllers: [TenantsController],
        }),
    ],
  ])('policies see the request, `property` holds the Auth and onDenied answers, %s', async (_name, build) => {
    app = (await build().compile()).createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const origin = await app.getUrl();
    expect((await send(origin, { path: '/tenants/acme' })).body).toEqual({ user: 'ada', auth: null });
    const refused = await send(origin, { path: '/tenants/globex' });
    expect([refused.status, refused.body]).toEqual([403, { mine: 'insufficient_claim' }]);
    expect(told.splice(0)).toEqual(['insufficient_claim']);
  });

  test('refusals have the realm of the application, and no token is read', async () => {
    const { onDenied: _onDenied, ...answering } = options;

    @Module({ imports: [TokenwardModule.forRoot(answering)], controllers: [TenantsController] })
    class AnsweringModule {}

    app = (await runAs(Test.createTestingModule({ imports: [AnsweringModule] }), () => undefined).compile()).createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const origin = await app.getUrl();
    const refused = await send(origin, { path: '/tenants/acme', token: 'not looked at' });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Bearer realm="orders"/)]);
    expect((await send(origin, { path: '/tenants/acme/open', token: 'not looked at' })).body).toEqual({ subject: null });
  });

  test('refuses what the test revokes', async () => {
    const module = await runAs(Test.createTestingModule({ imports: [AppModule] }), who).compile();
    app = module.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    const origin = await app.getUrl();
    expect((await send(origin, { path: '/tenants/acme/open' })).body).toEqual({ subject: 'ada' });
    await module.get<NestGuard>(guardToken()).revocations.revoke({ subject: 'ada', issuer: 'https://issuer.test' });
    expect((await send(origin, { path: '/tenants/acme/open' })).status).toBe(401);
    expect(told.splice(0)).toEqual(['revoked']);
  });
});

test('a handler called by hand gets its arguments, and a controller can be created without our module', async () => {
  const module = await Test.createTestingModule({ controllers: [OrdersController] }).compile();
  expect(module.get(OrdersController).list({ subject: 'ada' } as Auth)).toEqual({ for: 'ada' });
});

test('the caller of a test is not a token', async () => {
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
  expect(seen).toEqual([expect.objectContaining({ message: expect.stringContaining('no guard created this value') })]);
});

describe('rule 275: actAs() in a whole application, with its own options', () => {
  const partner = { issuer: 'https://partner.invalid', audience: 'https://api.example.com' };

  @Controller('partners')
  @GuardedBy('partner')
  class PartnersController {
    @Get()
    get(@CurrentAuth() auth: Auth) {
      return { for: auth.subject, issuer: auth.issuer };
    }
  }

  @Module({
    imports: [
      TokenwardModule.forRoot({ issuer: 'https://login.invalid', audience: 'https://api.example.com' }),
      TokenwardModule.forRoot({ name: 'partner', ...partner }),
    ],
    controllers: [OrdersController, PartnersController],
  })
  class AppModule {}

  test.each(['express', 'fastify'] as const)('with fetch on %s, and by a named guard', async (platform) => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication(...((platform === 'fastify' ? [new FastifyAdapter(), { logger: false }] : [{ logger: false }]) as [never]));
    await app.listen(0, '127.0.0.1');
    const origin = await app.getUrl();
    const as = actAs(app);
    const ask = (path: string, headers: Record<string, string> = {}) => fetch(`${origin}${path}`, { headers });
    const own = await ask('/orders', { ...as({ subject: 'ada', scopes: ['orders:read'] }) });
    expect([own.status, await own.json()]).toEqual([200, { for: 'ada' }]);
    await expectForbidden(ask('/orders', { ...as({ scopes: ['other'] }) }), { scopes: ['orders:read'] });
    await expectUnauthorized(ask('/partners', { ...as() }), { error: 'invalid_token' });
    const asPartner = actAs(app.get<NestGuard>(guardToken('partner')));
    expect(await (await ask('/partners', { ...asPartner({ subject: 'eve' }) })).json()).toEqual({ for: 'eve', issuer: partner.issuer });
    await expectUnauthorized(ask('/orders', { ...asPartner({ scopes: ['orders:read'] }) }), { error: 'invalid_token' });
  });

  test('not where the test already sets the caller', async () => {
    const module = await runAs(Test.createTestingModule({ imports: [AppModule] }), {}).compile();
    app = module.createNestApplication({ logger: false });
    await app.init();
    expect(() => actAs(app)).toThrow(/needs a guard/);
  });
});

test('rule 276: a caller with an unknown member is an error', () => {
  expect(() => TokenwardTestingModule.as({ scope: 'orders:read' } as never)).toThrow('who: has scope. Write scopes, as a list');
  expect(() => runAs(Test.createTestingModule({}), { role: ['admin'] } as never)).toThrow(/has role, .*did you mean roles\?/);
});

test('it does not load in production', () => {
  const script = "import('@tokenward/nestjs/testing').then(() => console.log('loaded'), (error) => console.log(error.message))";
  const run = (env: string) =>
    spawnSync(process.execPath, ['-e', script], { cwd: import.meta.dirname, env: { ...process.env, NODE_ENV: env }, encoding: 'utf8' }).stdout;
  expect(run('production')).toMatch(/NODE_ENV is "production"/);
  expect(run('test')).toBe('loaded\n');
});

test('in production, the CommonJS copy of the package loads all but its part for tests', () => {
  const script =
    "for (const name of ['index', 'testing']) try { console.log(typeof require(`../dist/cjs/${name}.js`)); } catch (error) { console.log(error.message); }";
  const { stdout } = spawnSync(process.execPath, ['-e', script], {
    cwd: import.meta.dirname,
    env: { ...process.env, NODE_ENV: 'production' },
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^object\n.*NODE_ENV is "production"\n$/);
});
