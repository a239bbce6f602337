import express, { type NextFunction, type Request, type Response } from 'express';
import { createGuard, getAuth } from '@tokenward/express';
import { createTestIssuer } from '@tokenward/testing';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { onTestFinished, test } from 'vitest';
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

test('rule 150: with checkContinue, refuses an upload before its body, and lets the app ask for the body of an admitted one', async () => {
  const { app, guard, server, port, headers } = await serve();
  server.on('checkContinue', app);
  const askForBody = (_req: Request, res: Response, next: NextFunction): void => {
    res.writeContinue();
    next();
  };
  app.post('/upload', guard(), askForBody, express.text(), (req, res) => void res.send(req.body));
  await expectUploadsAskedFor(port, headers);
});
