import { describe, expect, test } from 'vitest';
import { script } from '../src/data-set.js';
import { READ_AFTER } from '../src/stream-scripts.js';
import { eventually, heard, isCurrentAgain, isRevokedIn, KEYS, nowSeconds, openStore, recordOf, textOf, tokenOf, useServer, valuesIn } from './stores.js';

const server = useServer();
const MEBIBYTE = 1_048_576;

/** Makes the values on the server, because a client would take long to send them. */
const fill = (command: string, mebibytes = 8): Promise<unknown> =>
  server().ask('EVAL', `local text = string.rep('x', ${mebibytes * MEBIBYTE}) return ${command}`, '0');

/** Returns how many bytes the server has sent to all clients. */
async function sentBytes(): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(String(await server().ask('INFO', 'stats')))![1]);
}

describe('entries that are too large to be revocations', () => {
  test('skips a stream entry of 64 MB and reports it once, in running and in new processes', async () => {
    const store = openStore({ url: server().url });
    await store.warm();
    await store.add(recordOf('before'));
    const failed = heard('tokenward:revocations-failed');
    await fill(`redis.call('XADD', '${KEYS.stream}', '*', 'r', text)`, 64);
    await server().ask('XADD', KEYS.stream, '*', 'r', textOf('after'));
    await eventually(() => isRevokedIn(store, 'after'), 'the entry after it is known');
    expect(store.isCurrent()).toBe(true);
    const newcomer = openStore({ url: server().url });
    await newcomer.warm();
    await newcomer.add(recordOf('later'));
    await eventually(() => isRevokedIn(store, 'later'), 'later entries arrive');
    expect([store.isCurrent(), newcomer.isCurrent(), isRevokedIn(newcomer, 'before')]).toEqual([true, true, true]);
    expect(store.health().lastError).toMatch(/: skipped texts under the prefix that are not revocations: 1$/);
    expect(failed.filter(({ message }) => message.includes('not revocations'))).toHaveLength(1);
  });

  test('reads past many in a row, in a process that was cut off meanwhile too', async () => {
    const store = openStore({ url: server().url });
    await store.warm();
    const before = await sentBytes();
    await server().ask('CLIENT', 'KILL', 'TYPE', 'normal');
    await server().ask(
      'EVAL',
      `local text = string.rep('x', ${2 * MEBIBYTE}) for at = 1, 40 do redis.call('XADD', '${KEYS.stream}', '*', 'r', text, 'r', text) end`,
      '0',
    );
    await server().ask('XADD', KEYS.stream, '*', 'r', textOf('after'));
    await eventually(() => isRevokedIn(store, 'after') && store.isCurrent(), 'it read past all of them');
    // of 160 MiB, only what a blocking read was sent before it could check the size
    expect((await sentBytes()) - before).toBeLessThan(24 * MEBIBYTE);
  });

  test.each([
    ['a record', `redis.call('ZADD', '${KEYS.records}', '+inf', text)`],
    ['a record that ended long ago', `redis.call('ZADD', '${KEYS.records}', '5', text)`],
    ["an issuer's name", `redis.call('HSET', '${KEYS.forgotten}', text, '5')`],
    ["an issuer's moment", `redis.call('HSET', '${KEYS.forgotten}', 'https://login.example.test', text)`],
    ['an entry of many fields', `(function() for at = 1, 3 do redis.call('XADD', '${KEYS.stream}', '*', 'a', text, 'b', text) end end)()`],
    ['the name of a process that writes back', `redis.call('ZADD', '${KEYS.restoring}', redis.call('TIME')[1] + 3, text)`],
  ])('does not send %s of 8 MB to clients', async (_name, command) => {
    await fill(command);
    await server().ask('ZADD', KEYS.records, String(nowSeconds() + 60), textOf('known'));
    const before = await sentBytes();
    const store = openStore({ url: server().url });
    await store.warm();
    await eventually(() => isRevokedIn(store, 'known'), 'everything is read');
    expect((await sentBytes()) - before).toBeLessThan(4 * MEBIBYTE);
    await store.add(recordOf('new'));
    expect(await valuesIn(server()).then((values) => values.includes('new'))).toBe(true);
    await isCurrentAgain(store);
  });

  test('reads the cut-offs of many issuers in pages', async () => {
    await server().ask('EVAL', `for at = 1, 5000 do redis.call('HSET', '${KEYS.forgotten}', 'https://t-' .. at .. '.test', '${nowSeconds()}') end`, '0');
    await server().ask('CONFIG', 'RESETSTAT');
    const store = openStore({ url: server().url });
    await store.warm();
    for (const at of [1, 2500, 5000]) expect(store.find(tokenOf('any', { issuer: `https://t-${at}.test` }), nowSeconds())).toMatchObject({ kind: 'issuer' });
    const commands = String(await server().ask('INFO', 'commandstats'));
    expect(Number(/cmdstat_hscan:calls=(\d+)/.exec(commands)?.[1])).toBeGreaterThanOrEqual(5);
    expect(commands).not.toContain('cmdstat_hgetall');
  });

  test('sends only the id of an entry with 80,000 empty fields', async () => {
    await server().ask('XADD', KEYS.stream, '*', ...Array.from({ length: 80_000 }, () => ''));
    const [[[, texts]]] = (await server().ask(...script(READ_AFTER, KEYS, '0-0', 10, 0))) as [[[id: string, texts: string[]]], number];
    expect(texts).toEqual(['r', '']);
  });

  test('replaces an epoch of 8 MB, and writes back what is known', async () => {
    const store = openStore({ url: server().url });
    await store.warm();
    await store.add(recordOf('known'));
    await fill(`redis.call('SET', '${KEYS.epoch}', text)`);
    await eventually(async () => (await server().ask('STRLEN', KEYS.epoch)) !== 8 * MEBIBYTE, 'the epoch is replaced');
    await eventually(() => store.isCurrent(), 'the store is current again');
    expect(isRevokedIn(store, 'known')).toBe(true);
  });
});
