import { expectBadRequest, expectForbidden, expectUnauthorized, expectUnavailable, parseChallenge } from '@tokenward/testing';
import { describe, expect, test } from 'vitest';

const problem = (status: number, members: object = {}): string => JSON.stringify({ type: 'about:blank', title: 'T', status, detail: 'D', ...members });
const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };

function response(status: number, challenge: string | undefined, members: object = {}, more: Record<string, string> = {}): Response {
  return new Response(problem(status, members), {
    status,
    headers: { ...headers, ...(challenge !== undefined && { 'www-authenticate': challenge }), ...more },
  });
}

const INVALID = 'Bearer realm="api", error="invalid_token", error_description="D"';

describe('expectUnauthorized', () => {
  test('accepts the expected answers, and returns the challenge', async () => {
    expect(await expectUnauthorized(response(401, 'Bearer realm="a \\"b\\""'))).toEqual({ scheme: 'Bearer', parameters: { realm: 'a "b"' } });
    await expectUnauthorized(response(401, INVALID, { error: 'invalid_token' }), { error: 'invalid_token' });
    await expectUnauthorized(response(401, 'Bearer realm="api", scope="a b"', { scope: 'a b' }), { scopes: ['a', 'b'] });
  });

  test.each<[string, () => Response, object?]>([
    ['another status', () => response(403, 'Bearer realm="api"')],
    ['no challenge', () => response(401, undefined)],
    ['a malformed challenge', () => response(401, 'Bearer realm=api')],
    ['an unexpected error', () => response(401, INVALID, { error: 'invalid_token' })],
    ['a missing error', () => response(401, 'Bearer realm="api"'), { error: 'invalid_token' }],
    ['an error that is missing from the body', () => response(401, INVALID), { error: 'invalid_token' }],
    ['another scope', () => response(401, 'Bearer realm="api", scope="a"', { scope: 'a' }), { scope: 'b' }],
    ['an unexpected scope', () => response(401, 'Bearer realm="api", scope="a"', { scope: 'a' })],
    ['a description without an error', () => response(401, 'Bearer realm="api", error_description="D"')],
    ['a cacheable answer', () => response(401, 'Bearer realm="api"', {}, { 'cache-control': 'public' })],
    ['another content type', () => response(401, 'Bearer realm="api"', {}, { 'content-type': 'application/json' })],
    ['another status in the body', () => response(401, 'Bearer realm="api"', { status: 403 })],
    ['a body without a title', () => response(401, 'Bearer realm="api"', { title: undefined })],
  ])('refuses %s', async (_what, make, expected) => {
    await expect(expectUnauthorized(make(), expected)).rejects.toThrow();
  });
});

test('expectForbidden requires insufficient_scope and the expected scope', async () => {
  const challenge = 'Bearer realm="api", error="insufficient_scope", error_description="D", scope="a"';
  await expectForbidden(response(403, challenge, { error: 'insufficient_scope', scope: 'a' }), { scopes: ['a'] });
  await expect(expectForbidden(response(403, challenge, { error: 'insufficient_scope', scope: 'a' }))).rejects.toThrow();
  await expect(expectForbidden(response(401, challenge, { error: 'insufficient_scope', scope: 'a' }), { scopes: ['a'] })).rejects.toThrow();
});

test('expectBadRequest requires invalid_request', async () => {
  await expectBadRequest(response(400, 'Bearer realm="api", error="invalid_request", error_description="D"', { error: 'invalid_request' }));
  await expect(expectBadRequest(response(400, INVALID, { error: 'invalid_token' }))).rejects.toThrow();
});

test('expectUnavailable requires a valid Retry-After and no challenge', async () => {
  const members = { error: 'temporarily_unavailable' };
  expect(await expectUnavailable(response(503, undefined, members, { 'retry-after': '7' }))).toBe(7);
  for (const retryAfter of ['0', '', '-1', 'soon', '1.5'])
    await expect(expectUnavailable(response(503, undefined, members, { 'retry-after': retryAfter }))).rejects.toThrow();
  await expect(expectUnavailable(response(503, INVALID, members, { 'retry-after': '7' }))).rejects.toThrow();
});

test.each([
  '',
  '"x"',
  'Bearer realm',
  'Bearer realm="a"x="b"',
  'Bearer realm="a",error="b"',
  'Bearer realm="a", realm="b"',
  'Bearer realm="a", ',
  'Bearer  realm="a"',
  'Bearer realm="a\u00e9"',
  'Bearer realm="a\\"',
  'Bearer realm="a", DPoP x="y"',
])('parseChallenge throws for %j', (line) => {
  expect(() => parseChallenge(line)).toThrow();
});
