import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { fromSentinel, recognise } from './clients.js';
import { createConnect, type RawClient } from './connection.js';
import { keysOf } from './data-set.js';
import { createStream } from './stream.js';

type How = 'answers' | 'is wrong' | 'is down' | 'is a replica' | 'refuses';

/** What a script of the reader gets from a server without data. */
const NO_DATA = [null, '0-0', 0, [], 0, 0, 0, 0, 0, 0];

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
    return use({
      duplicate: () => ({
        connect: async () => {},
        sendCommand: async ([name]) => {
          if (how === 'refuses' && name !== 'GET') throw new Error(refusal);
          if (how === 'is wrong' && name === 'SET') throw new Error("READONLY You can't write against a read only replica.");
          if (name === 'HELLO') return ['role', how === 'is a replica' ? 'replica' : 'master'];
          return name === 'EVAL' ? NO_DATA : 'OK';
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

/** What a server answers that refuses. */
let refusal: string;

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

test.each([
  ['INFO', "NOPERM User default has no permissions to run the 'info' command"],
  ['SET', "OOM command not allowed when used memory > 'maxmemory'."],
  ['SET', 'MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.'],
  ['SET', 'WRONGTYPE Operation against a key holding the wrong kind of value'],
  ['HELLO', "ERR unknown command 'HELLO'"],
])('a master that refuses %s with "%s" is asked for at the same sentinel again', async (name, message) => {
  refusal = message;
  const { connect, asked } = connectWith('refuses', 'is down');
  for (let at = 0; at < 3; at++) {
    const connection = await connect();
    await expect(connection.send([name, 'key'])).rejects.toMatchObject({ isAnswer: true });
    connection.close();
  }
  expect(asked).toEqual(['refuses', 'refuses', 'refuses']);
});

test.each(['NOREPLICAS Not enough good replicas to write.', 'MASTERDOWN Link with MASTER is down', 'UNBLOCKED force unblock from blocking operation'])(
  'after a server that may be cut off refused with "%s", the next sentinel is asked',
  async (message) => {
    refusal = message;
    const { connect, asked } = connectWith('refuses', 'answers');
    await expect((await connect()).send(['SET', 'key', 'value'])).rejects.toMatchObject({ isAnswer: true });
    await connect();
    expect(asked).toEqual(['refuses', 'answers']);
  },
);

test('rule 115: after a sentinel named a replica, a process that only reads asks the next sentinel', async () => {
  const { connect, asked } = connectWith('is a replica', 'answers');
  const stream = createStream(keysOf('test'), createTestClock(), 1000, () => {});
  await expect(stream.catchUp(await connect())).rejects.toThrow('the server is a replica, which may be behind its master');
  expect(await stream.catchUp(await connect())).toMatchObject({ continuity: 'unread' });
  expect(asked).toEqual(['is a replica', 'answers']);
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
