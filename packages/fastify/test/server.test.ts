import Fastify, { type FastifyReply, type FastifyServerOptions } from 'fastify';
import { getAuth, tokenward } from '@tokenward/fastify';
import { createTestIssuer, expectUnauthorized } from '@tokenward/testing';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { askSelfSigned, expectUploadsAskedFor, selfSigned } from '../../testing/test/exchanges.js';

async function serve(serverOptions: object = {}) {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  const app = Fastify(serverOptions as FastifyServerOptions);
  onTestFinished(() => app.close());
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience });
  app.get('/x', { onRequest: app.guard() }, async (request) => ({ for: getAuth(request).subject }));
  const askForBody = async (_request: unknown, reply: FastifyReply): Promise<void> => void reply.raw.writeContinue();
  app.post('/upload', { onRequest: [app.guard(), askForBody] }, async (request) => request.body);
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  return { issuer, app, port, url: `${origin}/x`, headers: { authorization: `Bearer ${await issuer.issueToken()}`, connection: 'close' } };
}

test('rule 150: with checkContinue, refuses an upload before its body, and lets the app ask for the body of an admitted one', async () => {
  const { app, port, headers } = await serve();
  app.server.on('checkContinue', app.routing);
  await expectUploadsAskedFor(port, headers);
});

test('an HTTP/2 server with allowHTTP1 also guards HTTP/1.1 requests', async () => {
  const { port, headers } = await serve({ http2: true, https: { ...selfSigned(), allowHTTP1: true } });

  await expectUnauthorized(await askSelfSigned(port, '/x', { connection: 'close' }));
  expect(await (await askSelfSigned(port, '/x', headers)).json()).toEqual({ for: 'user-1' });
});
