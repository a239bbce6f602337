import { createTestIssuer } from '@tokenward/testing';
import { createResourceGuard, policy, type ProtectedRequest } from '@tokenward/core';
import { afterAll, describe, expect, test } from 'vitest';

const issuer = await createTestIssuer();
const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience });
await guard.warm();
afterAll(async () => {
  await guard.close();
  await issuer.close();
});
const authorization = `Bearer ${await issuer.issueToken({ subject: 'ada' })}`;

function check(request: unknown) {
  return guard.check(request as ProtectedRequest);
}

describe('throws for an invalid request instead of treating it as anonymous', () => {
  test.each<[string, unknown, RegExp]>([
    [
      'headers in a Headers object',
      { method: 'GET', target: '/', headers: new Headers({ authorization }) },
      /request\.headers: is a Headers object\. Pass Object\.fromEntries/,
    ],
    ['headers in a Map', { method: 'GET', target: '/', headers: new Map([['authorization', authorization]]) }, /request\.headers: is a Headers object/],
    ['headers in a list', { method: 'GET', target: '/', headers: ['authorization', authorization] }, /request\.headers: must be .*\(got a list\)/],
    ['no headers', { method: 'GET', target: '/' }, /request\.headers: must be .*\(got undefined\)/],
    ['headers that are null', { method: 'GET', target: '/', headers: null }, /request\.headers: must be .*\(got null\)/],
    ['no target', { method: 'GET', headers: { authorization } }, /request\.target: must be .*\(got undefined\)/],
    ['no method', { target: '/', headers: { authorization } }, /request\.method: must be .*\(got undefined\)/],
    ['undefined', undefined, /request: must be .*\(got undefined\)/],
    ['a string', 'GET /', /request: must be .*\(got string\)/],
  ])('throws for %s', (_what, request, message) => {
    expect(() => check(request)).toThrow(message);
  });
});

test('rule 1: reads header names in any case, and counts two of them as two credentials', async () => {
  const request = { method: 'GET', target: '/' };
  expect(await check({ ...request, headers: { Authorization: authorization } })).toMatchObject({ outcome: 'allow', auth: { subject: 'ada' } });
  expect(await check({ ...request, headers: { AUTHORIZATION: [authorization] } })).toMatchObject({ outcome: 'allow' });
  expect(await check({ ...request, headers: { Authorization: authorization, AUTHORIZATION: 'Basic x' } })).toMatchObject({
    status: 400,
    reason: 'multiple_credentials',
  });
  for (const other of [authorization, 'Basic x']) {
    const headers = { authorization, Authorization: other };
    expect(await check({ ...request, headers })).toMatchObject({ status: 400, reason: 'multiple_credentials' });
  }
});

test.each([42, true, {}, [42], [{}], Symbol('x')])('rule 2: refuses a header field that is not text: %o', async (value) => {
  expect(await check({ method: 'GET', target: '/', headers: { authorization: value } })).toMatchObject({ outcome: 'deny', status: 400 });
});

test('rule 108: does not take an OPTIONS request with a body for a preflight, even if no header announces the body', async () => {
  const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };
  const preflight = { method: 'OPTIONS', target: '/', headers };
  expect(await guard.check(preflight, { preflight: 'pass' })).toMatchObject({ outcome: 'allow' });
  expect(await guard.check({ ...preflight, hasBody: true }, { preflight: 'pass' })).toMatchObject({ outcome: 'deny', reason: 'missing_token' });
});

test('rule 44: permit checks the expiry of an Auth that no guard created', async () => {
  const always = policy('always', () => true);
  const admitted = await check({ method: 'GET', target: '/', headers: { authorization } });
  const auth = admitted.outcome === 'allow' ? admitted.auth! : expect.fail('it was refused');
  const now = Date.now() / 1000;
  for (const [expiresAt, expected] of [
    [now + 60, 'allow'],
    [now - 60, 'deny'],
    [Number.NaN, 'deny'],
    [undefined, 'deny'],
    [String(now + 60), 'deny'],
    [new Date(Date.now() + 60_000), 'deny'],
  ] as const) {
    expect(guard.permit({ ...auth, expiresAt } as never, always).outcome, String(expiresAt)).toBe(expected);
  }
});
