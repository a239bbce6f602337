import { describe, expect, test } from 'vitest';
import { addHeaders, createDenial, type DenialDetails, type DenialFactory } from './denial.js';
import type { Reason } from '../vocabulary/reason.js';
import type { Deny } from './decision.js';

const deny: DenialFactory = (reason, details) => createDenial({ realm: 'api' })(reason, details);

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
  forbidden: { status: 403, title: 'Forbidden', detail: 'No access token allows this request' },
  malformed_request: {
    status: 400,
    title: 'Bad Request',
    error: 'invalid_request',
    detail: 'The body of the request is missing or malformed',
  },
  cross_site_request: {
    status: 403,
    title: 'Forbidden',
    error: 'cross_site_request',
    named: 'cross_site_request',
    detail: 'A request with the session cookie needs the header x-tokenward-csrf: 1, and must come from the app itself',
  },
  invalid_dpop_proof: {
    status: 401,
    challenge: 'Bearer realm="api", error="invalid_dpop_proof", error_description="The request needs a valid DPoP proof for its access token"',
    title: 'Unauthorized',
    error: 'invalid_dpop_proof',
    detail: 'The request needs a valid DPoP proof for its access token',
  },
  use_dpop_nonce: {
    status: 401,
    challenge: 'Bearer realm="api", error="use_dpop_nonce", error_description="The DPoP proof needs the nonce of this answer"',
    title: 'Unauthorized',
    error: 'use_dpop_nonce',
    detail: 'The DPoP proof needs the nonce of this answer',
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
  bearer_with_proof: 'invalid_request',
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
  bound_token_as_bearer: 'invalid_token',
  unbound_token: 'invalid_token',
  revoked: 'invalid_token',
  inactive_token: 'invalid_token',
  missing_proof: 'invalid_dpop_proof',
  invalid_proof: 'invalid_dpop_proof',
  replayed_proof: 'invalid_dpop_proof',
  nonce_required: 'use_dpop_nonce',
  insufficient_scope: 'insufficient_scope',
  insufficient_role: 'insufficient_scope',
  insufficient_claim: 'insufficient_scope',
  policy_refused: 'insufficient_scope',
  unlisted_tool: 'forbidden',
  malformed_message: 'malformed_request',
  weak_authentication: 'insufficient_user_authentication',
  stale_authentication: 'insufficient_user_authentication',
  keys_unavailable: 'unavailable',
  issuer_unavailable: 'unavailable',
  revocations_unavailable: 'unavailable',
  session_unavailable: 'unavailable',
  introspection_unavailable: 'unavailable',
  decryption_unavailable: 'unavailable',
  replays_unavailable: 'unavailable',
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

test('rule 103: the challenge names an acr or an age alone, and the body stays the same', () => {
  const refuse = createDenial({ realm: 'api' });
  const { body, headers } = refuse('weak_authentication');
  const challenge = headers['www-authenticate'] as string;
  for (const [details, parameter] of [
    [{ acrValues: ['gold'] }, 'acr_values="gold"'],
    [{ maxAgeSeconds: 0 }, 'max_age="0"'],
  ] as const) {
    const refusal = refuse('weak_authentication', details);
    expect(refusal.headers['www-authenticate']).toBe(`${challenge}, ${parameter}`);
    expect(refusal.body).toBe(body);
  }
  expect(refuse('nonce_required', { nonce: 'n-1' }).headers['dpop-nonce']).toBe('n-1');
  expect(refuse('keys_unavailable', { retryAfterSeconds: 7 }).headers['retry-after']).toBe('7');
});

test('refusals without details share their headers and their body, which are frozen', () => {
  const refuse = createDenial({ realm: 'api' });
  const first = refuse('expired');
  const second = refuse('bad_signature', { cause: 'x' });
  expect(second.headers).toBe(first.headers);
  expect(second.body).toBe(first.body);
  expect([first.headers, first.body].every(Object.isFrozen)).toBe(true);
});

describe('rule 109: one challenge for each accepted scheme', () => {
  const algorithms = 'ES256 RS256';
  const challenges = (offered: readonly ('Bearer' | 'DPoP')[], reason: Reason, details?: DenialDetails) =>
    createDenial({ realm: 'api', schemes: { offered, algorithms }, resourceMetadata: 'https://a.test/m' })(reason, details).headers['www-authenticate'];
  const bearer = 'Bearer realm="api"';
  const dpop = `DPoP realm="api", algs="${algorithms}"`;
  const metadata = 'resource_metadata="https://a.test/m"';
  const invalid = 'error="invalid_token", error_description="The access token is not valid here"';
  const both = ['Bearer', 'DPoP'] as const;

  test('Bearer comes first without credentials, and each names the scope', () => {
    expect(challenges(both, 'missing_token')).toEqual([`${bearer}, ${metadata}`, `${dpop}, ${metadata}`]);
    expect(challenges(both, 'missing_token', { scope: ['a', 'b'] })).toEqual([
      `${bearer}, scope="a b", ${metadata}`,
      `DPoP realm="api", scope="a b", algs="${algorithms}", ${metadata}`,
    ]);
  });

  test('the scheme of the request comes first, and alone carries the error and what belongs to it', () => {
    expect(challenges(both, 'expired')).toEqual([`${bearer}, ${invalid}, ${metadata}`, `${dpop}, ${metadata}`]);
    expect(challenges(both, 'expired', { scheme: 'DPoP' })).toEqual([
      `DPoP realm="api", ${invalid}, algs="${algorithms}", ${metadata}`,
      `${bearer}, ${metadata}`,
    ]);
    const stale = challenges(both, 'stale_authentication', { scheme: 'DPoP', acrValues: ['gold'], maxAgeSeconds: 5 });
    expect(stale).toEqual([expect.stringContaining(`acr_values="gold", max_age="5", algs="${algorithms}"`), `${bearer}, ${metadata}`]);
    const lacking = challenges(both, 'insufficient_scope', { scheme: 'DPoP', scope: ['a'] });
    expect(lacking).toEqual([expect.stringMatching(/^DPoP .*error="insufficient_scope".*scope="a"/), `${bearer}, ${metadata}`]);
  });

  test('what is wrong with a proof stands on the DPoP challenge', () => {
    for (const reason of ['missing_proof', 'nonce_required'] as const)
      expect(challenges(both, reason)).toEqual([
        expect.stringMatching(/^DPoP realm="api", error="(?:invalid_dpop_proof|use_dpop_nonce)"/),
        `${bearer}, ${metadata}`,
      ]);
  });

  test('a scheme that is not accepted has no challenge, and one challenge is no list', () => {
    expect(challenges(['DPoP'], 'missing_token')).toBe(`${dpop}, ${metadata}`);
    expect(challenges(['DPoP'], 'unbound_token')).toBe(`DPoP realm="api", ${invalid}, algs="${algorithms}", ${metadata}`);
    expect(challenges(['Bearer'], 'expired')).toBe(`${bearer}, ${invalid}, ${metadata}`);
    // a token that is bound to a certificate and to a key
    expect(challenges(['Bearer'], 'invalid_proof', { scheme: 'DPoP' })).toEqual([
      expect.stringMatching(/^DPoP .*error="invalid_dpop_proof"/),
      `${bearer}, ${metadata}`,
    ]);
  });

  test('rule 71: the list is frozen', () => {
    expect(Object.isFrozen(challenges(both, 'missing_token'))).toBe(true);
  });
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
