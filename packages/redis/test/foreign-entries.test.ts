import { ConfigurationError } from '@tokenward/core';
import { describe, expect, test } from 'vitest';
import { eventually, heard, isCurrentAgain, isRevokedIn, KEYS, nowSeconds, recordOf, tokenOf, useServer, warmStore } from './stores.js';

const server = useServer();

describe('entries that this package did not write', () => {
  const JUNK = [
    '',
    'x',
    '{}',
    '[]',
    'null',
    '"session"',
    '["session"]',
    '['.repeat(20_000),
    JSON.stringify(['session', 'https://login.example.test', 'x', '1', 2, 0, 'logout']),
    JSON.stringify(['session', 'https://login.example.test', 'x', 1, null, 0, 'logout']),
    JSON.stringify(['session', 'https://login.example.test', 'x', -1, 2, 0, 'logout']),
    JSON.stringify(['session', 'https://login.example.test', 'x', 1, 1e300, 0, 'logout']),
    JSON.stringify(['session', 'https://login.example.test', 'x', 1, 2, true, 'logout']),
    JSON.stringify(['session', 'https://login.example.test', 'x'.repeat(2049), 1, 2, 0, 'logout']),
    JSON.stringify(['session', 'https://login.example.test', '', 1, 2, 0, 'logout']),
    JSON.stringify(['session', '', 'x', 1, 2, 0, 'logout']),
    JSON.stringify(['issuer', 'https://login.example.test', 'x', 1, 2, 0, 'logout']),
    JSON.stringify(['__proto__', 'https://login.example.test', 'x', 1, 2, 0, 'logout']),
    JSON.stringify(['session', { toString: 1 }, 'x', 1, 2, 0, 'logout']),
    '\u0000\u00ff',
  ];

  test('texts that are not revocations are skipped, are reported once, and change nothing', async () => {
    const one = await warmStore(server().url);
    await one.add(recordOf('session-1'));
    const failed = heard('tokenward:revocations-failed');
    for (const text of JUNK) {
      await server().ask('ZADD', KEYS.records, '5', text);
      await server().ask('XADD', KEYS.stream, '*', 'r', text);
    }
    await server().ask('XADD', KEYS.stream, '*', 'other', 'field', 'and', 'more');
    await server().ask('HSET', KEYS.forgotten, 'https://login.example.test', 'x', 'https://other.example.test', '1e999', '', '5');
    await one.add(recordOf('session-2'));
    const newcomer = await warmStore(server().url);
    await eventually(() => one.health().lastError !== undefined, 'they are reported');
    for (const store of [one, newcomer]) {
      await isCurrentAgain(store);
      expect(store.health().entries).toBe(2);
      expect(store.health().lastError).toMatch(/: skipped texts under the prefix that are not revocations: \d+$/);
      expect(isRevokedIn(store, 'session-1') && isRevokedIn(store, 'session-2')).toBe(true);
      expect(isRevokedIn(store, 'x')).toBe(false);
    }
    // the second store finds the first of them before it has read everything
    expect(failed.map(({ usable }) => usable)).toEqual([true, false]);
  });

  test.each(['18446744073709551615', '9007199254740993', '10000000000000000000'])('reads on after an entry with the sequence number %s', async (sequence) => {
    const store = await warmStore(server().url);
    const synced = heard('tokenward:revocations-synced');
    await server().ask('XADD', KEYS.stream, `${Date.now()}-${sequence}`, 'r', 'x');
    await store.add(recordOf('session-1'));
    await server().ask('XADD', KEYS.stream, `${Date.now() + 1000}-${sequence}`, 'r', 'x');
    await eventually(() => store.health().ageSeconds! > 0 && store.health().lastError?.includes('skipped'), 'the entries are read');
    const readAtMs = performance.now();
    await eventually(() => performance.now() - store.health().ageSeconds! * 1000 > readAtMs, 'the server is asked again, and answers');
    expect(store.isCurrent()).toBe(true);
    // no entry counts as lost
    expect(synced).toEqual([]);
  });

  test('keeps a revocation with a reason or a member that only a newer version knows', async () => {
    const store = await warmStore(server().url);
    const text = JSON.stringify(['session', 'https://login.example.test', 'newer', nowSeconds(), nowSeconds() + 60, 0, 'quantum', { more: 1 }]);
    await server().ask('XADD', KEYS.stream, '*', 'r', text);
    await eventually(() => isRevokedIn(store, 'newer'), 'it is read');
    expect(store.find(tokenOf('newer'), nowSeconds())!.reason).toBe('unspecified');
  });

  test('add() throws for a record that is not a revocation', async () => {
    const store = await warmStore(server().url);
    await expect(store.add(recordOf('x'.repeat(2049)))).rejects.toThrow(ConfigurationError);
    await expect(store.add(recordOf('x', { until: Infinity }))).rejects.toThrow(ConfigurationError);
    expect(store.health().entries).toBe(0);
  });
});

describe('rule 307: whoever can write to Redis', () => {
  /** Removes the revocation of `session-1`, as if it had never been there. */
  async function removeRecord(): Promise<void> {
    const [text] = (await server().ask('ZRANGE', KEYS.records, '0', '-1')) as [string];
    const [[id]] = (await server().ask('XRANGE', KEYS.stream, '-', '+')) as [[string]];
    await server().ask('ZREM', KEYS.records, text);
    await server().ask('XDEL', KEYS.stream, id);
  }

  test('can refuse all tokens of an issuer, in running processes and in later ones', async () => {
    const store = await warmStore(server().url);
    const text = JSON.stringify(['issuer', 'https://login.example.test', '', nowSeconds(), nowSeconds() + 60, 0, 'unspecified']);
    await server().ask('ZADD', KEYS.records, `${nowSeconds() + 60}`, text);
    await server().ask('XADD', KEYS.stream, '*', 'r', text);
    await eventually(() => isRevokedIn(store, 'any'), 'it is read');
    expect(isRevokedIn(await warmStore(server().url), 'any')).toBe(true);
  });

  test('makes no running process forget a revocation, and can keep one from processes that start later', async () => {
    const store = await warmStore(server().url);
    await store.add(recordOf('session-1'));
    await removeRecord();
    await store.add(recordOf('session-2'));
    const newcomer = await warmStore(server().url);
    await isCurrentAgain(store);
    expect([isRevokedIn(store, 'session-1'), isRevokedIn(store, 'session-2')]).toEqual([true, true]);
    expect([isRevokedIn(newcomer, 'session-1'), isRevokedIn(newcomer, 'session-2')]).toEqual([false, true]);
  });
});
