import { rawToken } from '@tokenward/core';
import { describe, expect, test } from 'vitest';
import { createScene, expectAllowed } from './guarded.js';

describe('token types', () => {
  test.each([undefined, 'JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'Application/AT+JWT', 'application/jwt'])(
    'rule 35: accepts typ %s',
    async (typ) => {
      const { verdict } = await createScene();
      expect(await verdict({ header: { typ } })).toBe('allow');
    },
  );

  test.each([undefined, 'JWT', 'application/jwt'])('rule 35: the profile of RFC 9068 refuses typ %s', async (typ) => {
    const { verdict } = await createScene({ profile: 'rfc9068' });
    expect(await verdict({ header: { typ } })).toBe('wrong_type');
    expect(await verdict({ header: { typ: 'application/at+jwt' } })).toBe('allow');
  });

  test.each(['sub', 'client_id', 'jti'])('rule 35: the profile of RFC 9068 requires %s', async (name) => {
    const { verdict } = await createScene({ profile: 'rfc9068' });
    expect(await verdict({ claims: { [name]: undefined } })).toBe('missing_claim');
  });
});

describe('issuer and audience', () => {
  test('rule 38: compares an issuer with a path or a final slash exactly', async () => {
    const { issuer, verdict } = await createScene({}, { path: '/realms/one' });
    expect(issuer.issuer).toMatch(/\/realms\/one$/);
    expect(await verdict({})).toBe('allow');
    expect(await verdict({ claims: { iss: `${issuer.issuer}/` } })).toBe('issuer_mismatch');
  });

  test('rule 40: accepts a token if one of its audiences is one of the configured audiences', async () => {
    const { verdict } = await createScene({ audience: ['https://a.example.test', 'https://b.example.test'] });
    expect(await verdict({ audience: 'https://b.example.test' })).toBe('allow');
    expect(await verdict({ audience: ['https://x.example.test', 'https://a.example.test'] })).toBe('allow');
    expect(await verdict({ audience: ['https://x.example.test'] })).toBe('audience_mismatch');
  });

  test('rule 41: accepts any audience only with the option for it, and never a malformed one', async () => {
    const { verdict } = await createScene({ audience: undefined, unsafeAcceptTokensForAnyAudience: true });
    expect(await verdict({ audience: 'https://elsewhere.example.test' })).toBe('allow');
    expect(await verdict({ claims: { aud: undefined } })).toBe('allow');
    for (const aud of ['', [], [null], 7]) expect(await verdict({ claims: { aud } })).toBe('invalid_claim');
  });
});

describe('dates', () => {
  test('rule 44: accepts a token from nbf - skew until exp + skew, to the second', async () => {
    const { clock, issuer, verdict } = await createScene({ clockSkewSeconds: 30 });
    clock.set(Math.ceil(clock.now() / 1000) * 1000);
    const token = await issuer.issueToken({ lifetimeSeconds: 300 });
    clock.advance(329);
    expect(await verdict(token)).toBe('allow');
    clock.advance(0.999);
    expect(await verdict(token)).toBe('allow');
    clock.advance(0.001);
    expect(await verdict(token)).toBe('expired');

    const now = clock.now() / 1000;
    const later = await issuer.issueToken({ lifetimeSeconds: 600, claims: { nbf: now + 100 } });
    clock.advance(69.999);
    expect(await verdict(later)).toBe('not_yet_valid');
    clock.advance(0.001);
    expect(await verdict(later)).toBe('allow');
  });

  test('rule 44: refuses a token in the second of its exp if there is no skew', async () => {
    const { clock, issuer, verdict } = await createScene({ clockSkewSeconds: 0 });
    clock.set(Math.ceil(clock.now() / 1000) * 1000);
    const token = await issuer.issueToken({ lifetimeSeconds: 10 });
    clock.advance(9.999);
    expect(await verdict(token)).toBe('allow');
    clock.advance(0.001);
    expect(await verdict(token)).toBe('expired');
  });

  test('rule 43: counts fractions of a second, never in favour of the token', async () => {
    const { clock, issuer, verdict } = await createScene({ clockSkewSeconds: 0 });
    clock.set(Math.ceil(clock.now() / 1000) * 1000);
    const now = clock.now() / 1000;
    const token = await issuer.issueToken({ claims: { exp: now + 10.5, nbf: now + 1.5 } });
    clock.advance(1.499);
    expect(await verdict(token)).toBe('not_yet_valid');
    clock.advance(0.001);
    expect(await verdict(token)).toBe('allow');
    clock.advance(8.999);
    expect(await verdict(token)).toBe('allow');
    clock.advance(0.001);
    expect(await verdict(token)).toBe('expired');
  });

  test('rule 46: accepts an iat ahead of the clock by the skew and no more', async () => {
    const { clock, verdict } = await createScene({ clockSkewSeconds: 30 });
    const now = clock.now() / 1000;
    expect(await verdict({ claims: { iat: now + 30 } })).toBe('allow');
    expect(await verdict({ claims: { iat: now + 30.001 } })).toBe('issued_in_the_future');
  });

  test('rule 46: counts the maximum age from iat, and the maximum lifetime as exp - iat', async () => {
    const { clock, issuer, verdict } = await createScene({ maxTokenAgeSeconds: 60, maxTokenLifetimeSeconds: 3600, clockSkewSeconds: 0 });
    clock.set(Math.ceil(clock.now() / 1000) * 1000);
    const token = await issuer.issueToken({ lifetimeSeconds: 3600 });
    clock.advance(60);
    expect(await verdict(token)).toBe('allow');
    clock.advance(0.001);
    expect(await verdict(token)).toBe('too_old');
    expect(await verdict({ lifetimeSeconds: 3601 })).toBe('lifetime_too_long');
  });

  test('rule 43: refuses an exp in milliseconds', async () => {
    const { clock, verdict } = await createScene();
    expect(await verdict({ claims: { exp: clock.now() + 300_000 } })).toBe('invalid_claim');
  });
});

describe('clients, scopes, roles and other claims', () => {
  test('rule 47: compares allowed clients with client_id and azp, which must agree', async () => {
    const { verdict } = await createScene({ allowedClients: ['web', 'mobile'] });
    expect(await verdict({ clientId: 'web' })).toBe('allow');
    expect(await verdict({ claims: { client_id: undefined, azp: 'mobile' } })).toBe('allow');
    expect(await verdict({ claims: { client_id: 'web', azp: 'web' } })).toBe('allow');
    expect(await verdict({ claims: { client_id: 'web', azp: 'mobile' } })).toBe('client_not_allowed');
    expect(await verdict({ claims: { client_id: 'other', azp: 'web' } })).toBe('client_not_allowed');
    expect(await verdict({ claims: { client_id: undefined } })).toBe('client_not_allowed');
    expect(await verdict({ clientId: 'Web' })).toBe('client_not_allowed');
  });

  test('rule 47: does not use azp or client_id in place of aud', async () => {
    const { issuer, verdict } = await createScene();
    expect(await verdict({ claims: { aud: undefined, azp: issuer.audience, client_id: issuer.audience } })).toBe('audience_mismatch');
  });

  test.each<[string, Record<string, unknown>, string[]]>([
    ['a scope string', { scope: 'a b' }, ['a', 'b']],
    ['a scope string with extra spaces', { scope: ' a   b ' }, ['a', 'b']],
    ['a scope string with other white space', { scope: 'a\tb c\nd e\u00a0f' }, ['a\tb', 'c\nd', 'e\u00a0f']],
    ['scp as a string', { scp: 'a b' }, ['a', 'b']],
    ['scp as a list', { scp: ['a', 'b'] }, ['a', 'b']],
    ['scope and scp', { scope: 'a b', scp: ['b', 'c'] }, ['a', 'b', 'c']],
    ['an empty scope string', { scope: '' }, []],
    ['numbers', { scope: 7, scp: 7 }, []],
    ['objects', { scope: { a: true }, scp: { a: true } }, []],
    ['scope as a list', { scope: ['a', 'b'] }, ['a', 'b']],
    ['a null scope with a good scp', { scope: null, scp: 'a' }, ['a']],
    ['a nested list', { scp: [['a']] }, []],
    ['a list with a number in it', { scp: ['a', 1] }, []],
  ])('rule 49: reads scopes from %s', async (_what, claims, scopes) => {
    const { decide } = await createScene();
    expect(expectAllowed(await decide({ claims })).auth?.scopes).toEqual(scopes);
  });

  test('rule 49: requires claims to be own members that are not null', async () => {
    const { verdict } = await createScene({ requiredClaims: ['tenant', 'toString'] });
    expect(await verdict({ claims: { tenant: 't' } })).toBe('missing_claim');
    expect(await verdict({ claims: { tenant: null, toString: 'x' } })).toBe('missing_claim');
    expect(await verdict({ claims: { tenant: '', toString: false } })).toBe('allow');
  });

  test('an Auth has the usual claims of the token as members', async () => {
    const { issuer, clock, decide } = await createScene();
    const now = Math.floor(clock.now() / 1000);
    const actor = { sub: 'service-1', act: { sub: 'service-0' } };
    const token = await issuer.issueToken({
      subject: 'ada',
      scopes: ['a'],
      roles: ['r'],
      clientId: 'web',
      claims: { jti: 'j', sid: 's', act: actor, tenant: 't', iat: now },
    });
    const { auth } = expectAllowed(await decide(token));
    expect({ ...auth, claims: undefined }).toEqual({
      issuer: issuer.issuer,
      subject: 'ada',
      clientId: 'web',
      audience: [issuer.audience],
      scopes: ['a'],
      roles: ['r'],
      claims: undefined,
      expiresAt: now + 300,
      issuedAt: now,
      tokenId: 'j',
      sessionId: 's',
      actor,
    });
    expect(auth?.claims['tenant']).toBe('t');
    expect(rawToken(auth!)).toBe(token);
  });

  test('rule 71: an Auth is deeply frozen', async () => {
    const { decide } = await createScene();
    const { auth } = expectAllowed(await decide({ scopes: ['a'], roles: ['r'], claims: { deep: { list: [{ x: 1 }] }, act: { sub: 'x' } } }));
    const deep = auth?.claims['deep'] as { list: object[] };
    for (const part of [auth, auth?.claims, auth?.scopes, auth?.roles, auth?.audience, auth?.actor, deep, deep.list, deep.list[0]])
      expect(Object.isFrozen(part)).toBe(true);
  });
});
