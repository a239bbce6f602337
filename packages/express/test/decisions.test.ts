import express, { type Express } from 'express';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { claim, createGuard, scope, type ExpressGuardOptions } from '@tokenward/express';
import { createTestIssuer, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'], subject: 'ada', claims: { tenant: 'acme' } })}` };

function newGuard(options: ExpressGuardOptions = {}) {
  return createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
}

async function start(app: Express) {
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { server, port, origin: `http://127.0.0.1:${port}` };
}

test('refuse() throws unless it gets a refusal, a request and a response', async () => {
  const guard = newGuard();
  expect(() => guard.refuse({ outcome: 'allow' } as never, {} as never, {} as never)).toThrow(/got no refusal/);
  expect(() => guard.refuse({ outcome: 'deny' } as never, {} as never, {} as never)).toThrow(/Write await guard.refuse\(decision, req, res\)/);
  await guard.close();
});

test('rule 158: a guard without its parentheses, or in place of a policy, throws an error that says what to write', async () => {
  const guard = newGuard();
  const handler = vi.fn((_req: express.Request, res: express.Response) => void res.end());
  const app = express();
  const seen: string[] = [];
  for (const [path, slip] of Object.entries({ '/a': guard, '/b': guard.optional, '/c': createGuard })) app.get(path, slip as never, handler);
  app.use((error: Error, _req: express.Request, res: express.Response, _next: express.NextFunction) => {
    seen.push(error.message);
    res.status(500).end();
  });
  const { origin } = await start(app);
  for (const path of ['/a', '/b', '/c']) expect((await fetch(`${origin}${path}`, { headers: good })).status).toBe(500);
  expect(handler).not.toHaveBeenCalled();
  expect(seen.slice(0, 2)).toEqual([expect.stringContaining('write guard() and not guard'), expect.stringContaining('write guard() and not guard')]);
  expect(() => guard(guard() as never)).toThrow(/argument 1: is a guard/);
  expect(() => guard(scope as never)).toThrow(/is scope itself. Call it/);
  for (const given of [[], [undefined, undefined], [{}, {}], [{ headers: {} }, {}]])
    expect(() => (guard() as (...given: unknown[]) => unknown)(...given)).toThrow(/Write await guard/);
});

test('rule 159: makes a policy from each request, and refuses with 403 if the function returns none', async () => {
  const guard = newGuard();
  const app = express();
  app.use(
    '/tenants/:tenant',
    guard((req) => claim('tenant', String(req.params['tenant']))),
    (_req, res) => void res.end(),
  );
  app.get(
    '/none',
    guard((_req) => undefined as never),
    (_req, res) => void res.end(),
  );
  const { port, origin } = await start(app);

  async function statusOf(path: string): Promise<number | undefined> {
    const [response] = (await once(httpRequest({ port, path, headers: good }).end(), 'response')) as [{ statusCode?: number }];
    return response.statusCode;
  }

  for (const path of ['/tenants/acme', '/tenants/acme/', '/tenants/acme/x', '/tenants/%61cme']) expect(await statusOf(path), path).toBe(200);
  for (const path of ['/tenants/globex', '/tenants/ACME', '/tenants/acme/../globex', '/tenants/acme/%2e%2e/globex', '/tenants/acme/..%2fglobex', '/none']) {
    expect(await statusOf(path), path).toBe(403);
  }
  await expectUnauthorized(await fetch(`${origin}/none`));
});

test.each([[[]], [() => {}], [{}], [new Headers()]])('rule 158: check() throws for an object without headers: %s', async (given) => {
  const guard = newGuard();
  expect(() => guard.check(given as never)).toThrow(/guard\.check\(.*framework's request/);
  await guard.close();
});

test('rule 224: a refusal keeps nothing by which earlier middleware lets shared caches keep the answer', async () => {
  const app = express();
  app.use((_req, res, next) => {
    res.set({ 'CDN-Cache-Control': 'max-age=60', 'Cache-Control': 'public', 'X-Mine': '1' });
    next();
  });
  app.get('/x', newGuard()(), (_req, res) => void res.end());
  const { headers } = await fetch(`${(await start(app)).origin}/x`);
  expect([headers.get('cdn-cache-control'), headers.get('cache-control'), headers.get('x-mine')]).toEqual([null, 'no-store', '1']);
});
