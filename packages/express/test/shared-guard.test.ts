/* eslint-disable oxc/no-async-endpoint-handlers, typescript/await-thenable -- these are the careless ways that must not admit */
import { claim, createGuard, getAuth, scope } from '@tokenward/express';
import { createTestIssuer } from '@tokenward/testing';
import express from 'express';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';

const SECRET = { secret: 'SECRET' };

/** An app in which one guard stands on a route, and is called by hand on others. */
async function start(onDenied?: Parameters<typeof createGuard>[0] extends infer O ? (O & { onDenied?: unknown })['onDenied'] : never) {
  const issuer = await createTestIssuer();
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...(onDenied && { onDenied }) } as never);
  const needsA = guard(scope('a'));
  const app = express();
  app.get('/mounted', needsA, (_request, response) => void response.json(SECRET));
  app.get('/not-awaited', (request, response) => {
    needsA(request, response, () => {});
    response.json(SECRET);
  });
  app.get('/awaited', async (request, response, next) => {
    await needsA(request, response, next);
    if (!response.headersSent) response.json(SECRET);
  });
  app.use('/any', async (request, response) => {
    await (needsA as (...given: unknown[]) => Promise<void>)(request, response);
    response.json(SECRET);
  });
  app.get('/tenants/:tenant', guard((request) => claim('tenant', String(request.params['tenant']))), (request, response) => void response.json(getAuth(request).subject)); // prettier-ignore
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await guard.close();
    await issuer.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    issuer,
    async ask(path: string, init: RequestInit = {}) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, init);
      return `${answer.status} ${await answer.text()}`;
    },
  };
}

const WAYS = ['/not-awaited', '/awaited', '/any'];

test.each([false, true])('rule 157: a guard that stands on a route refuses where it is called by hand, too; once it is warm: %s', async (isWarm) => {
  for (const path of WAYS) {
    const { issuer, ask } = await start();
    const wrong = { authorization: `Bearer ${await issuer.issueToken({ scope: 'b' })}` };
    const stranger = { authorization: `Bearer ${await issuer.issueToken({ scope: 'a', header: { kid: 'made-up' } })}` };
    if (isWarm) expect(await ask('/mounted', { headers: wrong })).toMatch(/^403/);
    for (const headers of [{}, wrong, stranger]) expect(await ask(path, { headers }), path).toMatch(/^40[13] (?!.*SECRET)/);
  }
});

test('rule 157: an onDenied that answers late or throws opens nothing there', async () => {
  const late = (_decision: unknown, _request: unknown, response: express.Response): unknown =>
    new Promise<void>((resolve) => setTimeout(() => (response.status(403).send('no'), resolve()), 30));
  const throwing = (): never => {
    throw new Error('out of order');
  };
  for (const onDenied of [late, throwing]) {
    const { issuer, ask } = await start(onDenied as never);
    const headers = { authorization: `Bearer ${await issuer.issueToken({ scope: 'b' })}` };
    for (const path of WAYS) expect(await ask(path, { headers }), path).toMatch(/^(?:401|403|500) (?!.*SECRET)/);
  }
});

test('rules 108 and 157: a preflight made by hand does not get in where a mounted guard is called by hand', async () => {
  const { ask } = await start();
  const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };
  expect(await ask('/any', { method: 'OPTIONS', headers })).toMatch(/^401 (?!.*SECRET)/);
});
