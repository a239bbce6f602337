import { expect, test } from 'vitest';
import { startProxy, type Proxy } from './proxy.js';
import { closing, eventually, heard, KEYS, openStore, recordOf, useServer, valuesIn } from './stores.js';

const server = useServer();

async function openProxy(): Promise<Proxy> {
  return closing(await startProxy(server().port), (proxy) => proxy.close());
}

/** Only the script that adds records holds this. */
const ADDING = 'local records, fields';
/** Only the command that waits for entries holds this. */
const WAITING = 'BLOCK';

test('rule 115: writes a record back although the answer to its first write comes after the loss', async () => {
  const proxy = await openProxy();
  const store = openStore({ url: proxy.url });
  await store.warm();
  const held = proxy.holdReplies(ADDING);
  const adding = store.add(recordOf('session-1'));
  await held;
  await eventually(async () => (await valuesIn(server())).includes('session-1'), 'it is in Redis');
  const synced = heard('tokenward:revocations-synced');
  await server().ask('FLUSHALL');
  await eventually(() => synced.length > 0, 'everything was read again');
  proxy.behave();
  await adding;
  await eventually(async () => (await valuesIn(server())).includes('session-1'), 'it is in Redis again', 5000);
});

test('rule 115: writes a record again that a failover lost after it was acknowledged, and before this process read it', async () => {
  const proxy = await openProxy();
  const store = openStore({ url: proxy.url });
  await store.warm();
  const held = proxy.holdReplies(WAITING);
  await store.add(recordOf('session-0'));
  await held;
  const before = (await server().ask('XINFO', 'STREAM', KEYS.stream)) as readonly unknown[];
  await store.add(recordOf('session-1'));
  await loseEntriesSince(before, 'session-1');
  proxy.reset();
  await eventually(async () => (await valuesIn(server())).includes('session-1'), 'it is in Redis again', 10_000);
});

/** Leaves the data set as a promoted replica has it that did not get the last records. */
async function loseEntriesSince(before: readonly unknown[], value: string): Promise<void> {
  const [lastId, added] = ['last-generated-id', 'entries-added'].map((name) => String(before[before.indexOf(name) + 1]));
  const text = ((await server().ask('ZRANGE', KEYS.records, '0', '-1')) as string[]).find((one) => one.includes(value));
  const lose = `
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', '1')
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('XDEL', KEYS[2], last[1][1])
redis.call('XSETID', KEYS[2], ARGV[2], 'ENTRIESADDED', ARGV[3], 'MAXDELETEDID', '0-0')
return last[1][2][2]`;
  expect(await server().ask('EVAL', lose, '2', KEYS.records, KEYS.stream, text!, lastId!, added!)).toBe(text);
}
