import { describe, expect, test } from 'vitest';
import { NEXT, script } from '../src/data-set.js';
import { eventually, heard, isCurrentAgain, isRevokedIn, KEYS, nowSeconds, openStore, recordOf, textOf, useServer, valuesIn } from './stores.js';

const server = useServer();
const MEBIBYTE = 1_048_576;

/** Values are made on the server: a client would take long to send them. */
const fill = (command: string, mebibytes = 8): Promise<unknown> =>
  server().ask('EVAL', `local text = string.rep('x', ${mebibytes * MEBIBYTE}) return ${command}`, '0');

/** How much the server has sent to anybody. */
async function sentBytes(): Promise<number> {
  return Number(/total_net_output_bytes:(\d+)/.exec(String(await server().ask('INFO', 'stats')))![1]);
}

describe('what is too large to be a revocation', () => {
  test('an entry of the stream of 64 MB is left out, told once, and stops nobody: those who follow, those who were cut off, newcomers', async () => {
    const store = openStore({ url: server().url, maxMirrorAgeSeconds: 5, timeoutSeconds: 3 });
    await store.warm();
    await store.add(recordOf('before'));
    const failed = heard('tokenward:revocations-failed');
    await fill(`redis.call('XADD', '${KEYS.stream}', '*', 'r', text)`, 64);
    await server().ask('XADD', KEYS.stream, '*', 'r', textOf('after'));
    await eventually(() => isRevokedIn(store, 'after'), 'what came behind it is known');
    expect(store.isCurrent()).toBe(true);
    const newcomer = openStore({ url: server().url, maxMirrorAgeSeconds: 5, timeoutSeconds: 3 });
    await newcomer.warm();
    await newcomer.add(recordOf('later'));
    await eventually(() => isRevokedIn(store, 'later'), 'news go on');
    expect([store.isCurrent(), newcomer.isCurrent(), isRevokedIn(newcomer, 'before')]).toEqual([true, true, true]);
    expect(store.health().lastError).toMatch(/what is no revocation was found under the prefix and left aside, 1 times$/);
    expect(failed.filter(({ message }) => message.includes('no revocation'))).toHaveLength(1);
  });

  test('many of them in a row are passed in time, also by one that was cut off meanwhile', async () => {
    const store = openStore({ url: server().url, maxMirrorAgeSeconds: 5, timeoutSeconds: 1 });
    await store.warm();
    const before = await sentBytes();
    await server().ask('CLIENT', 'KILL', 'TYPE', 'normal');
    await server().ask(
      'EVAL',
      `local text = string.rep('x', ${2 * MEBIBYTE}) for at = 1, 40 do redis.call('XADD', '${KEYS.stream}', '*', 'r', text, 'r', text) end`,
      '0',
    );
    await server().ask('XADD', KEYS.stream, '*', 'r', textOf('after'));
    await eventually(() => isRevokedIn(store, 'after') && store.isCurrent(), 'all are passed');
    // of 160 MiB no more than what whoever waits was sent before it could look
    expect((await sentBytes()) - before).toBeLessThan(24 * MEBIBYTE);
  });

  test.each([
    ['a record', `redis.call('ZADD', '${KEYS.records}', '+inf', text)`],
    ['a record that is long over', `redis.call('ZADD', '${KEYS.records}', '5', text)`],
    ["an issuer's name", `redis.call('HSET', '${KEYS.forgotten}', text, '5')`],
    ["an issuer's moment", `redis.call('HSET', '${KEYS.forgotten}', 'https://login.example.test', text)`],
    ['an entry of many fields', `(function() for at = 1, 3 do redis.call('XADD', '${KEYS.stream}', '*', 'a', text, 'b', text) end end)()`],
    ['one who writes back', `redis.call('ZADD', '${KEYS.restoring}', '+inf', text)`],
  ])('%s of 8 MB', async (_name, command) => {
    await fill(command);
    await server().ask('ZADD', KEYS.records, String(nowSeconds() + 60), textOf('known'));
    const before = await sentBytes();
    const store = openStore({ url: server().url, maxMirrorAgeSeconds: 5, timeoutSeconds: 3 });
    if (!command.includes(KEYS.restoring)) await store.warm();
    await eventually(() => isRevokedIn(store, 'known'), 'all is read');
    expect((await sentBytes()) - before).toBeLessThan(4 * MEBIBYTE);
    await store.add(recordOf('new'));
    expect(await valuesIn(server()).then((values) => values.includes('new'))).toBe(true);
    if (!command.includes(KEYS.restoring)) await isCurrentAgain(store);
  });

  test('an entry of 80,000 empty fields is too large: only its id is sent', async () => {
    await server().ask('XADD', KEYS.stream, '*', ...Array.from({ length: 80_000 }, () => ''));
    const [[, texts]] = (await server().ask(...script(NEXT, KEYS, '0-0', 10))) as [[id: string, texts: string[]]];
    expect(texts).toEqual(['r', '']);
  });

  test('a name of the data set of 8 MB is none: it is named anew, and what is known is written back', async () => {
    const store = openStore({ url: server().url, maxMirrorAgeSeconds: 5, timeoutSeconds: 3 });
    await store.warm();
    await store.add(recordOf('known'));
    await fill(`redis.call('SET', '${KEYS.epoch}', text)`);
    await eventually(async () => (await server().ask('STRLEN', KEYS.epoch)) !== 8 * MEBIBYTE, 'it has another name');
    await eventually(() => store.isCurrent(), 'the store is current again');
    expect(isRevokedIn(store, 'known')).toBe(true);
  });
});
