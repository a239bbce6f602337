import { createTestClock } from '@tokenward/testing';
import { describe, expect, test } from 'vitest';
import { eventually, KEYS, nowSeconds, openStore, recordOf, tokenOf, useServer, valuesIn, warmStore } from './stores.js';

const server = useServer();

describe('time', () => {
  test('rule 113: a process that starts later knows what revocations left behind that are over', async () => {
    const now = nowSeconds();
    const old = recordOf('old', { issuedUntil: now - 20_000, until: now - 10_000 });
    const final = recordOf('final', { kind: 'token', issuedUntil: now - 15_000, until: now - 10_000, isFinal: true });
    const one = await warmStore(server().url);
    await Promise.all([one.add(old), one.add(final), one.add(recordOf('live'))]);
    one.find(tokenOf('any'), now);
    const longOver = (await server().ask('ZRANGE', KEYS.records, '-inf', `(${now - 3600}`, 'BYSCORE')) as string[];
    expect(longOver).toHaveLength(2);
    await server().ask('DEL', KEYS.stream);
    await eventually(async () => (await server().ask('HGET', KEYS.forgotten, old.issuer)) === String(old.issuedUntil), 'it is shared');
    await server().ask('ZREM', KEYS.records, ...longOver);
    const later = await warmStore(server().url);
    const token = tokenOf('another', { issuedAt: old.issuedUntil });
    expect(later.find(token, now)).toMatchObject({ kind: 'issuer', issuedUntil: old.issuedUntil });
    expect(later.find({ ...token, issuedAt: old.issuedUntil + 1 }, now)).toBeUndefined();
  });

  test('what is long over is taken out of Redis, and what it leaves behind is kept', async () => {
    const now = nowSeconds();
    const over = recordOf('over', { issuedUntil: now - 20_000, until: now - 10_000 });
    const final = recordOf('final', { issuedUntil: now - 15_000, until: now - 10_000, isFinal: true });
    const lately = recordOf('lately', { issuedUntil: now - 30_000, until: now - 60 });
    const one = await warmStore(server().url);
    await Promise.all([one.add(over), one.add(final), one.add(lately), one.add(recordOf('live'))]);
    await server().ask('ZADD', KEYS.records, String(now - 10_000), 'junk');
    // each does it when it begins, and every minute or so
    await warmStore(server().url);
    await eventually(async () => (await server().ask('ZCARD', KEYS.records)) === 3, 'two are left');
    expect(await valuesIn(server())).toEqual(['lately', 'live']);
    expect(await server().ask('HGET', KEYS.forgotten, over.issuer)).toBe(String(over.issuedUntil));
    const later = await warmStore(server().url);
    expect(later.find(tokenOf('another', { issuedAt: over.issuedUntil }), now)).toBeDefined();
    expect(later.find(tokenOf('another', { issuedAt: over.issuedUntil + 1 }), now)).toBeUndefined();
  });

  test('an overflow in one process is one in all, and in those that come later', async () => {
    const small = openStore({ url: server().url, maxEntries: 100, timeoutSeconds: 2 });
    const large = openStore({ url: server().url, timeoutSeconds: 2 });
    await Promise.all([small.warm(), large.warm()]);
    const dropped: number[] = [];
    small.onOverflow((overflow) => dropped.push(overflow.issuedUntil));
    const now = nowSeconds();
    for (let at = 0; at < 101; at++) void large.add(recordOf(`session-${at}`, { issuedUntil: now - 200 + at }));
    await eventually(() => dropped.length > 0, 'there was no room');
    const token = tokenOf('never-revoked', { issuedAt: dropped[0]! });
    await eventually(() => large.find(token, now) !== undefined, 'the other refuses them, too');
    const later = await warmStore(server().url);
    expect(later.find(token, now)).toBeDefined();
    expect(later.find({ ...token, issuedAt: now }, now)).toBeUndefined();
  });

  test('the age is counted by the monotonic clock: one that is set back or ahead changes nothing', async () => {
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

  test('what somebody takes out by hand is written back within a quarter of an hour, and nothing is refused for it', async () => {
    const clock = createTestClock();
    const store = openStore({ url: server().url, clock, maxMirrorAgeSeconds: 3600 });
    await store.warm();
    await Promise.all([store.add(recordOf('session-1')), store.add(recordOf('session-2'))]);
    const [text] = (await server().ask('ZRANGE', KEYS.records, '0', '0')) as string[];
    await server().ask('ZREM', KEYS.records, text!);
    clock.advance(15 * 60);
    await eventually(async () => (await server().ask('ZCARD', KEYS.records)) === 3, 'it is there again');
    expect(store.isCurrent()).toBe(true);
  });

  test('one that others write back is relied upon when they are done', async () => {
    await server().ask('ZADD', KEYS.restoring, String(Math.ceil(Date.now() / 1000) + 1), 'another');
    const began = performance.now();
    await warmStore(server().url);
    expect(performance.now() - began).toBeGreaterThan(1300);
  });

  test('a data set that is new is relied upon when others have had the time to write back what they know', async () => {
    await server().ask('FLUSHALL');
    const began = performance.now();
    const store = openStore({ url: server().url, timeoutSeconds: 3 });
    await store.warm();
    expect(performance.now() - began).toBeGreaterThan(1900);
    const second = openStore({ url: server().url, timeoutSeconds: 3 });
    const beganSecond = performance.now();
    await second.warm();
    expect(performance.now() - beganSecond).toBeLessThan(1900);
  });
});
