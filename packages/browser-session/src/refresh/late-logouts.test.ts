import { memoryRevocations } from '@tokenward/core';
import { expect, test, vi } from 'vitest';
import { ISSUER, sessionState } from '../../test/session-state.js';
import type { SessionState } from '../session-state.js';
import { createLateLogouts } from './late-logouts.js';

test('a crowd of revocations looks through the watched sessions once', async () => {
  const revocations = memoryRevocations();
  const isLoggedOut = vi.fn(({ subject }: SessionState) => subject === 'gone');
  const onLogout = vi.fn();
  const watched = createLateLogouts({ revocations }, isLoggedOut, onLogout);
  const gone = sessionState({ subject: 'gone' });
  for (const state of [gone, ...Array.from({ length: 99 }, () => sessionState())]) watched.add(state);
  const record = { kind: 'session', issuer: ISSUER, issuedUntil: 1_800_000_000, until: 1_900_000_000, isFinal: true, reason: 'logout' } as const;
  for (let one = 0; one < 1000; one++) void revocations.add({ ...record, value: `session-${one}` });
  await vi.waitFor(() => expect(onLogout).toHaveBeenCalledExactlyOnceWith(gone));
  expect(isLoggedOut).toHaveBeenCalledTimes(100);
});
