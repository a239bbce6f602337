import { afterEach, describe, expect, test, vi } from 'vitest';
import { replayName, type ReplayStore } from '../lib/replays.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { createSpending, proofName, type Sender, type Spendable } from './spent-proofs.js';

const sender: Sender = { issuer: 'https://login.example.com', subject: 'alice', clientId: 'app' };
const held = (heldBy: object, headers: object): ProtectedRequest => ({ method: 'GET', target: '/', headers: headers as ProtectedRequest['headers'], heldBy });
const of = (jti: string, by: Sender = sender) => vi.fn((): Spendable => ['key', jti, by, {}]);

function spendingIn(add: ReplayStore['add']) {
  const store = { add: vi.fn(add) };
  return { spend: createSpending(store, 76), add: store.add };
}

afterEach(() => vi.useRealTimers());

describe('rule 89: a proof counts again for the very request that it was used for', () => {
  test('but another proof in the same headers is examined', () => {
    const { spend, add } = spendingIn(() => true);
    const request = held({}, {});
    const [one, other] = [of('1'), of('2')];
    for (const _time of [1, 2]) expect(spend(request, 'one', 'token', one)).toBeUndefined();
    expect(spend(request, 'other', 'token', other)).toBeUndefined();
    expect([one.mock.calls.length, other.mock.calls.length, add.mock.calls.length]).toEqual([1, 1, 2]);
  });

  test('also if another request on the same connection was refused later', async () => {
    const answers = { slow: Promise.withResolvers<boolean>(), quick: true };
    const { spend } = spendingIn((name) => (name === proofName('key', 'slow') ? answers.slow.promise : answers.quick));
    const connection = {};
    const [first, second] = [held(connection, {}), held(connection, {})];
    const pending = spend(first, 'slow', 'token', of('slow'));
    expect(spend(second, 'quick', 'token', of('quick'))).toBeUndefined();
    answers.slow.resolve(false);
    expect(await pending).toEqual({ reason: 'replayed_proof' });
    expect(spend(second, 'quick', 'token', () => expect.unreachable('it was accepted before'))).toBeUndefined();
  });

  test('also if a request before it on the same connection was refused later', async () => {
    const answer = Promise.withResolvers<boolean>();
    const { spend } = spendingIn((name) => (name === proofName('key', '1') ? true : answer.promise));
    const connection = {};
    const [first, second] = [held(connection, {}), held(connection, {})];
    expect(spend(first, 'one', 'token', of('1'))).toBeUndefined();
    const pending = spend(second, 'two', 'token', of('2'));
    answer.resolve(false);
    expect(await pending).toEqual({ reason: 'replayed_proof' });
    expect(spend(first, 'one', 'token', () => expect.unreachable('it was accepted before'))).toBeUndefined();
  });
});

test('rule 89: the name of a proof is short, and no other proof has it', () => {
  const jkt = 'k'.repeat(43);
  const odd = ['x'.repeat(65), 'x'.repeat(4096), 'with.dot', 'a b', 'é', '\n', `${jkt}.x`, 'x\n'];
  const names = ['x', 'X', '-_', 'x'.repeat(64), ...odd].map((jti) => proofName(jkt, jti));
  expect(new Set([...names, proofName('l'.repeat(43), 'x')]).size).toBe(names.length + 1);
  for (const name of names) expect(name).toMatch(/^[\w-]{43}(?:\.[\w-]{1,64})?$/);
  for (const jti of odd) expect(proofName(jkt, jti)).toBe(replayName(jkt, jti));
});

test('rule 208: an owner has one name in a store, whichever process writes it', () => {
  const { spend, add } = spendingIn(() => true);
  const { issuer } = sender;
  for (const by of [sender, { ...sender, subject: undefined }, { issuer, subject: undefined, clientId: undefined }])
    void spend(held({}, {}), 'proof', 'token', of('1', by));
  expect(add.mock.calls).toEqual(
    [replayName('subject', issuer, 'alice'), replayName('client', issuer, 'app'), replayName('key', issuer, 'key')].map((owner) => [
      proofName('key', '1'),
      76,
      owner,
    ]),
  );
});

test.each<[unknown, object | undefined]>([
  [true, undefined],
  [false, { reason: 'replayed_proof' }],
  ['full', { reason: 'replays_unavailable', cause: 'the store is full' }],
  ['owner-full', { reason: 'replays_unavailable', cause: 'the subject of the token has used its share of the store' }],
  ['', { reason: 'replays_unavailable', cause: 'the store answered neither true, false nor "full"' }],
])('rule 89: what the answer %j of a store means, at once and later', async (answer, expected) => {
  vi.useFakeTimers();
  for (const given of [answer, Promise.resolve(answer)]) {
    expect(await spendingIn(() => given as boolean).spend(held({}, {}), 'proof', 'token', of('1'))).toEqual(expected);
  }
  expect(vi.getTimerCount()).toBe(0);
});
