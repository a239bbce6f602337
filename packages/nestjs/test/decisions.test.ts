import type { IncomingMessage } from 'node:http';
import { Controller, Get, Inject, Logger, Req, ServiceUnavailableException, type ExecutionContext } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { claim, ConfigurationError, guardToken, observe, Policies, Public, scope, type Events, type NestGuard, type PolicyRequest } from '@tokenward/nestjs';
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
  @Get('orders')
  @Policies(tenantInPath, scope('orders:read'))
  orders() {
    return 'orders';
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
    expect((await ask({ path: '/checked', token: await world.token({ scopes: ['feed'] }) })).body).toEqual({ outcome: 'allow' });
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
    expect(warn.mock.calls.map(([line]) => String(line))).toEqual([
      expect.stringMatching(/refused with 503 \(keys_unavailable\): .* \(https:\/\/tokenward\.github\.io\/tokenward\/reasons\/keys-unavailable\/\)$/),
    ]);
  });

  test('leaves out a refusal that the guard has printed on stderr', async () => {
    const lines = printedLines();
    for (const level of ['debug', 'warn'] as const) vi.spyOn(Logger, level).mockImplementation((line) => void lines.push(String(line)));
    const { ask } = await world.start({ controllers: [TenantsController], options: { fetch: () => Promise.reject(new Error('away')) } });
    const good = { token: await world.token() };
    for (const sent of [{}, {}, { token: 'secret.secret.secret' }, good, good]) await ask({ path: '/tenants/acme/orders', ...sent });
    expect(lines).toEqual([
      expect.stringMatching(/^tokenward: GET .* -> 401 missing_token: /),
      expect.stringMatching(/^TenantsController\.orders refused with 401 \(missing_token\): /),
      expect.stringMatching(/^tokenward: GET .* -> 401 malformed_token: /),
      expect.stringMatching(/^tokenward: GET .* -> 503 keys_unavailable: /),
      expect.stringMatching(/^TenantsController\.orders refused with 503 \(keys_unavailable\): /),
    ]);
  });
});

/** Switches hints on, and returns the lines that they print. */
function printedLines(): string[] {
  const lines: string[] = [];
  vi.stubEnv('TOKENWARD_HINTS', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.spyOn(process.stderr, 'write').mockImplementation((line) => {
    if (String(line).startsWith('tokenward: ')) lines.push(String(line));
    return true;
  });
  return lines;
}

test('@Policies() throws for anything but a policy', () => {
  for (const wrong of [[], [undefined], [scope], [() => scope('a')], [(_a: unknown, _b: unknown) => scope('a')]]) {
    expect(() => (Policies as (...given: unknown[]) => unknown)(...wrong)).toThrow(ConfigurationError);
  }
});

test('rule 224: a refusal keeps nothing by which earlier middleware lets shared caches keep the answer', async () => {
  const { ask } = await world.start({
    controllers: [TenantsController],
    prepare(app) {
      app.use((_req: unknown, res: { set(fields: object): void }, next: () => void) => {
        res.set({ 'CDN-Cache-Control': 'max-age=60', 'Cache-Control': 'public', 'X-Mine': '1' });
        next();
      });
    },
  });
  const { headers } = await ask({ path: '/tenants/acme/orders' });
  expect([headers.get('cdn-cache-control'), headers.get('cache-control'), headers.get('x-mine')]).toEqual([null, 'no-store', '1']);
});
