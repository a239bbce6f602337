import { observe } from '@tokenward/core';
import { expect, test } from 'vitest';
import { closing, eventually, heard, isCurrentAgain, ownServer, recordOf, useServer, warmStore } from './stores.js';

const server = useServer();

/** The warnings of this process about outages, from now on. */
function warned(): string[] {
  const messages: string[] = [];
  const listen = (warning: Error & { readonly code?: string }): void => {
    if (warning.code === 'TOKENWARD_OUTAGE') messages.push(warning.message);
  };
  process.on('warning', listen);
  closing(listen, () => process.off('warning', listen));
  return messages;
}

test('rule 169: an outage prints one warning at its start and one at its end, whoever fails in it', async () => {
  const durable = await ownServer('--appendonly', 'yes', '--appendfsync', 'always');
  const store = await warmStore(durable.url);
  const messages = warned();
  await durable.kill();
  await store.add(recordOf('meanwhile')).catch(() => {});
  await eventually(() => !store.isCurrent(), 'it can not be relied upon any more');
  await store.add(recordOf('then')).catch(() => {});
  const where = durable.url.replace('127.0.0.1', '127\\.0\\.0\\.1');
  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatch(
    new RegExp(`^tokenward: revocations are not exchanged with ${where}: .+\\. Requests are checked .+ answered with 503 in \\d s\\.$`),
  );
  await durable.start();
  await isCurrentAgain(store);
  await eventually(() => messages.length > 1, 'the end is told');
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(messages.slice(1)).toEqual([`tokenward: revocations are exchanged with ${durable.url} again`]);
});

test('rule 169: nothing is printed where somebody listens, nor by a store that is closed', async () => {
  const [listened, closed] = [await ownServer(), await ownServer()];
  const messages = warned();
  closing(
    observe('tokenward:revocations-failed', () => {}),
    (end) => end(),
  );
  const store = await warmStore(listened.url);
  await listened.kill();
  await eventually(() => store.health().lastError !== undefined, 'it is seen');
  await listened.start();
  await isCurrentAgain(store);
  const other = await warmStore(closed.url);
  await other.close();
  await closed.kill();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(messages).toEqual([]);
});

test('rule 169: a loss of data is one outage, also where the processes tell each other of it', async () => {
  const stores = await Promise.all([0, 1].map(() => warmStore(server().url)));
  await stores[0]!.add(recordOf('session-1'));
  const failed = heard('tokenward:revocations-failed');
  await server().ask('FLUSHALL');
  await eventually(() => stores.every((store) => !store.isCurrent()), 'both see it');
  await Promise.all(stores.map(isCurrentAgain));
  await eventually(() => stores.every((store) => store.health().lastError === undefined), 'it is over');
  expect(failed.map(({ usable }) => usable)).toEqual([false, false]);
});
