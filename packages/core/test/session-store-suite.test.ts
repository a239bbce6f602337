import { ConfigurationError, memorySessions } from '@tokenward/core';
import { createTestClock } from '@tokenward/testing';
import { sessionStoreSuite } from '@tokenward/testing/store-suite';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

describe('memorySessions', () => {
  sessionStoreSuite({ test }, async () => ({ store: memorySessions(), close: async () => {} }));

  const session = (index: number, until: number, labels: readonly string[] = []): Parameters<ReturnType<typeof memorySessions>['create']>[0] => ({
    key: `key-${index}`,
    sealed: 'sealed',
    version: 1,
    until,
    issuedAt: 1,
    labels,
  });

  test.each([{ maxEntries: 0 }, { maxEntries: 1.5 }, { maxEntries: '10' }, { clock: Date }, { maxEntrys: 5 }])('throws for the options %j', (options) => {
    expect(() => memorySessions(options as object)).toThrow(ConfigurationError);
  });

  test('rule 70: keeps a bounded number of sessions, and those that were used last', async () => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => emitWarning.mockRestore());
    const store = memorySessions({ maxEntries: 100, clock: createTestClock('2030-01-01T00:00:00Z') });
    for (let index = 0; index < 1000; index++) {
      expect(emitWarning).toHaveBeenCalledTimes(index > 100 ? 1 : 0);
      await store.create(session(index, 1e10));
      expect(await store.read('key-0')).toBeDefined();
    }
    expect(store.health().entries).toBe(100);
    expect(await store.read('key-1')).toBeUndefined();
    expect(await store.read('key-999')).toBeDefined();
    expect(emitWarning).toHaveBeenCalledWith(expect.stringContaining('has 100 sessions'), { code: 'TOKENWARD_EVICTION' });
  });

  test('rule 70: sessions that have ended go first', async () => {
    const clock = createTestClock('2030-01-01T00:00:00Z');
    const now = clock.now() / 1000;
    const store = memorySessions({ maxEntries: 3, clock });
    for (let index = 0; index < 2; index++) await store.create(session(index, now + 10));
    await store.create(session(2, now + 1000, ['label']));
    clock.advance(11);
    await store.create(session(3, now + 1000));
    expect(store.health().entries).toBe(2);
    expect(await store.removeLabelled('label')).toHaveLength(1);
  });

  test('rule 70: one user cannot end the sessions of others: of more than 1000 with a label, the oldest goes', async () => {
    const store = memorySessions({ clock: createTestClock('2030-01-01T00:00:00Z') });
    await store.create(session(0, 1e10, ['victim']));
    for (let index = 1; index <= 2000; index++) await store.create(session(index, 1e10, ['attacker']));
    expect(store.health().entries).toBe(1001);
    expect(await store.read('key-0')).toBeDefined();
    expect(await store.read('key-2000')).toBeDefined();
  });

  test('rule 70: nor in a small store: one user has at most half of it', async () => {
    const store = memorySessions({ maxEntries: 100, clock: createTestClock('2030-01-01T00:00:00Z') });
    await store.create(session(0, 1e10, ['victim']));
    for (let index = 1; index <= 200; index++) await store.create(session(index, 1e10, ['attacker']));
    expect(store.health().entries).toBe(51);
    expect(await store.read('key-0')).toBeDefined();
  });

  test('a session that is read cannot be changed by its reader', async () => {
    const store = memorySessions();
    await store.create(session(1, 1e10, ['label']));
    expect(Object.isFrozen(await store.read('key-1'))).toBe(true);
    expect(Object.isFrozen((await store.read('key-1'))?.labels)).toBe(true);
  });

  test('leases end by the monotonic clock, and their number is bounded', async () => {
    const clock = createTestClock();
    const store = memorySessions({ clock });
    for (let index = 0; index < 100_000; index++) await store.lease(`lease-${index}`, 10);
    expect(() => store.lease('one more', 10)).toThrow('too many leases');
    clock.skewWall(3600);
    expect(await store.lease('lease-0', 10)).toBeUndefined();
    clock.advance(10);
    expect(await store.lease('one more', 10)).toBeDefined();
    expect(await store.lease('lease-0', 10)).toBeDefined();
  });
});
