import { readFileSync } from 'node:fs';
import Fastify from 'fastify';
import { tokenward } from '@tokenward/fastify';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test, vi } from 'vitest';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
const [, recipe = ''] = /## Readiness\n.*?```js\n(.*?)```/s.exec(readme) ?? [];

test('rule 169: /ready, as the README has it, comes back with the issuer though no other request comes', async () => {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  issuer.misbehave('error');
  const app = Fastify();
  onTestFinished(() => app.close());
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience, protect: 'all' });
  const errors = vi.fn();
  // eslint-disable-next-line typescript/no-implied-eval -- to the letter
  new Function('app', 'console', recipe)(app, { error: errors });
  const origin = await app.listen({ port: 0, host: '127.0.0.1' });
  await vi.waitFor(() => expect(errors).toHaveBeenCalled());
  expect((await fetch(`${origin}/ready`)).status).toBe(503);
  issuer.behave();
  await vi.waitFor(async () => expect((await fetch(`${origin}/ready`)).status).toBe(200), { timeout: 10_000, interval: 100 });
});
