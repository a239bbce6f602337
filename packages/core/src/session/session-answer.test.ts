import { describe, expect, test } from 'vitest';
import { readSessionAnswer } from './session-answer.js';

const COOKIE = '__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Strict';

test('reads a token, a reason and cookies', () => {
  expect(readSessionAnswer(undefined)).toEqual({ token: undefined, failure: undefined, cookies: [] });
  expect(readSessionAnswer({ token: 't', headers: undefined })).toEqual({ token: 't', failure: undefined, cookies: [] });
  expect(readSessionAnswer({ token: 't', headers: { 'set-cookie': COOKIE } }).cookies).toEqual([COOKIE]);
  expect(readSessionAnswer({ token: 't', headers: { 'set-cookie': [COOKIE, 'a=1'] } }).cookies).toEqual([COOKIE, 'a=1']);
  for (const reason of ['cross_site_request', 'session_ended', 'session_unavailable']) {
    const answer = readSessionAnswer({ reason, cause: 'why', headers: { 'set-cookie': [COOKIE] }, token: undefined });
    expect(answer).toEqual({ token: undefined, failure: { reason, cause: 'why' }, cookies: [COOKIE] });
    expect(readSessionAnswer({ reason, cause: Symbol('no text'), token: undefined }).failure).toEqual({ reason, cause: undefined });
  }
});

test('reads when a session may be asked again, and ignores what is no such time', () => {
  const failure = (retryAfterSeconds: unknown): unknown =>
    readSessionAnswer({ reason: 'session_unavailable', cause: 'why', retryAfterSeconds, token: undefined }).failure;
  expect(failure(30)).toEqual({ reason: 'session_unavailable', cause: 'why', retryAfterSeconds: 30 });
  for (const wrong of [0, -1, Number.NaN, Infinity, 3601, '30', '1\r\nx-admin: 1', {}]) expect(failure(wrong)).not.toHaveProperty('retryAfterSeconds');
});

test.each<[string, unknown]>([
  ['null', null],
  ['a token alone', 'token'],
  ['a number', 1],
  ['true', true],
  ['a function', () => ({ token: 't' })],
  ['nothing', {}],
  ['a list', ['t']],
  ['an empty token', { token: '' }],
  ['a token that is no string', { token: { toString: () => 't' } }],
  ['a token and a reason', { token: 't', reason: 'session_ended' }],
  ['a reason of a guard', { token: undefined, reason: 'missing_token' }],
  ['a reason that every object has', { token: undefined, reason: 'toString' }],
  ['the reason __proto__', { token: undefined, reason: '__proto__' }],
  ['an inherited token', Object.create({ token: 't' })],
  ['an inherited reason', Object.create({ reason: 'session_ended' })],
])('an answer that makes no sense is a session that is unavailable, never an anonymous request: %s', (_what, returned) => {
  expect(readSessionAnswer(returned)).toMatchObject({ token: undefined, failure: { reason: 'session_unavailable' } });
});

describe('no header but well-formed Set-Cookie lines leaves a session', () => {
  test.each<[string, unknown]>([
    ['a line break', `${COOKIE}\r\nx-admin: 1`],
    ['a line feed', [COOKIE, 'a=1\nb=2']],
    ['a NUL', 'a=\0'],
    ['a letter beyond ASCII', 'a=é'],
    ['an empty line', ['']],
    ['a number', 1],
    ['a list in a list', [[COOKIE]]],
    ['a hole', Object.assign([COOKIE], { length: 2 })],
    ['too many lines', Array.from({ length: 17 }, (_line, at) => `a${at}=1`)],
    ['a line that is too long', `a=${'x'.repeat(8191)}`],
  ])('refuses %s', (_what, cookies) => {
    expect(readSessionAnswer({ token: 't', headers: { 'set-cookie': cookies } })).toMatchObject({
      token: undefined,
      failure: { reason: 'session_unavailable' },
    });
  });

  test('refuses headers that are no object, and ignores other and inherited ones', () => {
    for (const headers of [null, 1, 'set-cookie: a=1']) {
      expect(readSessionAnswer({ token: 't', headers })).toMatchObject({ token: undefined, failure: { reason: 'session_unavailable' } });
    }
    const others = { 'x-powered-by': 'a', location: 'https://evil.test', 'Set-Cookie': COOKIE };
    for (const headers of [others, Object.create({ 'set-cookie': COOKIE })]) expect(readSessionAnswer({ token: 't', headers }).cookies).toEqual([]);
  });
});

test('reads each member once, so a getter cannot change its answer, and copies the lines', () => {
  let reads = 0;
  const lines = [COOKIE];
  const answer = readSessionAnswer({
    get token() {
      return `token-${++reads}`;
    },
    headers: { 'set-cookie': lines },
  });
  lines.push('a=1\r\nx-admin: 1');
  expect(answer).toEqual({ token: 'token-1', failure: undefined, cookies: [COOKIE] });
  expect(Object.isFrozen(answer.cookies)).toBe(true);
});
