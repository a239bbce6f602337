import { redisIntrospections, redisReplays, redisSessions } from '@tokenward/redis';
import { expect, onTestFinished, test, vi } from 'vitest';
import { closing, eventually, isRevokedIn, nextAnswer, openStore, recordOf, useServer, valuesIn, warmStore } from './stores.js';

const server = useServer();

interface Store {
  warm(): Promise<void>;
  /** Resolves once Redis has answered over the connection after one that has just ended. */
  connectedAgain?(): Promise<unknown>;
  close(): unknown;
}

const STORES = {
  revocations: (url: string): Store => {
    const store = openStore({ url });
    // the first answer may have been on its way before. `warm` resolves at once
    return { ...store, connectedAgain: () => nextAnswer(store).then(() => nextAnswer(store)) };
  },
  sessions: (url: string): Store => closing(redisSessions({ url, timeoutSeconds: 20 }), (store) => store.close()),
  replays: (url: string): Store => closing(redisReplays({ url, timeoutSeconds: 20 }), (store) => store.close()),
  introspections: (url: string): Store => closing(redisIntrospections({ url, timeoutSeconds: 20 }), (store) => store.close()),
};

/** Opens a store while Redis has a policy, and returns what it warned of until it is warm, and has connected again. */
async function warningsOf(name: keyof typeof STORES, policy: string, maxmemory = '100mb', url = server().url): Promise<readonly string[]> {
  const spy = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await server().ask('CONFIG', 'SET', 'maxmemory', maxmemory, 'maxmemory-policy', policy);
  try {
    const store = STORES[name](url);
    await store.warm();
    await server().ask('CLIENT', 'KILL', 'TYPE', 'normal');
    await (store.connectedAgain ?? store.warm)();
    await store.close();
    return spy.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('maxmemory-policy'));
  } finally {
    spy.mockRestore();
    await server().ask('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
  }
}

test.each([
  ['revocations', 'allkeys-lru'],
  // a process that starts after a loss of data must find the key that tells it to wait, and this one expires
  ['revocations', 'volatile-ttl'],
  ['sessions', 'allkeys-lfu'],
  ['sessions', 'volatile-lru'],
  ['replays', 'allkeys-random'],
  ['replays', 'volatile-ttl'],
] as const)('warns once that Redis may evict %s with the policy %s', async (name, policy) => {
  const warnings = await warningsOf(name, policy);
  expect(warnings).toEqual([
    expect.stringMatching(
      new RegExp(
        `^tokenward: the maxmemory-policy of ${server().url} is ${policy}, so Redis evicts (?:keys of the )?${name} when its memory is full\\. .* Set it to noeviction\\.$`,
      ),
    ),
  ]);
});

test.each([
  ['revocations', 'noeviction'],
  ['sessions', 'noeviction'],
  ['replays', 'noeviction'],
  // it is a cache
  ['introspections', 'allkeys-lru'],
] as const)('does not warn if Redis evicts no %s, with the policy %s', async (name, policy) => {
  expect(await warningsOf(name, policy)).toEqual([]);
});

test('does not warn if the memory has no limit, or if the user may not ask', async () => {
  expect(await warningsOf('sessions', 'allkeys-lru', '0')).toEqual([]);
  await server().ask('ACL', 'SETUSER', 'asking', 'on', '>secret', '~*', '+@all', '-info');
  expect(await warningsOf('replays', 'allkeys-lru', '100mb', server().url.replace('redis://', 'redis://asking:secret@'))).toEqual([]);
});

test('rule 115: revocations that Redis evicts are written back by the processes that run', async () => {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  onTestFinished(() => void vi.restoreAllMocks());
  const [one, other] = await Promise.all([warmStore(server().url), warmStore(server().url)]);
  await Promise.all(Array.from({ length: 200 }, (_value, at) => one.add(recordOf(`session-${at}`))));
  await eventually(() => isRevokedIn(other, 'session-199'), 'the other knows it');
  try {
    // a write while the memory is full evicts other keys, until none is left
    await server().ask('CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'allkeys-random');
    await server()
      .ask('SET', 'other', 'x')
      .catch(() => {});
    expect(Number(/evicted_keys:(\d+)/.exec(String(await server().ask('INFO', 'stats')))![1])).toBeGreaterThan(0);
  } finally {
    await server().ask('CONFIG', 'SET', 'maxmemory', '0', 'maxmemory-policy', 'noeviction');
  }
  await eventually(async () => (await valuesIn(server())).length === 200, 'all are in Redis again');
  await eventually(() => one.isCurrent() && other.isCurrent(), 'both are current again');
  expect(isRevokedIn(await warmStore(server().url), 'session-0')).toBe(true);
});
