import { describe, expect, test } from 'vitest';
import { addHeaders, createDenial, type DenialDetails } from './denial.js';
import type { Reason } from '../vocabulary/reason.js';
import type { Deny } from './decision.js';

const deny = createDenial({ realm: 'api' });

/** The responses of RFC 6750 s3.1, RFC 9470 s3 and RFC 9457. */
const ANSWERS = {
  unauthenticated: { status: 401, challenge: 'Bearer realm="api"', title: 'Unauthorized', detail: 'This resource needs an access token' },
  invalid_request: {
    status: 400,
    challenge: 'Bearer realm="api", error="invalid_request", error_description="The credentials are malformed or were sent more than once"',
    title: 'Bad Request',
    error: 'invalid_request',
    detail: 'The credentials are malformed or were sent more than once',
  },
  invalid_token: {
    status: 401,
    challenge: 'Bearer realm="api", error="invalid_token", error_description="The access token is not valid here"',
    title: 'Unauthorized',
    error: 'invalid_token',
    detail: 'The access token is not valid here',
  },
  insufficient_scope: {
    status: 403,
    challenge: 'Bearer realm="api", error="insufficient_scope", error_description="The access token does not grant what this resource needs"',
    title: 'Forbidden',
    error: 'insufficient_scope',
    detail: 'The access token does not grant what this resource needs',
  },
  insufficient_user_authentication: {
    status: 401,
    challenge: 'Bearer realm="api", error="insufficient_user_authentication", error_description="This resource needs a stronger or more recent login"',
    title: 'Unauthorized',
    error: 'insufficient_user_authentication',
    detail: 'This resource needs a stronger or more recent login',
  },
  cross_site_request: {
    status: 403,
    title: 'Forbidden',
    error: 'cross_site_request',
    named: 'cross_site_request',
    detail: 'A request with the session cookie needs the header x-tokenward-csrf: 1, and must come from the app itself',
  },
  unavailable: {
    status: 503,
    title: 'Service Unavailable',
    error: 'temporarily_unavailable',
    detail: 'The access token cannot be checked at the moment',
  },
} as const;

const REASONS: Readonly<Record<Reason, keyof typeof ANSWERS>> = {
  missing_token: 'unauthenticated',
  unsupported_scheme: 'unauthenticated',
  session_ended: 'unauthenticated',
  cross_site_request: 'cross_site_request',
  malformed_credentials: 'invalid_request',
  multiple_credentials: 'invalid_request',
  token_too_large: 'invalid_token',
  malformed_token: 'invalid_token',
  encrypted_token: 'invalid_token',
  unencrypted_token: 'invalid_token',
  unsupported_critical_header: 'invalid_token',
  wrong_type: 'invalid_token',
  not_an_access_token: 'invalid_token',
  algorithm_not_allowed: 'invalid_token',
  unknown_key: 'invalid_token',
  bad_signature: 'invalid_token',
  issuer_mismatch: 'invalid_token',
  audience_mismatch: 'invalid_token',
  client_not_allowed: 'invalid_token',
  missing_claim: 'invalid_token',
  invalid_claim: 'invalid_token',
  expired: 'invalid_token',
  not_yet_valid: 'invalid_token',
  issued_in_the_future: 'invalid_token',
  too_old: 'invalid_token',
  lifetime_too_long: 'invalid_token',
  unproven_confirmation: 'invalid_token',
  missing_certificate: 'invalid_token',
  wrong_certificate: 'invalid_token',
  revoked: 'invalid_token',
  inactive_token: 'invalid_token',
  insufficient_scope: 'insufficient_scope',
  insufficient_role: 'insufficient_scope',
  insufficient_claim: 'insufficient_scope',
  policy_refused: 'insufficient_scope',
  weak_authentication: 'insufficient_user_authentication',
  stale_authentication: 'insufficient_user_authentication',
  keys_unavailable: 'unavailable',
  issuer_unavailable: 'unavailable',
  revocations_unavailable: 'unavailable',
  session_unavailable: 'unavailable',
  introspection_unavailable: 'unavailable',
  decryption_unavailable: 'unavailable',
};

test.each(Object.entries(REASONS))('rules 105 to 107: the response for %s is %s, with a fixed text and no-store', (reason, refusal) => {
  const { status, challenge, title, error, named, detail } = { challenge: undefined, error: undefined, named: undefined, ...ANSWERS[refusal] };
  expect({ ...deny(reason as Reason) }).toStrictEqual({
    outcome: 'deny',
    status,
    headers: {
      'cache-control': 'no-store',
      ...(status === 503 && { 'retry-after': '1' }),
      ...(challenge !== undefined && { 'www-authenticate': challenge }),
    },
    body: { type: 'about:blank', title, status, ...(error && { error }), ...(named && { reason: named }), detail },
    reason,
  });
});

test('rule 102: the challenge and the body name the required scopes, if there are any', () => {
  const withScope = deny('insufficient_scope', { scope: ['orders:read', 'orders:write'] });
  expect(withScope.headers['www-authenticate']).toMatch(/, scope="orders:read orders:write"$/);
  expect(withScope.body.scope).toBe('orders:read orders:write');
  for (const scope of [[], undefined]) {
    const withoutScope = deny('insufficient_scope', { scope });
    expect(withoutScope.headers['www-authenticate']).toBe(ANSWERS.insufficient_scope.challenge);
    expect(withoutScope.body).not.toHaveProperty('scope');
  }
});

test('rule 109: the challenge names the resource metadata URL of the guard', () => {
  const published = createDenial({ realm: 'orders', resourceMetadata: 'https://api.example.com/.well-known/oauth-protected-resource' });
  expect(published('missing_token').headers['www-authenticate']).toBe(
    'Bearer realm="orders", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"',
  );
});

describe('rule 61: a 503 has a Retry-After in whole seconds, rounded up', () => {
  test.each<[number | undefined, string]>([
    [undefined, '1'],
    [0, '1'],
    [-3, '1'],
    [0.2, '1'],
    [1.001, '2'],
    [29.5, '30'],
    [30, '30'],
  ])('sends %s seconds as %s', (retryAfterSeconds, expected) => {
    const { headers } = deny('keys_unavailable', { retryAfterSeconds });
    expect(headers['retry-after']).toBe(expected);
    expect(headers).not.toHaveProperty('www-authenticate');
  });

  test('a refusal with another status has no Retry-After', () => {
    expect(deny('bad_signature', { retryAfterSeconds: 30 }).headers).not.toHaveProperty('retry-after');
  });
});

test('the decision contains the cause, and the response does not', () => {
  const sent = ({ headers, body }: Deny) => JSON.stringify([headers, body]);
  for (const cause of ['aud', null, 0, '', new Error('aud')] satisfies DenialDetails['cause'][]) {
    const denied = deny('audience_mismatch', { cause });
    expect(denied.cause).toBe(cause);
    expect(sent(denied)).toBe(sent(deny('audience_mismatch')));
  }
  expect(deny('audience_mismatch', { cause: undefined })).not.toHaveProperty('cause');
});

test('rule 71: a refusal, its headers and its body are frozen', () => {
  const denied = deny('insufficient_scope', { scope: ['a'] });
  for (const part of [denied, denied.headers, denied.body]) expect(Object.isFrozen(part)).toBe(true);
});

test('addHeaders replaces the headers of a refusal, and keeps all else, its explanation too', () => {
  const refused = deny('expired', { cause: 'exp, 30 s ago' });
  const headers = { ...refused.headers, 'set-cookie': ['a=b'] };
  const changed = addHeaders(refused, headers);
  expect(changed.headers).toBe(headers);
  expect({ ...changed, headers: undefined }).toEqual({ ...refused, headers: undefined });
  expect(changed.explain()).toEqual(refused.explain());
  const foreign = { ...refused };
  expect(addHeaders(foreign, headers)).toBe(foreign);
});
