import Koa from 'koa';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { createGuard, scope } from '@tokenward/koa';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';
import { handlerOf } from './start-koa.js';

const COOKIES = ['__Host-session=1; Path=/; Secure', '__Host-session.1=2; Path=/; Secure'];

test('Koa answers an error without the headers of the app, and with the cookies of the session', async () => {
  const issuer = await createTestIssuer();
  const session = { [SESSION_CREDENTIALS]: async () => ({ token: await issuer.issueToken(), headers: { 'set-cookie': COOKIES } }) };
  const app = new Koa();
  app.silent = true;
  const first = createGuard({ issuer: issuer.issuer, audience: issuer.audience, session });
  const second = createGuard({
    issuer: issuer.issuer,
    audience: issuer.audience,
    session,
    property: 'second',
    onDenied: (_decision, context) => context.throw(409, 'refused'),
  });
  app.use(first());
  app.use(async (context, next) => {
    context.set('x-app', '1');
    context.append('set-cookie', 'app=1');
    if (context.path === '/missing') context.throw(404);
    if (context.path === '/own') context.throw(400, 'bad', { headers: { 'set-cookie': 'error=1' } });
    // eslint-disable-next-line typescript/only-throw-error -- an app may
    if (context.path === '/odd') throw 'no error';
    await next();
  });
  app.use(second(scope('never')));
  const server = createServer(handlerOf(app)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    for (const guard of [first, second]) await guard.close();
    await issuer.close();
  });
  const ask = async (path: string): Promise<[number, string | null, string[]]> => {
    const { status, headers } = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { headers: { cookie: 'a=1' } });
    return [status, headers.get('x-app'), headers.getSetCookie()];
  };
  expect(await ask('/missing')).toEqual([404, null, COOKIES]);
  expect(await ask('/own')).toEqual([400, null, ['error=1', ...COOKIES]]);
  expect(await ask('/odd')).toEqual([500, null, COOKIES]);
  expect(await ask('/refused')).toEqual([409, null, COOKIES]);
});
