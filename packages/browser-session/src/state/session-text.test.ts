import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sessionState } from '../../test/session-state.js';
import { stateOf, textOf } from './session-text.js';

test('a session is read as it was written', () => {
  const optional = fc.option(fc.string({ minLength: 1 }), { nil: undefined });
  const text = fc.string({ minLength: 1 });
  fc.assert(
    fc.property(
      fc.record({
        subject: text,
        issuerSessionId: optional,
        accessToken: text,
        refreshToken: optional,
        idToken: optional,
        issuerEndsAt: fc.option(fc.nat(), { nil: undefined }),
        scopes: fc.array(fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]+$/)),
        usedAt: fc.double({ min: 0, max: 1e10, noNaN: true }),
      }),
      (overrides) => {
        const state = sessionState(overrides);
        expect(stateOf(textOf(state))).toEqual(state);
      },
    ),
  );
});

test.each([
  ['no JSON', 'x'],
  ['no object', '[]'],
  ['null', 'null'],
  ['nothing', '{}'],
  ['a number in place of a token', { a: 5 }],
  ['an empty token', { a: '' }],
  ['a date as text', { x: '9999999999' }],
  ['an endless date', '1e999'],
  ['a list of scopes', { c: ['a'] }],
  ['a short id', { i: 'abc' }],
  ['version 0', { v: 0 }],
  ['half a version', { v: 1.5 }],
  ['a refresh token that is null', { r: null }],
])('is no session: %s', (_what, change) => {
  const text =
    typeof change === 'object'
      ? JSON.stringify({ ...(JSON.parse(textOf(sessionState())) as object), ...change })
      : change === '1e999'
        ? textOf(sessionState()).replace(/"x":\d+/, '"x":1e999')
        : change;
  expect(stateOf(text)).toBeUndefined();
});

test('members of Object.prototype are no members of a session', () => {
  const text = textOf(sessionState({ refreshToken: undefined }));
  const prototype = Object.prototype as { r?: string };
  prototype.r = 'planted';
  try {
    expect(stateOf(text)?.refreshToken).toBeUndefined();
  } finally {
    delete prototype.r;
  }
});

test('any text is read without an error', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(stateOf(text)).toBeUndefined();
    }),
  );
});
