import express, { type Express } from 'express';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { claim, createGuard, getAuth, policy, scope, type Deny, type ExpressGuardOptions } from '@tokenward/express';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());
const good = { authorization: `Bearer ${await issuer.issueToken({ scope: 'a', subject: 'ada', claims: { tenant: 'acme' } })}` };

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

test('check decides on an upgrade, answers nothing, and shares the revocations', async () => {
  const guard = newGuard();
  const { server, port } = await start(express());
  // eslint-disable-next-line typescript/no-misused-promises -- as the README has it
  server.on('upgrade', async (req, socket) => {
    const decision = await guard.check(req, scope('a'));
    socket.end(
      `HTTP/1.1 ${decision.outcome === 'allow' ? `101 ${getAuth(req as express.Request).subject}` : `${decision.status} No`}\r\nConnection: close\r\n\r\n`,
    );
  });
  const token = await issuer.issueToken({ scope: 'a', subject: 'ada', claims: { sid: 'session-1' } });

  async function upgrade(headers: Record<string, string>): Promise<number | undefined> {
    const asked = httpRequest({ port, headers: { connection: 'Upgrade', upgrade: 'websocket', ...headers } }).end();
    const [response] = (await Promise.race([once(asked, 'response'), once(asked, 'upgrade')])) as [{ statusCode?: number }];
    asked.destroy();
    return response.statusCode;
  }

  expect(await upgrade({})).toBe(401);
  expect(await upgrade({ authorization: `Bearer ${token}` })).toBe(101);
  expect(await upgrade({ authorization: `Bearer ${await issuer.issueToken({ scope: 'b' })}` })).toBe(403);
  await guard.revocations.revoke({ sessionId: 'session-1' }, { reason: 'logout' });
  expect(await upgrade({ authorization: `Bearer ${token}` })).toBe(401);
  await guard.close();
});

test('permit gives its predicates the request, and refuse answers as the guard does', async () => {
  for (const onDenied of [undefined, (decision: Deny, _req: unknown, res: express.Response) => void res.status(decision.status).json({ mine: true })]) {
    const guard = newGuard({ onDenied });
    const app = express();
    app.get('/x/:tenant', guard(), (req, res) => {
      const own = claim('tenant', (tenant, _auth, request) => request?.params?.['tenant'] === tenant);
      const decision = guard.permit(getAuth(req), own, req);
      if (decision.outcome === 'deny') return void guard.refuse(decision, req, res);
      res.json({ ok: true });
    });
    const { origin } = await start(app);
    expect((await fetch(`${origin}/x/acme`, { headers: good })).status).toBe(200);
    const refused = await fetch(`${origin}/x/globex`, { headers: good });
    if (onDenied) expect([refused.status, await refused.json()]).toEqual([403, { mine: true }]);
    else await expectForbidden(refused);
    expect(() => guard.refuse({ outcome: 'allow' } as never, {} as never, {} as never)).toThrow(/got no refusal/);
    expect(() => guard.refuse({ outcome: 'deny' } as never, {} as never, {} as never)).toThrow(/Write await guard.refuse\(decision, req, res\)/);
  }
});

test('onRefused sees each refusal and changes none, whatever it does', async () => {
  const seen: unknown[] = [];
  const guard = newGuard({
    onRefused(decision, req) {
      seen.push([decision.reason, req.path]);
      throw new Error('out of order');
    },
  });
  const app = express();
  app.get('/x', guard(scope('b')), (_req, res) => void res.end());
  const { origin } = await start(app);
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
  onTestFinished(() => warned.mockRestore());
  await expectUnauthorized(await fetch(`${origin}/x`), { scope: 'b' });
  await expectForbidden(await fetch(`${origin}/x`, { headers: good }), { scope: 'b' });
  expect(seen).toEqual([
    ['missing_token', '/x'],
    ['insufficient_scope', '/x'],
  ]);
});

test('an onDenied that gives the decision back has the guard answer', async () => {
  for (const onDenied of [(decision: Deny) => decision, async (decision: Deny) => decision]) {
    const app = express();
    app.get('/x', newGuard({ onDenied })(scope('b')), (_req, res) => void res.end());
    const { origin } = await start(app);
    await expectUnauthorized(await fetch(`${origin}/x`), { scope: 'b' });
  }
});

test('rule 158: a guard without its brackets, and one where a policy belongs, say what to write', async () => {
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

test('rule 159: a policy made of the request is that of each request, and refuses where it can not be made', async () => {
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

test('a request that only looks like one of Express is answered', async () => {
  const guard = newGuard();
  for (const asked of [
    { headers: good },
    { headers: good, method: 'GET', url: '/x' },
    { headers: { Authorization: good.authorization }, rawHeaders: undefined },
  ]) {
    expect(await guard.check(asked as never)).toMatchObject({ outcome: 'allow' });
  }
  expect(
    await guard.check(
      { headers: {} } as never,
      policy('any', () => true),
    ),
  ).toMatchObject({ status: 401, reason: 'missing_token' });
});

test.each([undefined, null, 'GET /', 7, [], () => {}, {}, new Headers()])('rule 158: check of %s says what to give, and admits nobody', async (given) => {
  const guard = newGuard();
  expect(() => guard.check(given as never)).toThrow(/guard\.check\(.*\. Pass the framework's request or context/);
  await guard.close();
});

test('rule 158: permit without an Auth, or with something else for a request, says what to give', async () => {
  const guard = newGuard();
  const decision = await guard.check({ headers: good } as never);
  if (decision.outcome !== 'allow' || !decision.auth) throw new Error('it is admitted');
  for (const none of [undefined, null, 'ada']) expect(() => guard.permit(none as never, scope('a'))).toThrow(/permit\(auth, policy\): auth must be/);
  for (const none of [null, 'GET /', []])
    expect(() => guard.permit(decision.auth, scope('a'), none as never)).toThrow(/guard\.permit\(.*\. Pass the framework's request/);
  expect(guard.permit(decision.auth, scope('a')).outcome).toBe('allow');
  await guard.close();
});
