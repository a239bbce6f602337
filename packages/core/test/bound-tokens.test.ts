import { scope } from '@tokenward/core';
import { refusalBehindProof } from '@tokenward/core/diagnosis';
import { expect, test } from 'vitest';
import { createScene } from './guarded.js';

const BOUND = { claims: { cnf: { jku: 'https://client.example.test/keys' } } };

test.each([undefined, false as const])(
  'rule 88: refuses a token with a cnf that nobody can prove at each request, with the same answer (tokenCache: %s)',
  async (tokenCache) => {
    const { guard, issuer, decide } = await createScene({ tokenCache });
    const token = await issuer.issueToken(BOUND);
    for (let times = 1; times <= 3; times++) {
      const decision = await decide(token);
      expect(decision).toMatchObject({
        outcome: 'deny',
        status: 401,
        reason: 'unproven_confirmation',
        cause: 'cnf has a member other than jkt and x5t#S256',
        body: { error: 'invalid_token' },
      });
      expect(decision.outcome === 'deny' && decision.explain()).toMatchObject({
        reason: 'unproven_confirmation',
      });
    }
    expect(guard.health().tokenCache?.entries ?? 0).toBe(0);
  },
);

test('rule 88: refuses a token with a cnf that nobody can prove on a first request without cached keys, and with optional credentials', async () => {
  const { issuer, decide, verdict } = await createScene();
  const token = await issuer.issueToken(BOUND);
  expect(await verdict(token)).toBe('unproven_confirmation');
  expect(await verdict(token, { credentials: 'optional' })).toBe('unproven_confirmation');
  expect(await decide({})).toMatchObject({ outcome: 'allow' });
});

test('rule 5: does not read a token of another scheme, and allows it without an auth if credentials are optional', async () => {
  const { guard, issuer } = await createScene();
  const token = await issuer.issueToken({});
  for (const authorization of [`Negotiate ${token}`, `Basic ${token}`]) {
    const request = { method: 'GET', target: '/', headers: { authorization } };
    expect(await guard.check(request)).toMatchObject({ outcome: 'deny', status: 401, reason: 'unsupported_scheme' });
    expect(await guard.check(request, { credentials: 'optional' })).toMatchObject({ outcome: 'allow', auth: undefined });
  }
  expect(guard.health().tokenCache).toMatchObject({ entries: 0, misses: 0 });
});

test('rule 301: a tool learns what a bound token is refused for behind its proof, and the guard admits it no sooner for that', async () => {
  const { guard, issuer } = await createScene();
  const jkt = 'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U';
  const token = await issuer.issueToken({ claims: { cnf: { jkt }, scope: 'news' } });
  const request = { method: 'GET', target: '/', headers: { authorization: `DPoP ${token}` } };
  expect(await refusalBehindProof(guard, request, { policy: scope('news') })).toBeUndefined();
  expect(await refusalBehindProof(guard, request, { policy: scope('orders:read') })).toMatchObject({ reason: 'insufficient_scope' });
  expect(await guard.check(request)).toMatchObject({ outcome: 'deny', reason: 'missing_proof' });
  const altered = { ...request, headers: { authorization: `DPoP ${token.slice(0, -4)}AAAA` } };
  expect(await refusalBehindProof(guard, altered, {})).toMatchObject({ reason: 'bad_signature' });
});
