import { RevocationStoreError } from '@tokenward/redis';
import { describe, expect, test } from 'vitest';
import { freePort } from '../../testing/test/free-port.js';
import {
  answerOf,
  eventually,
  heard,
  isCurrentAgain,
  isRevokedIn,
  openGuard,
  openStore,
  ownServer,
  recordOf,
  reports,
  useServer,
  warmStore,
} from './stores.js';

const server = useServer();

describe('a server that is unreachable', () => {
  test('rule 112: every token gets 503, and the failure is reported', async () => {
    const store = openStore({ url: `redis://127.0.0.1:${await freePort()}`, timeoutSeconds: 1 });
    const { ask, guard } = await openGuard(store);
    const decision = await ask('session-1');
    expect(answerOf(decision)).toBe('503 revocations_unavailable');
    expect(decision.headers['Retry-After'] ?? decision.headers['retry-after']).toBe('1');
    await expect(guard.warm()).rejects.toBeInstanceOf(RevocationStoreError);
    await eventually(() => /^redis:\/\/127\.0\.0\.1:\d+: the connection was refused$/.test(store.health().lastError!), 'the failure is reported');
    expect(guard.health().ready).toBe(false);
  });

  test("rule 112: whenUnreachable: 'allow' accepts tokens that are not known to be revoked, and counts each request", async () => {
    const store = openStore({ url: `redis://127.0.0.1:${await freePort()}`, whenUnreachable: 'allow' });
    const { ask, issuer } = await openGuard(store);
    expect(answerOf(await ask('session-1'))).toBe('200');
    expect(store.health()).toMatchObject({ usable: true, uncheckedRequests: 1 });
    await expect(store.add(recordOf('session-1', { issuer: issuer.issuer }))).rejects.toBeInstanceOf(RevocationStoreError);
    expect(answerOf(await ask('session-1'))).toBe('401 revoked');
    expect(answerOf(await ask('session-2'))).toBe('200');
    expect(store.health().uncheckedRequests).toBe(3);
  });

  test('an unknown host name is reported', async () => {
    const store = openStore({ url: 'redis://nobody.invalid:6379' });
    await reports(store, 'redis://nobody.invalid:6379: the host name');
  });

  test('a server that starts later is used without a restart of the process', async () => {
    const late = await ownServer('--appendonly', 'yes', '--appendfsync', 'always');
    await late.kill();
    const store = openStore({ url: late.url });
    const { ask } = await openGuard(store);
    expect(answerOf(await ask('session-1'))).toBe('503 revocations_unavailable');
    const failed = heard('tokenward:revocations-failed');
    const synced = heard('tokenward:revocations-synced');
    await late.start();
    await isCurrentAgain(store);
    expect(answerOf(await ask('session-1'))).toBe('200');
    expect(synced).toEqual([{ entries: 0 }]);
    expect(failed.length).toBeLessThanOrEqual(1);
  });

  test('retries by itself after warm() failed, without a request', async () => {
    const late = await ownServer();
    await late.kill();
    const store = openStore({ url: late.url, timeoutSeconds: 1 });
    await expect(store.warm()).rejects.toBeInstanceOf(RevocationStoreError);
    const synced = heard('tokenward:revocations-synced');
    await late.start();
    await eventually(() => synced.length > 0, 'everything was read');
    expect(store.health().usable).toBe(true);
    await eventually(() => store.health().lastError === undefined, 'the outage is over');
  });

  test('warm() and add() keep a process alive until close()', async () => {
    const store = openStore({ url: `redis://127.0.0.1:${await freePort()}` });
    const warm = store.warm();
    expect(process.getActiveResourcesInfo()).toContain('Timeout');
    await store.close();
    await expect(warm).rejects.toThrow('closed');
    await expect(store.add(recordOf('session-1'))).rejects.toBeInstanceOf(RevocationStoreError);
    expect(isRevokedIn(store, 'session-1')).toBe(true);
    await store.close();
  });
});

test('a listener that throws stops neither other listeners nor the revocation', async () => {
  const store = await warmStore(server().url);
  let calls = 0;
  store.onAdded(() => {
    throw new Error('PLANTED');
  });
  store.onAdded(() => calls++);
  await store.add(recordOf('session-1'));
  expect(calls).toBe(1);
  expect(isRevokedIn(store, 'session-1')).toBe(true);
});
