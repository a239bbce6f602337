import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { createGuard } from '@tokenward/express';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test, vi } from 'vitest';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, recipe = ''] = /## Readiness\n.*?```js\n(.*?)```/s.exec(readme) ?? [];

test('rule 169: /ready, as the README has it, comes back with the issuer though no other request comes', async () => {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  issuer.misbehave('error');
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience });
  onTestFinished(() => guard.close());
  const app = express();
  const errors = vi.fn();
  // eslint-disable-next-line typescript/no-implied-eval -- to the letter
  new Function('app', 'guard', 'console', recipe)(app, guard, { error: errors });
  app.use(guard());
  const server = app.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  const ready = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ready`;
  await vi.waitFor(() => expect(errors).toHaveBeenCalled());
  expect((await fetch(ready)).status).toBe(503);
  issuer.behave();
  await vi.waitFor(async () => expect((await fetch(ready)).status).toBe(200), { timeout: 10_000, interval: 100 });
});
