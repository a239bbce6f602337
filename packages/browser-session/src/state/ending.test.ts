import { memoryRevocations, RevocationStoreError } from '@tokenward/core';
import { createTestClock } from '@tokenward/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
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
