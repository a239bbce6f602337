import { readFileSync } from 'node:fs';
import { Router } from '@koa/router';
import Koa from 'koa';
import { createGuard } from '@tokenward/koa';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { listen } from './start-koa.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, recipe = ''] = /## Readiness\n.*?```js\n(.*?)```/s.exec(readme) ?? [];

test('rule 169: /ready, as the README has it, comes back with the issuer though no other request comes', async () => {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  issuer.misbehave('error');
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience });
  const router = new Router();
  const errors = vi.fn();
  // eslint-disable-next-line typescript/no-implied-eval -- to the letter
  new Function('router', 'guard', 'console', recipe)(router, guard, { error: errors });
  const running = await listen(new Koa().use(router.routes() as never).use(guard() as never), guard);
  onTestFinished(() => running.close());
  const ready = `${running.origin}/ready`;
  await vi.waitFor(() => expect(errors).toHaveBeenCalled());
  expect((await fetch(ready)).status).toBe(503);
  issuer.behave();
  await vi.waitFor(async () => expect((await fetch(ready)).status).toBe(200), { timeout: 10_000, interval: 100 });
});
