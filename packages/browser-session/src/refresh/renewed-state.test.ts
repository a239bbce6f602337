import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { sessionState } from '../../test/session-state.js';
import { refreshTime } from './refresh-time.js';
import { renewedState } from './renewed-state.js';

const NOW = 1_800_000_000;
const TOKENS = { accessToken: 'a', accessTokenEndsAt: NOW + 300, scopes: ['x'], refreshToken: 'r', refreshTokenEndsAt: undefined, idToken: undefined };
const config = { clock: createTestClock(NOW * 1000), maxSeconds: 43_200, refreshAheadSeconds: 30 };
const state = sessionState({ startedAt: NOW - 600, endsAt: NOW + 100 });

test('takes the new tokens, and keeps who it belongs to and when it began', () => {
  expect(renewedState(state, TOKENS, config)).toEqual({
    ...state,
    version: 2,
    accessToken: 'a',
    accessTokenEndsAt: NOW + 300,
    refreshAt: NOW + 270,
    scopes: ['x'],
    refreshToken: 'r',
    usedAt: NOW,
    endsAt: NOW - 600 + 43_200,
  });
});

test('an issuer that does not rotate keeps its refresh token and the end that it has', () => {
  expect(renewedState(state, { ...TOKENS, refreshToken: undefined }, config)).toMatchObject({ refreshToken: state.refreshToken, endsAt: NOW + 100 });
});

test('the session ends with the new refresh token, and with the session at the issuer', () => {
  expect(renewedState(state, { ...TOKENS, refreshTokenEndsAt: NOW + 50 }, config).endsAt).toBe(NOW + 50);
  expect(renewedState({ ...state, issuerEndsAt: NOW + 40 }, TOKENS, config).endsAt).toBe(NOW + 40);
});

test.each([
  [300, 30, 270],
  [20, 30, 10],
  [60, 30, 30],
  [300, 0, 300],
])('a token of %d s with refreshAheadSeconds %d is refreshed after %d s', (life, ahead, expected) => {
  expect(refreshTime(NOW, NOW + life, ahead)).toBe(NOW + expected);
});
