import express, { type NextFunction, type Request, type Response } from 'express';
import { createGuard, getAuth } from '@tokenward/express';
import { createTestIssuer, expectUnavailable } from '@tokenward/testing';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { expectUploadsAskedFor } from '../../testing/test/exchanges.js';

async function serve() {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience });
  const app = express();
  app.all('/x', guard(), (req, res) => void res.json({ for: getAuth(req).subject }));
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { issuer, guard, app, server, port, url: `http://127.0.0.1:${port}/x`, headers: { authorization: `Bearer ${await issuer.issueToken()}` } };
}

test('warm() fetches the keys ahead of the first request', async () => {
  const { issuer, guard, url, headers } = await serve();
  await guard.warm();
  issuer.misbehave('error');
  expect((await fetch(url, { headers })).status).toBe(200);
  expect(issuer.requests).toEqual({ metadata: 1, jwks: 1 });
});

test('close() has those answered who wait for keys, so that the server ends soon', async () => {
  const { issuer, guard, server, url, headers } = await serve();
  issuer.misbehave('hang');
  const answer = fetch(url, { headers: { ...headers, connection: 'close' } });
  await vi.waitFor(() => expect(issuer.requests.metadata).toBe(1));
  const closed = once(server, 'close');
  const startedAt = performance.now();
  server.close();
  await guard.close();
  await expectUnavailable(await answer);
  await closed;
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test('rule 150: with checkContinue an upload is refused before its first byte, and one that may be is asked for by the app', async () => {
  const { app, guard, server, port, headers } = await serve();
  server.on('checkContinue', app);
  const askForBody = (_req: Request, res: Response, next: NextFunction): void => {
    res.writeContinue();
    next();
  };
  app.post('/upload', guard(), askForBody, express.text(), (req, res) => void res.send(req.body));
  await expectUploadsAskedFor(port, headers);
});
