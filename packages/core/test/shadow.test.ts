import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createResourceGuard, type Events, type GuardOptions } from '@tokenward/core';
import { createTestIssuer, hostileTokens, type TokenWishes } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';

type ShadowRefusal = Events['tokenward:shadow-refused'];

/** What the shadow says, while the test lasts. */
function listen(): ShadowRefusal[] {
  const seen: ShadowRefusal[] = [];
  const keep = (event: unknown): void => void seen.push(event as ShadowRefusal);
  subscribe('tokenward:shadow-refused', keep);
  onTestFinished(() => void unsubscribe('tokenward:shadow-refused', keep));
  return seen;
}

const dayAgo: TokenWishes = { lifetimeSeconds: 200_000, claims: { iat: Math.floor(Date.now() / 1000) - 86_400 } };

describe('what the stricter options would refuse is admitted, and told', () => {
  test.each<[string, GuardOptions['shadow'], TokenWishes, string, string]>([
    ['an audience', { audience: 'https://new.example.test' }, {}, 'audience_mismatch', 'aud'],
    ['several audiences', { audience: ['https://a.example.test', 'https://b.example.test'] }, {}, 'audience_mismatch', 'aud'],
    ['algorithms', { algorithms: ['ES256', 'PS256'] }, {}, 'algorithm_not_allowed', 'alg'],
    ['the profile, by typ', { profile: 'rfc9068' }, { header: { typ: 'JWT' } }, 'wrong_type', 'typ'],
    ['the profile, by its claims', { profile: 'rfc9068' }, { claims: { jti: undefined } }, 'missing_claim', 'jti'],
    ['required claims', { requiredClaims: ['tenant'] }, {}, 'missing_claim', 'tenant'],
    ['the age', { maxTokenAgeSeconds: 3600 }, dayAgo, 'too_old', 'iat'],
    ['the lifetime', { maxTokenLifetimeSeconds: 60 }, {}, 'lifetime_too_long', 'exp'],
    ['clients', { allowedClients: ['web'] }, {}, 'client_not_allowed', 'client_id'],
    ['the skew', { clockSkewSeconds: 0 }, { lifetimeSeconds: -5 }, 'expired', 'exp'],
  ])('%s', async (_what, shadow, wishes, reason, cause) => {
    const seen = listen();
    const { issuer, verdict } = await createScene({ shadow });
    const token = await issuer.issueToken(wishes);
    expect(await verdict(token)).toBe('allow');
    expect(seen).toEqual([{ issuer: issuer.issuer, reason, cause: expect.stringMatching(new RegExp(`^${cause}(?:, \\d+ s ago)?$`)), clientId: 'client-1' }]);
    // a token that is known casts its shadow again
    expect(await verdict(token)).toBe('allow');
    expect(seen).toHaveLength(2);
    expect(seen[1]).toEqual(seen[0]);
  });
});

describe('what they would admit is not told', () => {
  test.each<[string, GuardOptions['shadow'], TokenWishes]>([
    ['an audience', { audience: ['https://a.example.test', 'https://api.example.test'] }, {}],
    ['the two names of one algorithm', { algorithms: ['EdDSA'] }, { algorithm: 'EdDSA', header: { alg: 'Ed25519' } }],
    ['the two names of one algorithm, the other way', { algorithms: ['Ed25519'] }, { algorithm: 'EdDSA' }],
    ['the profile', { profile: 'rfc9068' }, {}],
    ['everything', { allowedClients: ['client-1'], requiredClaims: ['sub'], maxTokenLifetimeSeconds: 300, maxTokenAgeSeconds: 60, clockSkewSeconds: 5 }, {}],
    ['nothing at all', {}, {}],
  ])('%s', async (_what, shadow, wishes) => {
    const seen = listen();
    const { verdict } = await createScene({ shadow });
    expect(await verdict(wishes)).toBe('allow');
    expect(seen).toEqual([]);
  });
});

test('the same options, once they count, refuse what the shadow told of', async () => {
  const strict = { allowedClients: ['web'] };
  const { issuer, clock, verdict } = await createScene({ shadow: strict });
  const counts = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, ...strict });
  const seen = listen();
  for (const clientId of ['web', 'mobile']) {
    const token = await issuer.issueToken({ clientId });
    expect(await verdict(token)).toBe('allow');
    expect(verdictOf(await ask(counts, token))).toBe(clientId === 'web' ? 'allow' : seen.at(-1)?.reason);
  }
  expect(seen.map(({ clientId }) => clientId)).toEqual(['mobile']);
});

test('it admits nothing: what the guard itself refuses stays refused, and casts no shadow', async () => {
  const seen = listen();
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  const rows = await hostileTokens(issuer);
  const shadow = { audience: 'https://elsewhere.example.test', algorithms: ['ES256'] as const };
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, shadow });
  for (const { token, reason } of rows) expect(verdictOf(await ask(guard, token))).toBe(reason);
  expect(seen).toEqual([]);
});

test('rule 142: no value of a claim is told, and the name of a client only as printable text', async () => {
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
])('shadow: %j stops the start', (shadow, message) => {
  expect(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', shadow: shadow as never })).toThrow(message);
});
