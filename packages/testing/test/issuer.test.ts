import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { createTestClock, createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';

async function newIssuer(options?: Parameters<typeof createTestIssuer>[0]): Promise<TestIssuer> {
  const issuer = await createTestIssuer(options);
  onTestFinished(() => issuer.close());
  return issuer;
}

test.each(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const)(
  'issues %s tokens that jose verifies',
  async (algorithm) => {
    const issuer = await newIssuer({ algorithm });
    const { payload, protectedHeader } = await jwtVerify(await issuer.issueToken({ scopes: ['a'] }), createRemoteJWKSet(new URL(issuer.jwksUri)), {
      issuer: issuer.issuer,
      audience: issuer.audience,
      typ: 'at+jwt',
    });
    expect([payload['scope'], protectedHeader.alg]).toEqual(['a', algorithm]);
  },
);

test('issues tokens with the given header and claims, and leaves out those that are undefined', async () => {
  const issuer = await newIssuer({ audience: 'a', path: '/realms/one' });
  const token = await issuer.issueToken({
    subject: 's',
    clientId: 'c',
    roles: ['r'],
    lifetimeSeconds: -5,
    header: { typ: undefined, x: 1 },
    claims: { jti: undefined, tenant: 't' },
  });
  const { jti, iat, exp, ...claims } = decodeJwt(token);
  expect(claims).toEqual({ iss: issuer.issuer, aud: 'a', sub: 's', client_id: 'c', roles: ['r'], tenant: 't' });
  expect([jti, exp! - iat!]).toEqual([undefined, -5]);
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', kid: (await issuer.signingKey()).kid, x: 1 });
});

test('rotates and withdraws keys, and counts requests', async () => {
  const issuer = await newIssuer();
  const first = await issuer.signingKey();
  const second = await issuer.rotateKeys();
  expect(decodeProtectedHeader(await issuer.issueToken()).kid).toBe(second.kid);
  issuer.withdrawKey(first.kid);
  expect(await (await fetch(issuer.jwksUri)).json()).toEqual({ keys: [second.publicJwk] });
  expect(JSON.stringify(issuer.jwks)).not.toContain('"d"');
  expect(() => issuer.withdrawKey('unknown')).toThrow(/no key "unknown" is published. Published keys: /);
  await fetch(`${issuer.issuer}/.well-known/openid-configuration`);
  await fetch(`${issuer.issuer}/.well-known/oauth-authorization-server`);
  expect(issuer.requests).toEqual({ metadata: 2, jwks: 1 });
});

test('misbehaves at one endpoint or at all of them, until it is told to behave', async () => {
  const issuer = await newIssuer();
  issuer.misbehave('error', 'jwks');
  expect((await fetch(issuer.jwksUri)).status).toBe(500);
  expect((await fetch(`${issuer.issuer}/.well-known/openid-configuration`)).status).toBe(200);
  issuer.misbehave('hang');
  await expect(fetch(issuer.jwksUri, { signal: AbortSignal.timeout(200) })).rejects.toThrow();
  issuer.misbehave('drip');
  await expect(fetch(issuer.jwksUri, { signal: AbortSignal.timeout(1500) }).then((response) => response.text())).rejects.toThrow();
  issuer.behave();
  expect((await fetch(issuer.jwksUri)).status).toBe(200);
});

test('rejects with EADDRINUSE if the port is taken', async () => {
  const { issuer } = await newIssuer();
  await expect(createTestIssuer({ port: Number(new URL(issuer).port) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('issues tokens by the clock that it is given', async () => {
  const clock = createTestClock('2030-01-01T00:00:00Z');
  const issuer = await newIssuer({ clock });
  clock.advance(60);
  expect(decodeJwt(await issuer.issueToken()).iat).toBe(Date.parse('2030-01-01T00:01:00Z') / 1000);
});

test('a test clock advances both times, sets back only the wall clock, and refuses invalid values', () => {
  const clock = createTestClock(1000);
  clock.advance(1.5);
  expect([clock.now(), clock.monotonic()]).toEqual([2500, 1500]);
  clock.skewWall(-2);
  expect([clock.now(), clock.monotonic()]).toEqual([500, 1500]);
  clock.set(1500);
  expect([clock.now(), clock.monotonic()]).toEqual([1500, 2500]);
  for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => clock.advance(wrong)).toThrow(RangeError);
  expect(() => clock.set(0)).toThrow(RangeError);
  expect(() => clock.skewWall(Number.NaN)).toThrow(RangeError);
  expect(() => createTestClock('yesterday')).toThrow(/is not a date/);
});
