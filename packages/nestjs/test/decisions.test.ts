import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Controller, Get, Inject, Logger, Param, Req, ServiceUnavailableException, type ExecutionContext } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  claim,
  ConfigurationError,
  CurrentAuth,
  guardToken,
  observe,
  OptionalAuth,
  Policies,
  Public,
  scope,
  type Auth,
  type Events,
  type NestGuard,
  type PolicyRequest,
} from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());
afterEach(() => vi.restoreAllMocks());

const tenantInPath = ({ params }: PolicyRequest) => claim('tenant', params['tenant']!);

@Controller('tenants/:tenant')
class TenantsController {
  constructor(@Inject(guardToken()) readonly guard: NestGuard) {}

  @Get('orders')
  @Policies(tenantInPath, scope('orders:read'))
  orders() {
    return 'orders';
  }

  @Get('files/:name')
  @Policies(scope('orders:read'))
  async file(@CurrentAuth() auth: Auth, @Req() request: object, @Param('name') name: string) {
    const decision = this.guard.permit(
      auth,
      claim('files', (_files, _auth, seen) => seen?.params?.['name'] === 'own'),
      request,
    );
    return decision.outcome === 'deny' ? this.guard.refuse(decision, request) : name;
  }

  @Get('broken')
  @Policies((_request) => {
    throw new Error('out of order');
  })
  broken() {
    return 'broken';
  }

  @Get('nothing')
  @Policies((_request) => undefined as never)
  nothing() {
    return 'nothing';
  }

  @Get('maybe')
  @OptionalAuth()
  @Policies(tenantInPath)
  maybe() {
    return 'maybe';
  }
}

@Public()
@Controller()
class ReadinessController {
  constructor(@Inject(guardToken()) readonly guard: NestGuard) {}

  @Get('ready')
  ready() {
    const { ready } = this.guard.health();
    if (!ready) throw new ServiceUnavailableException({ ready });
    return { ready };
  }

  @Get('checked')
  async checked(@Req() request: IncomingMessage) {
    const decision = await this.guard.check(request, scope('feed'));
    return { outcome: decision.outcome };
  }
}

describe.each(['express', 'fastify'] as const)('decisions on %s', (platform) => {
  test('makes a policy from the request: a tenant in the path', async () => {
    const { ask } = await world.start({ platform, controllers: [TenantsController] });
    const token = await world.token({ scope: 'orders:read', claims: { tenant: 'acme' } });
    expect((await ask({ path: '/tenants/acme/orders', token })).body).toBe('orders');
    expect((await ask({ path: '/tenants/%61cme/orders', token })).status).toBe(200);
    for (const path of ['/tenants/globex/orders', '/tenants/ACME/orders', '/tenants/acme%2f..%2fglobex/orders']) {
      expect((await ask({ path, token })).status, path).toBe(403);
    }
    const refused = await ask({ path: '/tenants/acme/orders', token: await world.token({ claims: { tenant: 'acme' } }) });
    expect([refused.status, refused.body]).toMatchObject([403, { scope: 'orders:read' }]);
    expect((await ask({ path: '/tenants/acme/orders' })).status).toBe(401);
    expect((await ask({ path: '/tenants/acme/maybe' })).body).toBe('maybe');
    expect((await ask({ path: '/tenants/globex/maybe', token })).status).toBe(403);
  });

  test('refuses if the function throws or returns no policy', async () => {
    const { ask } = await world.start({ platform, controllers: [TenantsController] });
    for (const end of ['broken', 'nothing']) {
      expect((await ask({ path: `/tenants/acme/${end}`, token: await world.token() })).status).toBe(403);
      expect((await ask({ path: `/tenants/acme/${end}` })).status).toBe(401);
    }
  });

  test('permit() reads the request, and refuse() answers as the guard does, by onDenied if given', async () => {
    const token = await world.token({ scope: 'orders:read', claims: { files: true } });
    const { ask } = await world.start({ platform, controllers: [TenantsController] });
    expect((await ask({ path: '/tenants/acme/files/own', token })).body).toBe('own');
    const refused = await ask({ path: '/tenants/acme/files/other', token });
    expect([refused.status, refused.body, refused.headers.get('content-type')]).toMatchObject([
      403,
      { error: 'insufficient_scope' },
      expect.stringContaining('application/problem+json'),
    ]);
    expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer /);
    const mine = await world.start({
      platform,
      controllers: [TenantsController],
      options: {
        onDenied(decision, context) {
          context
            .switchToHttp()
            .getResponse<{ status(status: number): { send(body: unknown): void } }>()
            .status(decision.status)
            .send({ mine: decision.reason });
        },
      },
    });
    expect((await mine.ask({ path: '/tenants/acme/files/other', token })).body).toEqual({ mine: 'insufficient_claim' });
  });

  test('onDenied can return the decision, and onRefused only observes', async () => {
    const seen: unknown[] = [];
    const { ask } = await world.start({
      platform,
      controllers: [TenantsController],
      options: {
        onDenied: (decision) => decision,
        onRefused(decision, context: ExecutionContext) {
          seen.push([decision.reason, context.getHandler().name]);
          throw new Error('out of order');
        },
      },
    });
    vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    expect((await ask({ path: '/tenants/acme/orders' })).body).toMatchObject({ status: 401, title: 'Unauthorized' });
    expect(seen).toEqual([['missing_token', 'orders']]);
  });

  test('readiness is 503 until the keys are fetched, as the README shows', async () => {
    const { ask, app } = await world.start({ platform, controllers: [ReadinessController] });
    expect(await ask({ path: '/ready' })).toMatchObject({ status: 503, body: { ready: false } });
    await app.get<NestGuard>(guardToken()).warm();
    expect(await ask({ path: '/ready' })).toMatchObject({ status: 200, body: { ready: true } });
  });

  test('check() decides and sends no response', async () => {
    const { ask } = await world.start({ platform, controllers: [ReadinessController] });
    expect((await ask({ path: '/checked' })).body).toEqual({ outcome: 'deny' });
    expect((await ask({ path: '/checked', token: await world.token() })).body).toEqual({ outcome: 'deny' });
    expect((await ask({ path: '/checked', token: await world.token({ scope: 'feed' }) })).body).toEqual({ outcome: 'allow' });
  });

  test('publishes a refusal with the matched route', async () => {
    const { ask } = await world.start({ platform, controllers: [TenantsController] });
    const told: Events['tokenward:refused'][] = [];
    const end = observe('tokenward:refused', (event) => told.push(event));
    await ask({ path: '/tenants/acme/orders?token=secret' });
    end();
    expect(told).toMatchObject([{ route: '/tenants/:tenant/orders', path: '/tenants/acme/orders', method: 'GET', reason: 'missing_token' }]);
    if (platform === 'fastify') expect(told[0]!.requestId).toMatch(/./);
  });
});

test('check() decides for an upgrade, which Nest does not see', async () => {
  const { app } = await world.start({ controllers: [ReadinessController] });
  const guard = app.get<NestGuard>(guardToken());
  const server = createServer().on('upgrade', (request, socket) => {
    void Promise.resolve(guard.check(request, scope('feed'))).then(({ outcome }) => socket.end(`HTTP/1.1 ${outcome === 'allow' ? 101 : 401} x\r\n\r\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  for (const [token, status] of [
    ['bad', '401'],
    [await world.token({ scope: 'feed' }), '101'],
  ] as const) {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(`GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    expect((await text(socket)).slice(9, 12)).toBe(status);
  }
  server.close();
});

describe("Nest's logger", () => {
  beforeEach(() => vi.spyOn(Logger, 'isLevelEnabled').mockReturnValue(true));

  test('prints refusals at the level debug, without credentials, and outages as warnings', async () => {
    const debug = vi.spyOn(Logger, 'debug').mockImplementation(() => {});
    const warn = vi.spyOn(Logger, 'warn').mockImplementation(() => {});
    const { ask } = await world.start({ controllers: [TenantsController] });
    await ask({ path: '/tenants/acme/orders', token: 'secret.secret.secret' });
    expect(debug.mock.calls.map(([line]) => String(line))).toEqual([expect.stringMatching(/^TenantsController\.orders refused with 401 \(\w+\): /)]);
    expect(JSON.stringify(debug.mock.calls)).not.toContain('secret');
    expect(warn).not.toHaveBeenCalled();
    const away = await world.start({ controllers: [TenantsController], options: { fetch: () => Promise.reject(new Error('away')) } });
    expect((await away.ask({ path: '/tenants/acme/orders', token: await world.token() })).status).toBe(503);
    expect(warn.mock.calls.map(([line]) => String(line))).toEqual([expect.stringMatching(/refused with 503 \(keys_unavailable\)/)]);
  });
});

test('@Policies() throws for anything but a policy', () => {
  for (const wrong of [[], [undefined], [scope], [() => scope('a')], [(_a: unknown, _b: unknown) => scope('a')]]) {
    expect(() => (Policies as (...given: unknown[]) => unknown)(...wrong)).toThrow(ConfigurationError);
  }
});
