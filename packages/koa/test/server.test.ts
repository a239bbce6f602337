import Koa from 'koa';
import { createGuard, getAuth } from '@tokenward/koa';
import { createTestIssuer, expectUnauthorized } from '@tokenward/testing';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { askSelfSigned, expectUploadsAskedFor, selfSigned } from '../../testing/test/exchanges.js';
import { handlerOf } from './start-koa.js';

async function serve() {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience });
  const app = new Koa();
  app.use(guard()).use((context, next) => {
    if (context.path === '/upload') return next();
    context.body = { for: getAuth(context).subject };
    return undefined;
  });
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { issuer, guard, app, server, port, url: `http://127.0.0.1:${port}/`, headers: { authorization: `Bearer ${await issuer.issueToken()}` } };
}

test('rule 150: with checkContinue, refuses an upload before its body, and lets the app ask for the body of an admitted one', async () => {
  const { app, server, port, headers } = await serve();
  app.use(async (context) => {
    context.res.writeContinue();
    context.body = await text(context.req);
  });
  server.on('checkContinue', handlerOf(app));
  await expectUploadsAskedFor(port, headers);
});

test('an HTTP/2 server with allowHTTP1 also guards HTTP/1.1 requests', async () => {
  const { app, headers } = await serve();
  const server = createSecureServer({ ...selfSigned(), allowHTTP1: true }, handlerOf(app)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  await expectUnauthorized(await askSelfSigned(port, '/', {}));
  expect(await (await askSelfSigned(port, '/', headers)).json()).toEqual({ for: 'user-1' });
});
