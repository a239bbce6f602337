import { createTestClock } from '@tokenward/testing';
import { describe, expect, test } from 'vitest';
import { startProxy } from './proxy.js';
import { closing, eventually, KEYS, nowSeconds, openStore, recordOf, tokenOf, useServer, valuesIn, warmStore } from './stores.js';

const server = useServer();

describe('time', () => {
  test('rule 113: a process that starts later knows the cut-off of revocations that have ended', async () => {
    const now = nowSeconds();
    const old = recordOf('old', { issuedUntil: now - 20_000, until: now - 10_000 });
    const final = recordOf('final', { kind: 'token', issuedUntil: now - 15_000, until: now - 10_000, isFinal: true });
    const one = await warmStore(server().url);
    await Promise.all([one.add(old), one.add(final), one.add(recordOf('live'))]);
    one.find(tokenOf('any'), now);
    const longEnded = (await server().ask('ZRANGE', KEYS.records, '-inf', `(${now - 3600}`, 'BYSCORE')) as string[];
    expect(longEnded).toHaveLength(2);
    await server().ask('DEL', KEYS.stream);
    await eventually(async () => (await server().ask('HGET', KEYS.forgotten, old.issuer)) === String(old.issuedUntil), 'the cut-off is shared');
    await server().ask('ZREM', KEYS.records, ...longEnded);
    const later = await warmStore(server().url);
    const token = tokenOf('another', { issuedAt: old.issuedUntil });
    expect(later.find(token, now)).toMatchObject({ kind: 'issuer', issuedUntil: old.issuedUntil });
    expect(later.find({ ...token, issuedAt: old.issuedUntil + 1 }, now)).toBeUndefined();
  });

  test('records that ended long ago are removed from Redis, and their cut-off is kept', async () => {
    const now = nowSeconds();
    const ended = recordOf('ended', { issuedUntil: now - 20_000, until: now - 10_000 });
    const final = recordOf('final', { issuedUntil: now - 15_000, until: now - 10_000, isFinal: true });
    const lately = recordOf('lately', { issuedUntil: now - 30_000, until: now - 60 });
    const one = await warmStore(server().url);
    await Promise.all([one.add(ended), one.add(final), one.add(lately), one.add(recordOf('live'))]);
    await server().ask('ZADD', KEYS.records, String(now - 10_000), 'junk');
    // each store removes them when it starts, and about once a minute
    await warmStore(server().url);
    await eventually(async () => (await server().ask('ZCARD', KEYS.records)) === 3, 'two are left');
    expect(await valuesIn(server())).toEqual(['lately', 'live']);
    expect(await server().ask('HGET', KEYS.forgotten, ended.issuer)).toBe(String(ended.issuedUntil));
    const later = await warmStore(server().url);
    expect(later.find(tokenOf('another', { issuedAt: ended.issuedUntil }), now)).toBeDefined();
    expect(later.find(tokenOf('another', { issuedAt: ended.issuedUntil + 1 }), now)).toBeUndefined();
  });

  test('an overflow in one process sets the cut-off in all processes, and in later ones', async () => {
    const small = openStore({ url: server().url, maxEntries: 100 });
    const large = openStore({ url: server().url });
    await Promise.all([small.warm(), large.warm()]);
    const dropped: number[] = [];
    small.onOverflow((overflow) => dropped.push(overflow.issuedUntil));
    const now = nowSeconds();
    for (let at = 0; at < 101; at++) void large.add(recordOf(`session-${at}`, { issuedUntil: now - 200 + at }));
    await eventually(() => dropped.length > 0, 'the store overflows');
    const token = tokenOf('never-revoked', { issuedAt: dropped[0]! });
    await eventually(() => large.find(token, now) !== undefined, 'the other refuses them too');
    const later = await warmStore(server().url);
    expect(later.find(token, now)).toBeDefined();
    expect(later.find({ ...token, issuedAt: now }, now)).toBeUndefined();
  });

  test('the age is measured by the monotonic clock: setting the wall clock changes nothing', async () => {
    const clock = createTestClock();
    const store = openStore({ url: server().url, clock, maxMirrorAgeSeconds: 60 });
    await store.warm();
    clock.skewWall(100_000);
    expect(store.isCurrent()).toBe(true);
    clock.skewWall(-200_000);
    expect(store.isCurrent()).toBe(true);
    await server().ask('CLIENT', 'PAUSE', '1200', 'ALL');
    clock.advance(61);
    expect(store.isCurrent()).toBe(false);
    expect(store.health().ageSeconds).toBeGreaterThanOrEqual(61);
    await eventually(() => store.isCurrent(), 'it is current again');
  });

  test('a record that was removed by hand is written back within a quarter of an hour, and the store stays current', async () => {
    const clock = createTestClock();
    const store = openStore({ url: server().url, clock, maxMirrorAgeSeconds: 3600 });
    await store.warm();
    await Promise.all([store.add(recordOf('session-1')), store.add(recordOf('session-2'))]);
    const [text] = (await server().ask('ZRANGE', KEYS.records, '0', '0')) as string[];
    await server().ask('ZREM', KEYS.records, text!);
    clock.advance(15 * 60);
    await eventually(async () => (await server().ask('ZCARD', KEYS.records)) === 3, 'it is in Redis again');
    expect(store.isCurrent()).toBe(true);
  });

  test('waits until another process has written back what was lost', async () => {
    const startedAt = performance.now();
    await server().ask('ZADD', KEYS.restoring, String(Math.ceil(Date.now() / 1000) + 1), 'another');
    await warmStore(server().url);
    expect(performance.now() - startedAt).toBeGreaterThan(1300);
  });

  test('rule 115: waits for a process that writes back although the clock of the server was set back since', async () => {
    await server().ask('ZADD', KEYS.restoring, String(Math.ceil(Date.now() / 1000) + 35), 'another');
    const store = openStore({ url: server().url });
    let isWarm = false;
    const warming = store.warm().then(() => (isWarm = true));
    // a server that has just started is waited for, too, for 3 s
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect([isWarm, store.isCurrent()]).toEqual([false, false]);
    await server().ask('ZREM', KEYS.restoring, 'another');
    await warming;
    expect(store.isCurrent()).toBe(true);
  });

  test('rule 115: warm() does not give up between two answers while others write back', async () => {
    const proxy = closing(await startProxy(server().port), (proxy) => proxy.close());
    const startedAt = Date.now();
    await server().ask('ZADD', KEYS.restoring, String(Math.ceil(startedAt / 1000) + 8), 'another');
    const store = openStore({ url: proxy.url, timeoutSeconds: 2 });
    const warming = store.warm();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    // longer than the next look is away: most of the time, the wait is over until the answer extends it
    proxy.delay(700);
    await warming;
    expect(Date.now() - startedAt).toBeGreaterThan(7000);
  });

  test('waits for no process that seems to write back for longer than it can have announced, as after the clock was set back', async () => {
    await server().ask('ZADD', KEYS.restoring, String(Math.ceil(Date.now() / 1000) + 3600), 'another', '+inf', 'lately:another');
    const startedAt = performance.now();
    await warmStore(server().url);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });

  test('a new data set is relied upon only after others had the time to write back what they know', async () => {
    await server().ask('FLUSHALL');
    expect(await msToWarm()).toBeGreaterThan(1900);
    // later processes do not wait; on a busy machine one of several shows it
    await eventually(async () => (await msToWarm()) < 1900, 'a later process does not wait');
  });

  async function msToWarm(): Promise<number> {
    const startedAt = performance.now();
    await warmStore(server().url);
    return performance.now() - startedAt;
  }
});
