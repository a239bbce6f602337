import { memoryRevocations, RevocationStoreError } from '@tokenward/core';
import { createTestClock } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ISSUER, sessionState } from '../../test/session-state.js';
import { END_REASONS, type EndReason } from '../sessions.js';
import { createSessionEnd } from './ending.js';

function startEnding(revocations = memoryRevocations()) {
  const clock = createTestClock('2027-01-15T08:00:00Z');
  const limits = { clockSkewSeconds: 30, idleSeconds: 3600, maxSeconds: 43_200 };
  return {
    clock,
    revocations,
    state: sessionState({}, clock.now() / 1000),
    ...createSessionEnd({ clientId: 'web-app', clock, issuer: ISSUER, revocations, ...limits }),
  };
}

test('of all ends of a session, only that by a login of the same user counts as replaced', async () => {
  const replaced: EndReason[] = [];
  for (const reason of END_REASONS) {
    const { state, revoke, isReplaced, isRevoked } = startEnding();
    await revoke(state, reason);
    expect(isRevoked(state)).toBe(true);
    if (isReplaced(state)) replaced.push(reason);
  }
  expect(replaced).toEqual(['replaced']);
});

test.each(['session_revoked', 'unspecified'] as const)('a revocation of the whole issuer does not count as replaced: %s', async (reason) => {
  const { clock, revocations, state, isReplaced, isRevoked } = startEnding();
  const now = clock.now() / 1000;
  await revocations.add({ kind: 'issuer', issuer: ISSUER, value: '', issuedUntil: now, until: now + 3600, isFinal: true, reason });
  expect([isRevoked(state), isReplaced(state)]).toEqual([true, false]);
});

test.each([
  [['replaced', 'logout'], false],
  [['logout', 'replaced'], false],
  [['replaced', 'refresh_refused'], true],
  [['refresh_refused', 'replaced'], true],
] as const)('a session that ends twice, by %j, counts as replaced: %s', async (reasons, expected) => {
  const { clock, state, revoke, isReplaced } = startEnding();
  for (const reason of reasons) {
    await revoke(state, reason);
    clock.advance(1);
  }
  expect(isReplaced(state)).toBe(expected);
});

test.each([
  ['replaced', true],
  ['logout', false],
  ['refresh_refused', false],
] as const)('rule 171: beyond the share of a user, another process knows whether a login replaced the sessions: %s, %s', async (reason, expected) => {
  const here = startEnding();
  const there = startEnding(here.revocations);
  for (let ended = 0; ended < 100; ended++) await here.revoke({ ...here.state, id: `ended-${ended}` }, 'logout');
  // of another device, and since then
  const [other, later] = [
    { ...here.state, id: 'other' },
    { ...here.state, id: 'later', issuedAt: here.state.issuedAt + 1 },
  ];
  const known: boolean[] = [];
  here.revocations.onAdded(() => there.isRevoked(here.state) && known.push(there.isReplaced(here.state)));
  await here.revoke(here.state, reason);
  expect([here.state, other, later].map((state) => [there.isRevoked(state), there.isReplaced(state)])).toEqual([
    [true, expected],
    [true, expected],
    [false, false],
  ]);
  // also when the process first learns of the end
  expect(known).toEqual([expected]);
  // a logout token that arrives late concerns the earlier sessions alone
  const { issuedAt, subject } = here.state;
  await here.revocations.add({ kind: 'subject', issuer: ISSUER, value: subject, issuedUntil: issuedAt, until: 5e9, isFinal: false, reason: 'logout' });
  expect([here.state, later].map((state) => [there.isRevoked(state), there.isReplaced(state)])).toEqual([
    [true, expected],
    [false, false],
  ]);
});

test('a store of revocations that never answers does not keep the end of a session waiting for ever', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const inner = memoryRevocations();
  const { state, revoke, isRevoked } = startEnding({ ...inner, add: (record) => (void inner.add(record), new Promise(() => {})) });
  const ended = expect(revoke(state, 'logout')).rejects.toThrow(RevocationStoreError);
  await vi.advanceTimersByTimeAsync(3000);
  await ended;
  expect(isRevoked(state)).toBe(true);
});

describe('rule 199: whether the refresh token of a session is left at the issuer', () => {
  test('of all ends by this app, none leaves it', async () => {
    for (const reason of END_REASONS) {
      const { clock, state, revoke, leavesToken } = startEnding();
      await revoke(state, reason);
      for (const seconds of [0, 3600]) expect(leavesToken(state, clock.now() / 1000 + seconds), reason).toBe(false);
    }
  });

  test.each([
    ['session', 'issuer-session-1', 'logout', true],
    ['subject', 'user-1', 'logout', true],
    ['subject', 'user-1', 'session_revoked', true],
    ['client', 'web-app', 'administrative', true],
    ['subject', 'user-2', 'administrative', false],
    // a cut-off may stand for the end by a login of the same user, whose record was evicted
    ['issuer', '', 'administrative', false],
  ] as const)('after a revocation of the %s %j, with the reason %s: %s', async (kind, value, reason, expected) => {
    const { clock, revocations, state, leavesToken } = startEnding();
    const now = clock.now() / 1000;
    await revocations.add({ kind, issuer: ISSUER, value, issuedUntil: now, until: now + 90_000, isFinal: false, reason });
    expect(leavesToken(state, now)).toBe(expected);
    // a later login
    expect(leavesToken({ ...state, issuedAt: now + 1 }, now)).toBe(false);
  });

  test('a session that runs out leaves it, but not if a login has ended all earlier sessions of the user', async () => {
    const { clock, state, revoke, leavesToken } = startEnding();
    const now = clock.now() / 1000;
    expect([0, 3600, 43_229, 43_230].map((seconds) => leavesToken(state, now + seconds))).toEqual([false, true, true, false]);
    expect(leavesToken({ ...state, issuer: 'https://other.example.test' }, now + 3600)).toBe(false);
    for (let ended = 0; ended < 100; ended++) await revoke({ ...state, id: `ended-${ended}` }, 'logout');
    await revoke({ ...state, id: 'replaced' }, 'replaced');
    expect([0, 3600].map((seconds) => leavesToken(state, now + seconds))).toEqual([false, false]);
  });
});
