import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createResourceGuard, type Events, type GuardOptions } from '@tokenward/core';
import { createTestIssuer, hostileTokens, type TokenOptions } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';
import { activeAnswer, AUDIENCE, createAskingGuard } from './introspection.js';

type ShadowRefusal = Events['tokenward:shadow-refused'];

/** Collects the shadow refusals until the test ends. */
function listen(): ShadowRefusal[] {
  const seen: ShadowRefusal[] = [];
  const keep = (event: unknown): void => void seen.push(event as ShadowRefusal);
  subscribe('tokenward:shadow-refused', keep);
  onTestFinished(() => void unsubscribe('tokenward:shadow-refused', keep));
  return seen;
}

const dayAgo: TokenOptions = { lifetimeSeconds: 200_000, claims: { iat: Math.floor(Date.now() / 1000) - 86_400 } };

describe('admits a token that the shadow options would refuse, and reports it', () => {
  test.each<[string, GuardOptions['shadow'], TokenOptions, string, string]>([
    ['an audience', { audience: 'https://new.example.test' }, {}, 'audience_mismatch', 'aud'],
    ['several audiences', { audience: ['https://a.example.test', 'https://b.example.test'] }, {}, 'audience_mismatch', 'aud'],
    ['algorithms', { algorithms: ['ES256', 'PS256'] }, {}, 'algorithm_not_allowed', 'alg'],
    ['the profile, because of typ', { profile: 'rfc9068' }, { header: { typ: 'JWT' } }, 'wrong_type', 'typ'],
    ['the profile, because of a missing claim', { profile: 'rfc9068' }, { claims: { jti: undefined } }, 'missing_claim', 'jti'],
    ['required claims', { requiredClaims: ['tenant'] }, {}, 'missing_claim', 'tenant'],
    ['the maximum age', { maxTokenAgeSeconds: 3600 }, dayAgo, 'too_old', 'iat'],
    ['the maximum lifetime', { maxTokenLifetimeSeconds: 60 }, {}, 'lifetime_too_long', 'exp'],
    ['allowed clients', { allowedClients: ['web'] }, {}, 'client_not_allowed', 'client_id'],
    ['a smaller clock skew', { clockSkewSeconds: 0 }, { lifetimeSeconds: -5 }, 'expired', 'exp'],
  ])('reports a refusal by %s', async (_what, shadow, wanted, reason, cause) => {
    const seen = listen();
    const { issuer, verdict } = await createScene({ shadow });
    const token = await issuer.issueToken(wanted);
    expect(await verdict(token)).toBe('allow');
    expect(seen).toMatchObject([
      { issuer: issuer.issuer, reason, cause: expect.stringMatching(new RegExp(`^${cause}(?:, \\d+ s ago)?$`)), clientId: 'client-1' },
    ]);
    // a cached token is reported again
    expect(await verdict(token)).toBe('allow');
    expect(seen).toHaveLength(2);
    expect(seen[1]).toEqual(seen[0]);
  });
});

describe('does not report a token that the shadow options would admit', () => {
  test.each<[string, GuardOptions['shadow'], TokenOptions]>([
    ['a matching audience', { audience: ['https://a.example.test', 'https://api.example.test'] }, {}],
    ['EdDSA for a token with alg Ed25519', { algorithms: ['EdDSA'] }, { algorithm: 'EdDSA', header: { alg: 'Ed25519' } }],
    ['Ed25519 for a token with alg EdDSA', { algorithms: ['Ed25519'] }, { algorithm: 'EdDSA' }],
    ['the profile of RFC 9068', { profile: 'rfc9068' }, {}],
    [
      'several options at once',
      { allowedClients: ['client-1'], requiredClaims: ['sub'], maxTokenLifetimeSeconds: 300, maxTokenAgeSeconds: 60, clockSkewSeconds: 5 },
      {},
    ],
    ['no options', {}, {}],
  ])('reports nothing with %s', async (_what, shadow, wanted) => {
    const seen = listen();
    const { verdict } = await createScene({ shadow });
    expect(await verdict(wanted)).toBe('allow');
    expect(seen).toEqual([]);
  });
});

describe('an answer without aud that unsafeAcceptAnswersWithoutAudience accepts', () => {
  const scene = (shadow: GuardOptions['shadow'], more: object = {}) =>
    createAskingGuard(
      (_question, _response, clock) => activeAnswer(clock, { aud: undefined, ...more }),
      { unsafeAcceptAnswersWithoutAudience: true },
      { shadow },
    );

  test.each<[string, GuardOptions['shadow'], object?]>([
    ['no audience', { allowedClients: ['client-1'] }],
    ['another audience, which would not change that', { audience: 'https://new.example.test' }],
    ['an empty list in the answer', { audience: 'https://new.example.test' }, { aud: [] }],
  ])('is not reported, new or cached, if shadow has %s', async (_what, shadow, more) => {
    const seen = listen();
    const { guard } = await scene(shadow, more);
    for (let count = 0; count < 2; count++) expect(verdictOf(await ask(guard, 'opaque'))).toBe('allow');
    expect(seen).toEqual([]);
  });

  test('is reported for what shadow does demand', async () => {
    const seen = listen();
    const { guard } = await scene({ allowedClients: ['web'] });
    for (let count = 0; count < 2; count++) expect(verdictOf(await ask(guard, 'opaque'))).toBe('allow');
    expect(seen.map(({ reason }) => reason)).toEqual(['client_not_allowed', 'client_not_allowed']);
  });

  test('but an aud in the answer is compared, and so is that of a JWT', async () => {
    const seen = listen();
    const { guard } = await scene({ audience: 'https://new.example.test' }, { aud: AUDIENCE });
    expect(verdictOf(await ask(guard, 'opaque'))).toBe('allow');
    const introspection = { endpoint: 'https://login.example.test/introspect', clientId: 'a', clientSecret: 'b', unsafeAcceptAnswersWithoutAudience: true };
    const options: GuardOptions = { audience: undefined, unsafeAcceptTokensForAnyAudience: true, introspection };
    const { verdict } = await createScene({ ...options, shadow: { audience: 'https://new.example.test' } });
    expect(await verdict({ claims: { aud: undefined } })).toBe('allow');
    expect(seen.map(({ reason }) => reason)).toEqual(['audience_mismatch', 'audience_mismatch']);
  });
});

test('the same options outside shadow refuse the token that the shadow reported', async () => {
  const strict = { allowedClients: ['web'] };
  const { issuer, clock, verdict } = await createScene({ shadow: strict });
  const enforcing = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, ...strict });
  const seen = listen();
  for (const clientId of ['web', 'mobile']) {
    const token = await issuer.issueToken({ clientId });
    expect(await verdict(token)).toBe('allow');
    expect(verdictOf(await ask(enforcing, token))).toBe(clientId === 'web' ? 'allow' : seen.at(-1)?.reason);
  }
  expect(seen.map(({ clientId }) => clientId)).toEqual(['mobile']);
});

test('does not change what the guard itself refuses, and does not report it', async () => {
  const seen = listen();
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  // a bound token is authentic, so shadow options judge it before its proof is asked for
  const rows = (await hostileTokens(issuer)).filter(({ reason }) => reason !== 'bound_token_as_bearer' && reason !== 'missing_certificate');
  const shadow = { audience: 'https://elsewhere.example.test', algorithms: ['ES256'] as const };
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, shadow });
  for (const { token, reason } of rows) expect(verdictOf(await ask(guard, token))).toBe(reason);
  expect(seen).toEqual([]);
});

test('rule 142: reports no claim value, and the client id only as short printable text', async () => {
  const seen = listen();
  const { verdict } = await createScene({ shadow: { allowedClients: ['web'], requiredClaims: ['tenant'] } });
  expect(await verdict({ subject: 'planted-subject', clientId: `mobile\u001b[31m\n${'x'.repeat(5000)}`, claims: { secret: 'planted-secret' } })).toBe('allow');
  expect(JSON.stringify(seen)).not.toContain('planted');
  expect(seen[0]!.clientId).toMatch(/^mobile \[31m x+\.\.\.$/);
  expect(seen[0]!.clientId!.length).toBeLessThan(300);
});

test.each<[unknown, RegExp]>([
  [true, /shadow: must be an object \(got true\)/],
  [{ issuer: 'https://login.example.test' }, /shadow\.issuer: is not an option/],
  [{ audience: '' }, /shadow\.audience/],
  [{ audience: [] }, /shadow\.audience/],
  [{ algorithms: ['RS257'] }, /shadow\.algorithms: lists "RS257", which is not supported/],
  [{ algorithms: [] }, /shadow\.algorithms/],
  [{ profile: 'rfc7519' }, /shadow\.profile/],
  [{ requiredClaims: 'sub' }, /shadow\.requiredClaims/],
  [{ maxTokenAgeSeconds: 0 }, /shadow\.maxTokenAgeSeconds/],
  [{ maxTokenLifetimeSeconds: '60' }, /shadow\.maxTokenLifetimeSeconds/],
  [{ clockSkewSeconds: 301 }, /shadow\.clockSkewSeconds/],
])('throws at start-up if shadow is %j', (shadow, message) => {
  expect(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', shadow: shadow as never })).toThrow(message);
});
