import { expect, test } from 'vitest';
import { fromSentinel, recognise } from './clients.js';
import { createConnect, type RawClient } from './connection.js';

type How = 'answers' | 'is wrong' | 'is down' | 'refuses INFO';

/** A Sentinel client whose sentinels are asked one at a time. Each names one server, which refuses everything if the sentinel is wrong. */
class FakeSentinel {
  readonly _self = this;
  constructor(readonly options: { readonly sentinelRootNodes: readonly (readonly [How])[]; readonly asked: string[] }) {}
  duplicate(overrides: object): FakeSentinel {
    return new (this.constructor as typeof FakeSentinel)({ ...this._self.options, ...overrides });
  }
  async connect(): Promise<void> {
    const [how] = this.options.sentinelRootNodes[0]!;
    this.options.asked.push(how);
    if (how === 'is down') throw new Error();
  }
  async _execute<T>(_isReadonly: boolean, use: (master: { duplicate(): RawClient }) => Promise<T>): Promise<T> {
    const [how] = this.options.sentinelRootNodes[0]!;
    const [isWrong, refusesInfo] = [how === 'is wrong', how === 'refuses INFO'];
    return use({
      duplicate: () => ({
        connect: async () => {},
        sendCommand: async ([name]) => {
          if (refusesInfo && name === 'INFO') throw new Error("NOPERM User default has no permissions to run the 'info' command");
          if (isWrong && name === 'SET') throw new Error("READONLY You can't write against a read only replica.");
          return 'OK';
        },
        on: () => {},
        unref: () => {},
        destroy: () => {},
      }),
    });
  }
  getSentinelNode(): void {}
  sendCommand(): void {}
  on(): void {}
  destroy(): void {}
}

function connectWith(...hows: readonly How[]) {
  const asked: string[] = [];
  const given = recognise(new FakeSentinel({ sentinelRootNodes: hows.map((how) => [how] as const), asked }));
  if (given.kind !== 'sentinel') throw new Error(given.kind);
  return { connect: createConnect(fromSentinel(given.client, 1000), 1000), asked };
}

test('after a server refused a command, the next attempt begins with the next sentinel, also if reads succeed', async () => {
  const { connect, asked } = connectWith('is wrong', 'answers');
  const [one, other] = [await connect(), await connect()];
  for (const connection of [one, other]) {
    expect(await connection.send(['GET', 'key'])).toBe('OK');
    await expect(connection.send(['SET', 'key', 'value'])).rejects.toMatchObject({ code: 'READONLY' });
    connection.close();
  }
  // both failed, and one sentinel is left out
  expect(await (await connect()).send(['SET', 'key', 'value'])).toBe('OK');
  expect(asked).toEqual(['is wrong', 'is wrong', 'answers']);
});

test('a user that may not ask for INFO does not make the next attempt begin with another sentinel', async () => {
  const { connect, asked } = connectWith('refuses INFO', 'is down');
  for (let at = 0; at < 3; at++) {
    const connection = await connect();
    await expect(connection.send(['INFO', 'memory'])).rejects.toMatchObject({ code: 'NOPERM' });
    connection.close();
  }
  expect(asked).toEqual(['refuses INFO', 'refuses INFO', 'refuses INFO']);
});

test('a sentinel that named the right server is asked first again, so that one that is down costs no time', async () => {
  const { connect, asked } = connectWith('answers', 'is down');
  for (let at = 0; at < 3; at++) (await connect()).close();
  expect(asked).toEqual(['answers', 'answers', 'answers']);
});

test('a server that failed once does not keep the sentinel that named it from being asked first again', async () => {
  const { connect, asked } = connectWith('is wrong', 'is down');
  const connection = await connect();
  await expect(connection.send(['SET', 'key', 'value'])).rejects.toThrow();
  for (let at = 0; at < 2; at++) await connect();
  expect(asked).toEqual(['is wrong', 'is down', 'is wrong', 'is wrong']);
});
