import fc from 'fast-check';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { createResourceGuard } from '@tokenward/core';
import { base64url, compactJws, createTestIssuer, signBytes, type SigningKey } from '@tokenward/testing';
import { expect, test } from 'vitest';

const SEED = 20_261_124;
const RUNS = Number(process.env['TOKENWARD_RUNS'] ?? 5000);
const algorithms = ['RS256', 'PS256', 'ES256', 'ES512', 'EdDSA'] as const;

const issuer = await createTestIssuer();
const keys: SigningKey[] = [];
for (const algorithm of algorithms) keys.push(await issuer.signingKey(algorithm));
const jwks = issuer.jwks as unknown as JSONWebKeySet;
await issuer.close();
const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwks: jwks, clockSkewSeconds: 30 });
const oracleKeys = createLocalJWKSet(jwks);
const now = Math.floor(Date.now() / 1000);
const goodClaims = { iss: issuer.issuer, aud: issuer.audience, sub: 'user-1', client_id: 'client-1', jti: 'j', iat: now, exp: now + 3600, scope: 'a b' };

const strangeValue = fc.oneof(fc.jsonValue(), fc.constantFrom(issuer.issuer, issuer.audience, [issuer.audience], now, now + 3600, '', null, 0, -1, 1e15));
const strangeName = fc.oneof(
  fc.constantFrom('iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'scope', 'scp', 'cnf', 'nonce', 'azp', '__proto__', 'constructor', 'toString'),
  fc.string({ maxLength: 8 }),
);

/** A token that is well signed, with members added, replaced and left out. */
const signed = fc
  .record({
    key: fc.constantFrom(...keys),
    header: fc.dictionary(
      fc.oneof(fc.constantFrom('alg', 'kid', 'typ', 'crit', 'b64', 'cty', 'jwk'), fc.string({ maxLength: 6 })),
      fc.oneof(fc.jsonValue(), fc.constantFrom('JWT', 'at+jwt', 'RS256', 'none')),
      { maxKeys: 2 },
    ),
    claims: fc.dictionary(strangeName, strangeValue, { maxKeys: 4 }),
    without: fc.option(fc.constantFrom('iss', 'aud', 'exp', 'iat', 'sub'), { nil: undefined, freq: 3 }),
  })
  .map(({ key, header, claims, without }) => {
    const payload: Record<string, unknown> = { ...goodClaims, ...claims };
    if (without !== undefined) delete payload[without];
    const head = { alg: key.algorithm, kid: key.kid, typ: 'at+jwt', ...header };
    return compactJws(base64url(JSON.stringify(head)), base64url(JSON.stringify(payload)), (bytes) => signBytes(key.algorithm, key.privateKey, bytes));
  });

/** The same with a character changed, a piece cut out, repeated or moved. */
const mutated = fc
  .tuple(
    signed,
    fc.nat(),
    fc.nat({ max: 40 }),
    fc.constantFrom('replace', 'cut', 'repeat', 'move', 'keep'),
    fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 3 }),
  )
  .map(([token, position, length, how, text]) => {
    const at = position % token.length;
    const piece = token.slice(at, at + length);
    switch (how) {
      case 'replace':
        return token.slice(0, at) + text + token.slice(at + text.length);
      case 'cut':
        return token.slice(0, at) + token.slice(at + length);
      case 'repeat':
        return token.slice(0, at) + piece + token.slice(at);
      case 'move':
        return token.slice(0, at) + token.slice(at + length) + piece;
      case 'keep':
        return token;
    }
  });

const arbitrary = fc.oneof({ weight: 6, arbitrary: mutated }, { weight: 2, arbitrary: signed }, { weight: 1, arbitrary: fc.string({ maxLength: 200 }) }, { weight: 1, arbitrary: fc.array(fc.base64String({ maxLength: 40 }), { maxLength: 6 }).map((parts) => parts.join('.')) }); // prettier-ignore

test(`rule 19: of ${RUNS} arbitrary tokens each is allowed or denied, and jose accepts all that we accept`, { timeout: 600_000 }, async () => {
  let allowed = 0;
  let bothRefused = 0;
  await fc.assert(
    fc.asyncProperty(arbitrary, async (token) => {
      const decision = guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
      expect(decision).not.toBeInstanceOf(Promise);
      const { outcome } = await decision;
      expect(['allow', 'deny']).toContain(outcome);
      const oracle = await jwtVerify(token, oracleKeys, {
        issuer: issuer.issuer,
        audience: issuer.audience,
        clockTolerance: 30,
        algorithms: [...algorithms, 'Ed25519'],
      }).then(
        () => true,
        () => false,
      );
      if (outcome === 'allow') {
        allowed++;
        expect(oracle).toBe(true);
      } else if (!oracle) bothRefused++;
    }),
    { seed: SEED, numRuns: RUNS },
  );
  // the generators must reach both sides, or nothing was compared
  expect(allowed).toBeGreaterThan(RUNS / 50);
  expect(bothRefused).toBeGreaterThan(RUNS / 5);
});
