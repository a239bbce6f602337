import { memoryRevocations } from '@tokenward/core';
import { createTestClock } from '@tokenward/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ISSUER, sessionState } from '../../test/session-state.js';
import type { SessionState } from '../session-state.js';
import { createSessionEnd, type EndConfig } from './ending.js';
import { createOpenConnections } from './open-connections.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp(newestOf: (id: string) => SessionState | undefined = () => undefined) {
  const clock = createTestClock('2027-01-15T08:00:00Z');
  const revocations = memoryRevocations();
  const config: EndConfig = { issuer: ISSUER, clientId: 'web-app', clock, clockSkewSeconds: 30, idleSeconds: 1000, maxSeconds: 3000, revocations };
  const connections = createOpenConnections(config, newestOf);
  const seconds = (): number => clock.now() / 1000;
  return {
    clock,
    revocations,
    connections,
    ending: createSessionEnd(config),
    state: (overrides: Partial<SessionState> = {}) => sessionState({ endsAt: seconds() + 3000, ...overrides }, seconds()),
    /** Lets time pass on the wall, and the timers run. */
    pass(secondsToPass: number) {
      clock.advance(secondsToPass);
      vi.advanceTimersByTime(5000);
    },
  };
}

test('a revocation ends the connections of its session soon, each once, and no others', async () => {
  const { connections, ending, state } = setUp();
  const [one, other] = [state(), state({ issuerSessionId: 'issuer-session-2' })];
  const ended: string[] = [];
  for (const name of ['a', 'b']) connections.follow(one, () => ended.push(name));
  connections.follow(other, () => ended.push('other'));
  await ending.revoke(one, 'logout');
  expect(ended).toEqual([]);
  vi.advanceTimersByTime(20);
  expect(ended).toEqual(['a', 'b']);
  vi.advanceTimersByTime(60_000);
  expect(ended).toEqual(['a', 'b']);
});

test('idle and absolute time-outs: connections end with their session, though nobody calls', () => {
  const { connections, state, pass } = setUp();
  const ended: string[] = [];
  connections.follow(state(), () => ended.push('idle'));
  connections.follow(state({ endsAt: state().startedAt + 500 }), () => ended.push('absolute'));
  pass(499);
  expect(ended).toEqual([]);
  pass(1);
  expect(ended).toEqual(['absolute']);
  pass(500);
  expect(ended).toEqual(['absolute', 'idle']);
});

test('idle and absolute time-outs: the use of the session by other requests counts, and a refresh that moves its end', () => {
  let refreshed: SessionState | undefined;
  const { connections, clock, state, pass } = setUp((id) => (refreshed?.id === id ? refreshed : undefined));
  const used = state();
  const end = vi.fn();
  connections.follow(used, end);
  pass(900);
  // as a store gives it, which is told of the use in the background
  connections.seen(used);
  pass(999);
  expect(end).not.toHaveBeenCalled();
  pass(1);
  expect(end).toHaveBeenCalledTimes(1);

  const second = vi.fn();
  const other = state({ endsAt: clock.now() / 1000 + 500 });
  connections.follow(other, second);
  refreshed = { ...other, version: 2, endsAt: clock.now() / 1000 + 900 };
  pass(600);
  expect(second).not.toHaveBeenCalled();
  pass(300);
  expect(second).toHaveBeenCalledTimes(1);
});

test('a session that has ended since the request was checked, or whose app is closed, keeps no connection open', async () => {
  const { connections, ending, state } = setUp();
  const session = state();
  await ending.revoke(session, 'logout');
  const end = vi.fn();
  connections.follow(session, end)();
  expect(end).toHaveBeenCalledTimes(1);
  await connections.close();
  const late = vi.fn();
  connections.follow(state(), late)();
  expect(late).toHaveBeenCalledTimes(1);
});

test('close() ends all connections, and waits for them, but not for long', async () => {
  const { connections, state } = setUp();
  const ends = [vi.fn(), vi.fn()];
  const forget = ends.map((end) => connections.follow(state(), end));
  const closed = vi.fn();
  const closing = connections.close().then(closed);
  expect(ends.map((end) => end.mock.calls.length)).toEqual([1, 1]);
  forget[0]!();
  await Promise.resolve();
  expect(closed).not.toHaveBeenCalled();
  forget[1]!();
  await closing;

  const slow = setUp();
  slow.connections.follow(slow.state(), () => {});
  const late = slow.connections.close();
  vi.advanceTimersByTime(5000);
  await late;
});

test('while no connection is open, there is no timer and no listener, and nothing is kept', () => {
  const { connections, revocations, state } = setUp();
  const listen = vi.spyOn(revocations, 'onAdded');
  connections.seen(state());
  expect([listen.mock.calls.length, vi.getTimerCount()]).toEqual([0, 0]);
  const session = state();
  const forget = [connections.follow(session, () => {}), connections.follow(session, () => {}), connections.follow(state(), () => {})];
  expect([listen.mock.calls.length, vi.getTimerCount()]).toEqual([1, 1]);
  for (const one of forget) one();
  expect(vi.getTimerCount()).toBe(0);
});

test('an outage of the revocations ends no connection: they are asked again', () => {
  const { connections, revocations, state, pass } = setUp();
  const isCurrent = vi.spyOn(revocations, 'isCurrent').mockReturnValue(false);
  const end = vi.fn();
  connections.follow(state(), end);
  pass(5);
  expect(end).not.toHaveBeenCalled();
  isCurrent.mockReturnValue(true);
  pass(1000);
  expect(end).toHaveBeenCalledTimes(1);
});
