import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createResourceGuard,
  scope,
  type Algorithm,
  type Decision,
  type GuardOptions,
  type IntrospectionOptions,
  type ProtectedRequest,
} from '@tokenward/core';
import { asSigningKey, createDpopClient, createTestClock, createTestIssuer, type DpopClient, type TestIssuer, type TokenOptions } from '@tokenward/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createCertificates, thumbprintOf } from '../../testing/test/certificates.js';
import { configurationErrorOf, verdictOf } from './guarded.js';

const ORIGIN = 'https://api.example.test';
const URL_OF_REQUEST = `${ORIGIN}/orders`;
const clock = createTestClock();

let issuer: TestIssuer;
let client: DpopClient;
beforeAll(async () => {
  issuer = await createTestIssuer({ clock, algorithm: 'ES256' });
  client = await createDpopClient({ clock });
});
afterAll(() => issuer.close());

function asked(more: Partial<IntrospectionOptions>): IntrospectionOptions {
  return { endpoint: 'https://login.example.com/introspect', clientId: 'api', clientSecret: 'a secret of at least 32 characters', ...more };
}

function guardWith(options: GuardOptions = {}) {
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, profile: 'fapi2', ...options });
  onTestFinished(() => guard.close());
  return guard;
}

/** Sends a token that is bound to the client's key, with a proof. */
async function decide(
  wanted: TokenOptions | string = {},
  { options, more = {}, prover = client }: { options?: GuardOptions; more?: Partial<ProtectedRequest>; prover?: DpopClient } = {},
): Promise<Decision> {
  const token = typeof wanted === 'string' ? wanted : await issuer.issueToken({ ...wanted, claims: { ...prover.claims, ...wanted.claims } });
  const headers = prover.authorizationHeaders({ url: URL_OF_REQUEST }, token);
  return guardWith(options).check({ method: 'GET', target: '/orders', origin: ORIGIN, headers: { ...headers }, ...more }, { policy: scope('orders:read') });
}

const good = { scopes: ['orders:read'] };

describe('FAPI 2.0 Security Profile s5.3.4, requirements for resource servers', () => {
  test('(1) accepts tokens in the header', async () => {
    expect(verdictOf(await decide(good))).toBe('allow');
  });

  test('(2) accepts no token in the query or in a cookie', async () => {
    const token = await issuer.issueToken(good);
    for (const more of [{ target: `/orders?access_token=${token}`, headers: {} }, { headers: { cookie: `access_token=${token}` } }])
      expect(verdictOf(await decide(good, { more }))).toBe('missing_token');
    expect(verdictOf(await decide(good, { more: { target: `/orders?access_token=${token}` } }))).not.toBe('allow');
    const form = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: { access_token: token } };
    expect(verdictOf(await decide(good, { more: form }))).toBe('missing_token');
  });

  test('(3) verifies validity, integrity, expiration and revocation', async () => {
    expect(verdictOf(await decide({ ...good, audience: 'https://other.example.test' }))).toBe('audience_mismatch');
    expect(verdictOf(await decide({ ...good, claims: { iss: 'https://other.example.test' } }))).toBe('issuer_mismatch');
    expect(verdictOf(await decide({ ...good, lifetimeSeconds: -61 }))).toBe('expired');
    const token = await issuer.issueToken({ ...good, claims: client.claims });
    expect(verdictOf(await decide(`${token.slice(0, -8)}AAAAAAAA`))).toBe('bad_signature');
    const guard = guardWith();
    await guard.revocations.revoke({ subject: 'user-1', issuer: issuer.issuer }, { reason: 'logout' });
    clock.advance(1);
    const headers = { ...client.authorizationHeaders({ url: URL_OF_REQUEST }, token) };
    expect(verdictOf(await guard.check({ method: 'GET', target: '/orders', origin: ORIGIN, headers }))).toBe('revoked');
  });

  test('(4) refuses a token that does not grant enough, as RFC 6750 s3.1 says', async () => {
    const decision = await decide({ scopes: ['other'] });
    expect(decision).toMatchObject({ outcome: 'deny', status: 403, body: { error: 'insufficient_scope', scope: 'orders:read' } });
  });

  test('(5) accepts only tokens that are bound to a key or a certificate, and verifies the proof', async () => {
    const bearer = { headers: { authorization: `Bearer ${await issuer.issueToken(good)}` } };
    expect(verdictOf(await decide(good, { more: bearer }))).toBe('unbound_token');
    const bound = { headers: { authorization: `Bearer ${await issuer.issueToken({ ...good, claims: client.claims })}` } };
    expect(verdictOf(await decide(good, { more: bound }))).toBe('bound_token_as_bearer');
    const other = await createDpopClient({ clock });
    expect(verdictOf(await decide({ ...good, claims: client.claims }, { prover: other }))).toBe('invalid_proof');
    const certificates = createCertificates();
    const token = await issuer.issueToken({ ...good, claims: { cnf: { 'x5t#S256': thumbprintOf(certificates.client.cert) } } });
    expect(verdictOf(await decide(good, { more: { headers: { authorization: `Bearer ${token}` } } }))).toBe('missing_certificate');
  });

  test('(5) takes one of the two kinds, if the options say so', async () => {
    expect(verdictOf(await decide(good, { options: { senderConstraint: 'dpop' } }))).toBe('allow');
    expect(verdictOf(await decide(good, { options: { senderConstraint: 'mtls' } }))).toBe('unbound_token');
  });
});

describe('FAPI 2.0 Security Profile s5.4.1, cryptography', () => {
  test.each<[Algorithm, boolean]>([
    ['PS256', true],
    ['ES256', true],
    ['EdDSA', true],
    ['Ed25519', true],
    ['RS256', false],
    ['PS384', false],
    ['ES384', false],
    ['ES512', false],
  ])('(1.2) of access tokens and of proofs, %s is accepted: %s', async (algorithm, isAccepted) => {
    await issuer.signingKey(algorithm);
    const prover = await createDpopClient({ clock, algorithm });
    expect(verdictOf(await decide({ ...good, algorithm }))).toBe(isAccepted ? 'allow' : 'algorithm_not_allowed');
    expect(verdictOf(await decide(good, { prover }))).toBe(isAccepted ? 'allow' : 'invalid_proof');
  });

  test('(1.3) accepts no token and no proof without a signature', async () => {
    expect(verdictOf(await decide({ ...good, header: { alg: 'none' } }))).toBe('algorithm_not_allowed');
    const token = await issuer.issueToken({ ...good, claims: client.claims });
    const unsigned = (jws: string) => jws.slice(0, jws.lastIndexOf('.') + 1);
    expect(verdictOf(await decide(unsigned(token)))).toBe('malformed_token');
    const proof = (header?: object) => client.createProof({ url: URL_OF_REQUEST, header: { ...header } }, token);
    const sent = (dpop: string) => decide(token, { more: { headers: { authorization: `DPoP ${token}`, dpop } } });
    for (const dpop of [proof({ alg: 'none' }), unsigned(proof({ alg: 'none' })), unsigned(proof())]) {
      expect(verdictOf(await sent(dpop))).toBe('invalid_proof');
    }
    expect(verdictOf(await sent(proof()))).toBe('allow');
  });

  test('(2) accepts no RSA key with less than 2048 bits', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const prover = await createDpopClient({ clock, algorithm: 'PS256', privateKey });
    expect(verdictOf(await decide(good, { prover }))).toBe('invalid_proof');

    const weak = asSigningKey('PS256', privateKey);
    expect(configurationErrorOf(() => guardWith({ jwks: { keys: [weak.publicJwk] } }))?.message).toContain('RSA key of 1024 bits');
    const published = [weak, await issuer.signingKey('PS256')];
    const server = createServer((_request, response) => response.end(JSON.stringify({ keys: published.map(({ publicJwk }) => publicJwk) })));
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const options = { jwksUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` };
    expect(verdictOf(await decide({ ...good, key: weak }, { options }))).toBe('unknown_key');
    expect(verdictOf(await decide({ ...good, key: published[1] }, { options }))).toBe('allow');
  });

  test('s5.4.3: of several keys with one kid, those that fit the token are tried', async () => {
    const es256 = await issuer.signingKey('ES256');
    const kid = 'shared';
    const keys = [await issuer.signingKey('PS256'), await issuer.signingKey('EdDSA'), es256].map(({ publicJwk }) => ({ ...publicJwk, kid }));
    const options = { jwks: { keys } };
    expect(verdictOf(await decide({ ...good, key: es256, header: { kid } }, { options }))).toBe('allow');
    expect(verdictOf(await decide({ ...good, algorithm: 'PS256', header: { kid } }, { options }))).toBe('allow');
    const other = await issuer.rotateKeys('ES256');
    expect(verdictOf(await decide({ ...good, key: other, header: { kid } }, { options }))).toBe('bad_signature');
  });

  test('the assertions by which this API introspects tokens have one of these algorithms', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    const introspection = { endpoint: `${issuer.issuer}/introspect`, clientId: 'api', privateKey: { key } };
    guardWith({ introspection });
    const wrong = configurationErrorOf(() => guardWith({ introspection: { ...introspection, privateKey: { key, algorithm: 'RS256' } } }));
    expect(wrong?.problems).toEqual([{ path: 'introspection.privateKey.algorithm', message: expect.stringContaining('profile "fapi2"') }]);
  });

  test('a key that can sign with none of these algorithms is refused for assertions', () => {
    for (const namedCurve of ['P-384', 'P-521']) {
      const { privateKey } = generateKeyPairSync('ec', { namedCurve });
      for (const key of [privateKey.export({ type: 'pkcs8', format: 'pem' }), privateKey.export({ format: 'jwk' })]) {
        const wrong = configurationErrorOf(() => guardWith({ introspection: asked({ clientSecret: undefined, privateKey: { key } }) }));
        expect(wrong?.problems).toEqual([{ path: 'introspection.privateKey.key', message: expect.stringContaining('profile "fapi2"') }]);
      }
    }
  });

  test('a key that is unfit for every algorithm, or is none, is reported once', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    for (const key of [weak, 'no key']) {
      const wrong = configurationErrorOf(() => guardWith({ introspection: asked({ clientSecret: undefined, privateKey: { key } }) }));
      expect(wrong?.problems).toEqual([{ path: 'introspection.privateKey.key', message: expect.not.stringContaining('fapi2') }]);
    }
  });
});

describe('FAPI 2.0 Security Profile s5.3.2.1, clocks', () => {
  test.each<['iat' | 'nbf', number, string]>([
    ['iat', 0, 'allow'],
    ['iat', 10, 'allow'],
    ['iat', 61, 'issued_in_the_future'],
    ['nbf', 0, 'allow'],
    ['nbf', 10, 'allow'],
    ['nbf', 61, 'not_yet_valid'],
  ])('a token whose %s is %s seconds in the future: %s', async (claim, seconds, verdict) => {
    const now = Math.floor(clock.now() / 1000);
    expect(verdictOf(await decide({ ...good, claims: { iat: now, exp: now + 300, [claim]: now + seconds } }))).toBe(verdict);
  });

  test('a proof that was issued 10 seconds in the future is accepted, and not after 61', async () => {
    for (const [seconds, verdict] of [
      [10, 'allow'],
      [61, 'invalid_proof'],
    ] as const) {
      const prover = await createDpopClient({ clock: { now: () => clock.now() + seconds * 1000 } });
      expect(verdictOf(await decide(good, { prover }))).toBe(verdict);
    }
  });
});

describe('the profile locks what it sets', () => {
  test.each<[string, GuardOptions, string]>([
    ['an algorithm', { algorithms: ['ES256', 'RS256'] }, 'algorithms'],
    ['a shared secret', { sharedSecrets: { utf8: 'a secret of at least thirty-two bytes' } }, 'sharedSecrets'],
    ['http', { unsafeHttpHosts: ['keycloak'] }, 'unsafeHttpHosts'],
    ['any audience', { audience: undefined, unsafeAcceptTokensForAnyAudience: true }, 'unsafeAcceptTokensForAnyAudience'],
    ['a clock skew of 0', { clockSkewSeconds: 0 }, 'clockSkewSeconds'],
    ['a clock skew of 61 seconds', { clockSkewSeconds: 61 }, 'clockSkewSeconds'],
    ['an algorithm of proofs', { dpop: { algorithms: ['RS256'] } }, 'dpop.algorithms'],
    ['a clock skew of proofs', { dpop: { clockSkewSeconds: 5 } }, 'dpop.clockSkewSeconds'],
    ['an answer without exp', { introspection: asked({ unsafeAcceptAnswersWithoutExpiry: true }) }, 'introspection.unsafeAcceptAnswersWithoutExpiry'],
    ['an answer without aud', { introspection: asked({ unsafeAcceptAnswersWithoutAudience: true }) }, 'introspection.unsafeAcceptAnswersWithoutAudience'],
    ['an answer without iss', { introspection: asked({ unsafeAcceptAnswersWithoutIssuer: true }) }, 'introspection.unsafeAcceptAnswersWithoutIssuer'],
    ['a browser session', { session: {} as never }, 'session'],
    ['a header of its own', { credentials: { header: 'x-forwarded-access-token' } }, 'credentials'],
    ['a token among subprotocols', { credentials: { webSocketProtocol: 'bearer.' } }, 'credentials'],
  ])('%s contradicts it: the error names both', (_name, options, path) => {
    const problems = configurationErrorOf(() => guardWith(options))?.problems;
    expect(problems).toContainEqual({ path, message: expect.stringContaining('contradicts profile "fapi2"') });
  });

  test('for each of several issuers, and for those of a function', async () => {
    const one = { issuer: issuer.issuer, audience: issuer.audience };
    const list = { issuer: undefined, audience: undefined, issuers: [one, { ...one, issuer: 'https://b.example.com', algorithms: ['RS256'] as const }] };
    expect(configurationErrorOf(() => guardWith(list))?.problems).toEqual([{ path: 'issuers[1].algorithms', message: expect.stringContaining('fapi2') }]);
    const inner = { ...list, profile: undefined, issuers: [{ ...one, profile: 'fapi2' as const }] };
    expect(configurationErrorOf(() => guardWith(inner))?.problems).toEqual([
      { path: 'issuers[0].profile', message: expect.stringContaining('next to issuers') },
    ]);
    const good2 = { ...list, issuers: [one, { ...one, issuer: 'https://b.example.com' }] };
    expect(verdictOf(await decide(good, { options: good2 }))).toBe('allow');
    await issuer.signingKey('RS256');
    for (const resolved of [one, { ...one, algorithms: ['ES256'] as const }, Promise.resolve(one)] as const) {
      const options = { issuer: undefined, audience: undefined, issuers: () => resolved };
      expect(verdictOf(await decide(good, { options }))).toBe('allow');
      expect(verdictOf(await decide({ ...good, algorithm: 'RS256' }, { options }))).toBe('algorithm_not_allowed');
    }
    const rs256 = { issuer: undefined, audience: undefined, issuers: () => ({ ...one, algorithms: ['RS256'] as const }) };
    expect(verdictOf(await decide(good, { options: rs256 }))).toBe('issuer_unavailable');
  });

  test('it makes no plain object of one that its reader refuses, and would lose what it inherits', async () => {
    const one = { issuer: issuer.issuer, audience: issuer.audience };
    const inheriting = Object.assign(Object.create({ requiredClaims: ['tenant'] }) as typeof one, one);
    const own = { issuer: undefined, audience: undefined };
    expect(configurationErrorOf(() => guardWith({ ...own, issuers: [inheriting] }))?.message).toMatch(/plain object/);
    const dpop = Object.assign(Object.create({}) as object, { algorithms: ['RS256'] as const });
    expect(configurationErrorOf(() => guardWith({ dpop }))?.message).toMatch(/profile "fapi2"/);
    expect(verdictOf(await decide(good, { options: { ...own, issuers: () => inheriting } }))).toBe('issuer_unavailable');
  });

  test('narrower options stay', async () => {
    await issuer.signingKey('PS256');
    const options = { algorithms: ['ES256'] as const, clockSkewSeconds: 10, dpop: { algorithms: ['ES256'] as const, clockSkewSeconds: 60 } };
    expect(verdictOf(await decide(good, { options }))).toBe('allow');
    expect(verdictOf(await decide({ ...good, algorithm: 'PS256' }, { options }))).toBe('algorithm_not_allowed');
  });
});

test('OpenAPI documents say that tokens must be bound', () => {
  const { security } = guardWith()
    .openApi()
    .operation([scope('a')]);
  expect(security).toEqual([
    { oauth2: ['a'], 'oauth2.dpop': [] },
    { oauth2: ['a'], 'oauth2.mtls': [] },
  ]);
});

test('the metadata of the API says how tokens must be bound, and which proofs it accepts', () => {
  const endpoint = guardWith({ publicOrigin: ORIGIN }).metadata();
  const { body } = endpoint.answer({ method: 'GET', target: endpoint.paths[0]!, headers: {} })!;
  expect(JSON.parse(body)).toMatchObject({
    bearer_methods_supported: ['header'],
    tls_client_certificate_bound_access_tokens: true,
    dpop_signing_alg_values_supported: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  });
});
