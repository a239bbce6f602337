import { inspect } from 'node:util';
import { ConfigurationError } from '@tokenward/core';
import { redisSessions } from '@tokenward/redis';
import { createClient } from 'redis';
import { expect, test } from 'vitest';

function problemsOf(options: object): readonly string[] {
  try {
    void redisSessions(options).close();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    expect(`${error.message}${inspect(error)}`).not.toMatch(/PLANTED/);
    return error.problems.map(({ path }) => path);
  }
  return [];
}

test.each([
  [{}, ['url']],
  [{ url: 'http://PLANTED:PLANTED@localhost' }, ['url']],
  [{ client: {} }, ['client']],
  [{ url: 'redis://localhost', client: createClient() }, ['client']],
  [{ url: 'redis://localhost', prefix: '' }, ['prefix']],
  [{ url: 'redis://localhost', prefix: 'x'.repeat(201) }, ['prefix']],
  [{ url: 'redis://localhost', timeoutSeconds: 0 }, ['timeoutSeconds']],
  [{ url: 'redis://localhost', clock: Date }, ['clock']],
  [{ url: 'redis://localhost', maxEntries: 5 }, ['maxEntries']],
  [{ url: 'redis://127.0.0.1:1', prefix: 'mine', timeoutSeconds: 1 }, []],
])('a store of sessions rejects %j and names the invalid options', (options, paths) => {
  expect(problemsOf(options)).toEqual(paths);
});
