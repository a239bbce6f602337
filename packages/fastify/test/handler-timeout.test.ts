import { setTimeout as wait } from 'node:timers/promises';
import Fastify from 'fastify';
import { afterAll, expect, test } from 'vitest';
import { createTestIssuer } from '@tokenward/testing';
import { tokenward } from '@tokenward/fastify';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());

const TIMEOUT_MS = 20;

/** Sends a request to an app whose keys arrive long after the `handlerTimeout` of its route. */
async function ask(token: string, isAwaited = true): Promise<{ status: number; body: string }> {
  const app = Fastify();
  const fetchLate: typeof fetch = async (...given) => {
    await wait(TIMEOUT_MS * 3);
    return fetch(...given);
  };
  await app.register(tokenward, { issuer: issuer.issuer, audience: issuer.audience, fetch: fetchLate });
  const guard = app.guard();
  app.get('/', { handlerTimeout: TIMEOUT_MS }, async (request, reply) => {
    const guarded = guard(request, reply);
    if (isAwaited) await guarded;
    return 'admitted';
  });
  try {
    const origin = await app.listen({ port: 0, host: '127.0.0.1' });
    const response = await fetch(origin, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.text() };
  } finally {
    await app.close();
  }
}

test('rule 157: a handler that awaits its guard answers even if the keys arrive after its handlerTimeout', async () => {
  expect(await ask(await issuer.issueToken())).toEqual({ status: 200, body: 'admitted' });
});

test('rule 157: refuses an invalid token even if the keys arrive after the handlerTimeout', async () => {
  const { status, body } = await ask(await issuer.issueToken({ audience: 'https://other.example' }));
  expect(status).toBe(401);
  expect(body).not.toContain('admitted');
});

test('rule 157: answers 500 for a handler with a handlerTimeout that does not await its guard', async () => {
  const { status, body } = await ask(await issuer.issueToken(), false);
  expect(status).toBe(500);
  expect(body).toContain('was called but not awaited');
});
