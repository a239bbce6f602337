import { createGuard, type FetchGuard } from '@tokenward/fetch';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test, vi } from 'vitest';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
afterAll(() => issuer.close());

function newReceiver(): ReturnType<FetchGuard['backchannelLogout']> {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience });
  onTestFinished(() => guard.close());
  return guard.backchannelLogout({ clientId: 'web-app' });
}

async function logout(body: RequestInit['body'], type = 'application/x-www-form-urlencoded'): Promise<Request> {
  return new Request('https://api.example.test/logout', {
    method: 'POST',
    body: body ?? null,
    headers: { 'content-type': type },
    duplex: 'half',
  });
}

const form = async (): Promise<string> => `logout_token=${await issuer.issueLogoutToken({ clientId: 'web-app', sessionId: 'session-1' })}`;

test('rule 118: receives a logout token, in one piece or in several', async () => {
  const receive = newReceiver();
  expect((await receive(await logout(await form()))).status).toBe(200);
  const bytes = new TextEncoder().encode(await form());
  const pieces = ReadableStream.from([bytes.slice(0, 10), bytes.slice(10, 11), bytes.slice(11)]);
  const answer = await receive(await logout(pieces as never));
  expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store']);
});

test('rule 118: refuses a body that is too long, was read or is locked, and a request without one', async () => {
  const receive = newReceiver();
  let pulled = 0;
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(10_000).fill(++pulled && 97)) });
  const read = await logout(await form());
  await read.text();
  const locked = await logout(await form());
  locked.body!.getReader();
  const broken = new ReadableStream({ pull: () => Promise.reject(new Error('out of order')) });
  for (const request of [
    await logout(endless as never),
    read,
    locked,
    await logout(broken as never),
    new Request('https://api.example.test/', { method: 'POST' }),
  ])
    expect((await receive(request)).status).toBe(400);
  expect(pulled).toBeLessThan(12);
  expect((await receive(new Request('https://api.example.test/'))).status).toBe(405);
  await expect(receive({} as never)).rejects.toThrow(/got no Request/);
});

test('rule 118: waits for the body only so long', async () => {
  const receive = newReceiver();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const bytes = new TextEncoder().encode(await form());
  let isCancelled = false;
  const slow = new ReadableStream({
    start: (controller) => controller.enqueue(bytes),
    cancel: () => void (isCancelled = true),
  });
  const answer = receive(await logout(slow as never));
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await answer).status).toBe(400);
  expect(isCancelled).toBe(true);
});
