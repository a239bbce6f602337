import { memoryRevocations } from '@tokenward/core';
import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { ISSUER, sessionState } from '../../test/session-state.js';
import type { SessionConfig } from '../config.js';
import type { IssuerFailure } from '../oidc/login-client.js';
import type { SessionState } from '../session-state.js';
import { createLeftTokens } from './left-tokens.js';

const UNAVAILABLE: IssuerFailure = { failure: 'unavailable', cause: 'no answer' };

/** The issuer answers when it is told to. */
function start(newest: (state: SessionState) => SessionState = (state) => state) {
  const clock = createTestClock('2027-01-15T08:00:00Z');
  const revocations = memoryRevocations();
  const asked: string[] = [];
  const events: string[] = [];
  const warnings: string[] = [];
  const answers: ((failure?: IssuerFailure) => void)[] = [];
  const client = {
    refresh: () => Promise.reject(new Error('nothing is refreshed')),
    revoke(refreshToken: string) {
      asked.push(refreshToken);
      return new Promise<IssuerFailure | undefined>((resolve) => void answers.push(resolve));
    },
  };
  const left = createLeftTokens(
    {
      config: { clock, idleSeconds: 3600, issuer: ISSUER, revocations } as unknown as SessionConfig,
      client,
      publish: (...words) => void events.push(words.filter(Boolean).join(' ')),
      warn: (text) => void warnings.push(text),
    },
    newest,
    () => {},
  );
  const idle = (more: Partial<SessionState> = {}): SessionState => sessionState(more, clock.now() / 1000 - 3600);
  return { left, idle, asked, events, warnings, answers, revocations, clock };
}

test('rule 199: revokes the refresh token of a session once, however often it is shown', async () => {
  const { left, idle, asked, events, answers } = start();
  const state = idle({ refreshToken: 'token' });
  for (let shown = 0; shown < 1000; shown++) left.revoke(state);
  answers[0]!(UNAVAILABLE);
  await settled();
  for (let shown = 0; shown < 1000; shown++) left.revoke({ ...state });
  expect(asked).toEqual(['token']);
  expect(events).toEqual(['end failed issuer_unavailable']);
});

test('rule 199: an older copy of the cookie that comes first does not keep the newest refresh token from being revoked', () => {
  const { left, idle, asked } = start();
  const older = idle({ refreshToken: 'used up' });
  const newest = { ...older, version: 3, refreshToken: 'newest' };
  for (const state of [older, newest, older, newest]) left.revoke(state);
  expect(asked).toEqual(['used up', 'newest']);
  // a login begins
  left.keep(older);
  left.revoke({ ...newest, version: 4, refreshToken: 'of the login' });
  expect(asked).toHaveLength(2);
});

test('rule 199: asks the issuer for 50 sessions at a time, nobody waits to be sent later, and the limit does not pass for an outage of the issuer', async () => {
  const { left, idle, asked, events, warnings, answers } = start();
  const states = Array.from({ length: 60 }, () => idle());
  for (const state of states) left.revoke(state);
  expect(asked).toHaveLength(50);
  expect(events).toEqual(Array.from({ length: 10 }, () => 'end failed too_many_revocations'));
  expect(warnings[0]).toMatch(/^tokenward: 50 refresh tokens .* are being revoked at https:\/\/login\.example\.test, .* little longer than maxSeconds there$/);
  answers[0]!();
  await settled();
  expect(asked).toHaveLength(50);
  // its cookie is shown again
  left.revoke(states[59]!);
  left.revoke(states[0]!);
  expect(asked).toHaveLength(51);
});

test('revokes the newest refresh token, and none of a session that is in use by another cookie', () => {
  const renewed = start((state) => ({ ...state, version: 2, refreshToken: 'newest' }));
  renewed.left.revoke(renewed.idle({ refreshToken: 'used up' }));
  expect(renewed.asked).toEqual(['newest']);
  const inUse = start((state) => ({ ...state, version: 2, usedAt: state.usedAt + 3000 }));
  inUse.left.revoke(inUse.idle());
  expect(inUse.asked).toEqual([]);
});

test('rule 199: a session that was revoked is not in use, whatever its times', async () => {
  const { left, idle, asked, revocations, clock } = start();
  const now = clock.now() / 1000;
  const state = { ...idle({ refreshToken: 'token' }), usedAt: now };
  left.revoke(state);
  expect(asked).toEqual([]);
  await revocations.add({ kind: 'subject', issuer: ISSUER, value: 'user-1', issuedUntil: now, until: now + 60, isFinal: false, reason: 'administrative' });
  left.revoke(state);
  expect(asked).toEqual(['token']);
});

test('leaves a session that a login replaces, and one without a refresh token', () => {
  const { left, idle, asked } = start();
  const state = idle();
  left.keep(state);
  left.revoke(state);
  left.revoke(idle({ refreshToken: undefined }));
  expect(asked).toEqual([]);
});

function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
