import { inspect } from 'node:util';
import { ConfigurationError } from '@tokenward/core';
import { redisRevocations } from '@tokenward/redis';
import { createClient } from 'redis';
import { expect, test } from 'vitest';
import { openStore } from './stores.js';

function problemsOf(options: object): readonly string[] {
  try {
    void redisRevocations(options).close();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(`${error.message}${inspect(error)}`).not.toMatch(/PLANTED/);
    return error.problems.map(({ path }) => path);
  }
  return [];
}

test.each([
  [{}, ['url']],
  [{ url: '' }, ['url']],
  [{ url: 5 }, ['url']],
  [{ url: 'localhost:6379' }, ['url']],
  [{ url: 'http://PLANTED:PLANTED@localhost' }, ['url']],
  [{ url: 'redis://:PLANTED@localhost/PLANTED' }, ['url']],
  [{ url: 'redis://:PLANTED%ZZ@localhost' }, ['url']],
  [{ url: 'unix:PLANTED' }, ['url']],
  [{ client: null }, ['client']],
  [{ client: {} }, ['client']],
  [{ url: 'redis://localhost', client: createClient() }, ['client']],
  [{ url: 'redis://localhost', prefix: '' }, ['prefix']],
  [{ url: 'redis://localhost', prefix: 'x'.repeat(201) }, ['prefix']],
  [{ url: 'redis://localhost', whenUnreachable: 'open' }, ['whenUnreachable']],
  [{ url: 'redis://localhost', whenUnreachable: true }, ['whenUnreachable']],
  [{ url: 'redis://localhost', maxMirrorAgeSeconds: 0 }, ['maxMirrorAgeSeconds']],
  [{ url: 'redis://localhost', maxMirrorAgeSeconds: Infinity }, ['maxMirrorAgeSeconds']],
  [{ url: 'redis://localhost', timeoutSeconds: '3' }, ['timeoutSeconds']],
  [{ url: 'redis://localhost', timeoutSeconds: Number.NaN }, ['timeoutSeconds']],
  [{ url: 'redis://localhost', maxEntries: 1.5 }, ['maxEntries']],
  [{ url: 'redis://localhost', maxEntries: 1e9 }, ['maxEntries']],
  [{ url: 'redis://localhost', maxBytes: 1024 }, ['maxBytes']],
  [{ url: 'redis://localhost', maxBytes: 1e15 }, ['maxBytes']],
  [{ url: 'redis://localhost', clock: Date }, ['clock']],
  [{ url: 'redis://localhost', failOpen: true }, ['failOpen']],
  [{ prefix: 1, timeoutSeconds: -1, url: 'x' }, ['prefix', 'timeoutSeconds', 'url']],
])('rejects %j and names the invalid options', (options, paths) => {
  expect(problemsOf(options)).toEqual(paths);
});

test.each([
  ['maxEntrys', 'maxEntries'],
  ['URL', 'url'],
  ['timeoutSecond', 'timeoutSeconds'],
  ['whenUnreachabel', 'whenUnreachable'],
  ['maxMirorAgeSeconds', 'maxMirrorAgeSeconds'],
])('the option %s: did you mean %s?', (name, meant) => {
  expect(() => redisRevocations({ url: 'redis://localhost', [name]: 5 })).toThrow(`${name}: is not an option: did you mean ${meant}?`);
});

test('rule 139: nothing that the store shows holds a password', async () => {
  const store = openStore({ url: 'redis://PLANTED:PLANTED@127.0.0.1:1/0', timeoutSeconds: 2 });
  const error = await store.warm().catch((error: unknown) => error);
  expect(`${inspect(error, { depth: 9, showHidden: true })}${inspect(store, { depth: 9 })}${JSON.stringify(store.health())}`).not.toMatch(/PLANTED/);
  expect(store.health()).toEqual({
    entries: 0,
    usable: false,
    ageSeconds: undefined,
    uncheckedRequests: 0,
    lastError: 'redis://127.0.0.1:1: the connection was refused',
  });
});
