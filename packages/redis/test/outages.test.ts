import { observe } from '@tokenward/core';
import { expect, test } from 'vitest';
import { collectOutageWarnings } from '../../testing/test/outage-warnings.js';
import { agingStores, closing, eventually, heard, isCurrentAgain, ownServer, recordOf, useServer, warmStore } from './stores.js';

const server = useServer();

test('rule 169: an outage prints one warning at its start and one at its end, although both reading and writing fail', async () => {
  const durable = await ownServer('--appendonly', 'yes', '--appendfsync', 'always');
  const { stores, expire } = await agingStores(durable.url);
  const store = stores[0]!;
  const { messages } = collectOutageWarnings();
  await durable.kill();
  await store.add(recordOf('meanwhile')).catch(() => {});
  await eventually(() => messages.length > 0, 'the outage is reported');
  expire();
  await store.add(recordOf('then')).catch(() => {});
  const where = durable.url.replace('127.0.0.1', '127\\.0\\.0\\.1');
  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatch(
    new RegExp(
      `^tokenward: cannot exchange revocations with ${where}: .+\\. Requests are checked .+ answered with 503 in \\d+ s\\. \\(https://tokenward\\.github\\.io/tokenward/reasons/revocations-unavailable/\\)$`,
    ),
  );
  await durable.start();
  await isCurrentAgain(store);
  await eventually(() => messages.length > 1, 'the end is reported');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(messages.slice(1)).toEqual([`tokenward: exchanging revocations with ${durable.url} again`]);
});

test('rule 169: nothing is printed if somebody listens to the event, nor by a closed store', async () => {
  const [listened, closed] = [await ownServer(), await ownServer()];
  const { messages } = collectOutageWarnings();
  closing(
    observe('tokenward:revocations-failed', () => {}),
    (end) => end(),
  );
  const { stores, expire } = await agingStores(listened.url);
  const store = stores[0]!;
  await listened.kill();
  await eventually(() => store.health().lastError !== undefined, 'the outage is reported');
  expire();
  await listened.start();
  await isCurrentAgain(store);
  const other = await warmStore(closed.url);
  await other.close();
  await closed.kill();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(messages).toEqual([]);
});

test('rule 169: a loss of data is one outage in each process', async () => {
  const stores = await Promise.all([0, 1].map(() => warmStore(server().url)));
  await stores[0]!.add(recordOf('session-1'));
  const failed = heard('tokenward:revocations-failed');
  await server().ask('FLUSHALL');
  await eventually(() => stores.every((store) => !store.isCurrent()), 'both notice it');
  await Promise.all(stores.map(isCurrentAgain));
  await eventually(() => stores.every((store) => store.health().lastError === undefined), 'the outage is over');
  expect(failed.map(({ usable }) => usable)).toEqual([false, false]);
});
