import Fastify, { type FastifyReply, type FastifyServerOptions } from 'fastify';
import { getAuth, tokenward } from '@tokenward/fastify';
import { createTestIssuer, expectUnauthorized, expectUnavailable } from '@tokenward/testing';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';

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

test('warm() fetches the keys ahead of the first request', async () => {
  const { issuer, app, url, headers } = await serve();
  await app.guard.warm();
  issuer.misbehave('error');
  expect((await fetch(url, { headers })).status).toBe(200);
  expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });
});

test('the end of the app has those answered who wait for keys, so that it comes soon', async () => {
  const { issuer, app, url, headers } = await serve();
  issuer.misbehave('hang');
  const answer = fetch(url, { headers });
  await vi.waitFor(() => expect(issuer.requests.metadata).toBe(1));
  const startedAt = performance.now();
  const closed = app.close();
  await expectUnavailable(await answer);
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('rule 150: with checkContinue an upload is refused before its first byte, and one that may be is asked for by the app', async () => {
  const { app, port, headers } = await serve();
  app.server.on('checkContinue', app.routing);
  const refused = beginUpload(port, {});
  const [refusal] = (await once(refused.upload, 'response')) as [IncomingMessage];
  expect([refusal.statusCode, refusal.headers.connection]).toEqual([401, 'close']);
  expect(refused.continued).not.toHaveBeenCalled();
  refused.upload.destroy();

  const { upload, continued } = beginUpload(port, headers);
  await vi.waitFor(() => expect(continued).toHaveBeenCalledOnce());
  upload.end('a long body');
  const [response] = (await once(upload, 'response')) as [IncomingMessage];
  expect([response.statusCode, Buffer.concat(await response.toArray()).toString()]).toEqual([200, 'a long body']);
});

function beginUpload(port: number, headers: Record<string, string>) {
  const upload = request({ port, path: '/upload', method: 'POST', headers: { ...headers, expect: '100-continue', 'content-type': 'text/plain' } });
  const continued = vi.fn();
  upload.on('continue', continued).flushHeaders();
  return { upload, continued };
}

test('a server for HTTP/2 that takes HTTP/1.1, too, guards both', async () => {
  const [key, cert] = ['key', 'cert'].map((name) => readFileSync(new URL(`../../core/test/self-signed/${name}.pem`, import.meta.url)));
  const { port, headers } = await serve({ http2: true, https: { key, cert, allowHTTP1: true } });

  async function ask(given: Record<string, string>): Promise<Response> {
    const asked = httpsRequest({ port, host: '127.0.0.1', path: '/x', headers: given, rejectUnauthorized: false, agent: false }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(response.httpVersion).toBe('1.1');
    return new Response(await response.toArray().then(Buffer.concat), { status: response.statusCode!, headers: response.headers as Record<string, string> });
  }

  await expectUnauthorized(await ask({ connection: 'close' }));
  expect(await (await ask(headers)).json()).toEqual({ for: 'user-1' });
});
