import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResourceGuard, type GuardOptions, type IssuerOptions } from '@tokenward/core';
import { createTestClock, createTestIssuer, type TokenOptions } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { ask, verdictOf } from './guarded.js';

const clock = createTestClock();
const now = Math.floor(clock.now() / 1000);
const signer = await createTestIssuer({ clock, algorithm: 'ES256' });
const { publicJwk } = await signer.signingKey('ES256');
afterAll(() => signer.close());

const bundle = { keys: [{ ...publicJwk, use: 'jwt-svid' }] };
const svid: IssuerOptions = { profile: 'jwt-svid', issuer: 'spiffe://example.org', audience: 'reports', jwks: bundle };
const WORKLOAD = 'spiffe://example.org/ns/prod/sa/web';
const none = { iss: undefined, client_id: undefined, jti: undefined, scope: undefined };

/** A JWT-SVID as SPIRE issues it: it has sub, aud, exp and iat alone. */
function sign(claims: Record<string, unknown> = {}, header: TokenOptions['header'] = { typ: 'JWT' }): Promise<string> {
  return signer.issueToken({ header, claims: { ...none, sub: WORKLOAD, aud: ['reports'], iat: now - 10, exp: now + 300, ...claims } });
}

function guardOf(options: GuardOptions) {
  const guard = createResourceGuard({ clock, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

async function verdict(token: Promise<string>, options: GuardOptions = svid): Promise<string> {
  return verdictOf(await ask(guardOf(options), await token));
}

describe("rule 281: profile 'jwt-svid' accepts JWT-SVIDs of one trust domain", () => {
  test('identifies the workload, and the trust domain as its issuer', async () => {
    const decision = await ask(guardOf(svid), await sign());
    expect(decision).toMatchObject({ outcome: 'allow', auth: { subject: WORKLOAD, issuer: 'spiffe://example.org', audience: ['reports'] } });
    for (const typ of [undefined, 'JWT', 'JOSE']) expect(await verdict(sign({}, { typ }))).toBe('allow');
    // SPIRE can be configured to write one
    expect(await verdict(sign({ iss: 'https://oidc.example.org' }))).toBe('allow');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['another trust domain', { sub: 'spiffe://other.org/web' }, 'issuer_mismatch'],
    ['a trust domain that begins like it', { sub: 'spiffe://example.org.evil.test/web' }, 'issuer_mismatch'],
    ['a subdomain', { sub: 'spiffe://a.example.org/web' }, 'issuer_mismatch'],
    ['the trust domain itself', { sub: 'spiffe://example.org' }, 'issuer_mismatch'],
    ['a slash at the end', { sub: 'spiffe://example.org/' }, 'issuer_mismatch'],
    ['a path that ends with a slash', { sub: 'spiffe://example.org/web/' }, 'issuer_mismatch'],
    ['an empty segment', { sub: 'spiffe://example.org//web' }, 'issuer_mismatch'],
    ['dot segments', { sub: 'spiffe://example.org/a/../web' }, 'issuer_mismatch'],
    ['one dot as a segment', { sub: 'spiffe://example.org/./web' }, 'issuer_mismatch'],
    ['a port', { sub: 'spiffe://example.org:8443/web' }, 'issuer_mismatch'],
    ['a user', { sub: 'spiffe://web@example.org/web' }, 'issuer_mismatch'],
    ['a query', { sub: 'spiffe://example.org/web?a' }, 'issuer_mismatch'],
    ['percent-encoding', { sub: 'spiffe://example.org/%77eb' }, 'issuer_mismatch'],
    ['upper case in the trust domain', { sub: 'spiffe://Example.org/web' }, 'issuer_mismatch'],
    ['a line feed at the end', { sub: `${WORKLOAD}\n` }, 'issuer_mismatch'],
    ['another scheme', { sub: 'https://example.org/web' }, 'issuer_mismatch'],
    ['a SPIFFE ID of more than 2048 characters', { sub: `spiffe://example.org/${'a'.repeat(2048)}` }, 'issuer_mismatch'],
    ['a list', { sub: [WORKLOAD] }, 'issuer_mismatch'],
    ['no sub, but the trust domain in iss', { sub: undefined, iss: 'spiffe://example.org' }, 'issuer_mismatch'],
    ['no aud', { aud: undefined }, 'audience_mismatch'],
    ['another aud', { aud: ['reports2', 'spiffe://example.org/reports'] }, 'audience_mismatch'],
    ['no exp', { exp: undefined }, 'missing_claim'],
    ['no iat', { iat: undefined }, 'missing_claim'],
    ['an exp in the past', { exp: now - 60 }, 'expired'],
  ])('refuses %s', async (_name, claims, reason) => {
    expect(await verdict(sign(claims))).toBe(reason);
  });

  test.each(['at+jwt', 'jose', 'application/jwt', 'dpop+jwt', ''])('refuses the header typ %j', async (typ) => {
    expect(await verdict(sign({}, { typ }))).toBe('wrong_type');
  });

  test('uses only keys of the use jwt-svid, and only then keys of that use', async () => {
    const { use: _use, ...without } = publicJwk;
    for (const key of [without, publicJwk, { ...publicJwk, use: 'x509-svid' }])
      expect(() => createResourceGuard({ ...svid, jwks: { keys: [key] } })).toThrow('is not for JWT-SVIDs ("use")');
    expect(() => createResourceGuard({ issuer: 'https://a.example.test', audience: 'a', jwks: bundle })).toThrow('is not for signatures ("use")');
  });

  test('reads the bundle from a file, and keeps the last good one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bundle-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const jwksFile = join(folder, 'bundle.json');
    writeFileSync(jwksFile, JSON.stringify({ spiffe_sequence: 1, spiffe_refresh_hint: 300, ...bundle }));
    expect(await verdict(sign(), { ...svid, jwks: undefined, jwksFile })).toBe('allow');
    writeFileSync(jwksFile, '-----BEGIN PUBLIC KEY-----');
    expect(() => createResourceGuard({ ...svid, jwks: undefined, jwksFile })).toThrow('it is not a trust bundle');
  });

  test('signs no logout tokens', async () => {
    const token = await signer.issueLogoutToken({ clientId: 'app', claims: { iss: 'spiffe://example.org', sub: WORKLOAD } });
    const message = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: `logout_token=${token}` };
    const statusOf = async (options: GuardOptions) => (await guardOf(options).backchannelLogout({ clientId: 'app' })(message)).status;
    expect(await statusOf(svid)).toBe(400);
    // another issuer of that name may
    expect(await statusOf({ issuer: 'spiffe://example.org', audience: 'reports', jwks: signer.jwks })).toBe(200);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ issuer: 'https://example.org' }, 'issuer: must be the ID of a trust domain'],
    [{ issuer: 'spiffe://example.org/web' }, 'issuer: must be the ID of a trust domain'],
    [{ issuer: 'spiffe://Example.org' }, 'issuer: must be the ID of a trust domain'],
    [{ jwks: undefined }, 'jwksUri: is missing'],
    [{ jwks: undefined, metadataUrl: 'https://example.org/m' }, "metadataUrl: cannot be combined with profile 'jwt-svid'"],
    [{ audience: undefined, unsafeAcceptTokensForAnyAudience: true }, 'unsafeAcceptTokensForAnyAudience: cannot be combined'],
    [{ sharedSecrets: { utf8: 'x'.repeat(32) } }, 'sharedSecrets: cannot be combined'],
    [{ introspection: { clientId: 'a', clientSecret: 'b' } }, 'introspection: cannot be combined'],
    [{ algorithms: ['EdDSA'] }, 'algorithms: must be of the RS, PS and ES families'],
  ])('refuses the options %j', (options, problem) => {
    expect(() => createResourceGuard({ ...svid, ...options })).toThrow(problem);
  });

  test('cannot be the profile of all issuers', () => {
    expect(() => createResourceGuard({ profile: 'jwt-svid', audience: 'a', issuers: [svid] })).toThrow("profile: cannot be 'jwt-svid' for all issuers");
  });
});

describe('rule 281: a trust domain beside other issuers', () => {
  const login: IssuerOptions = { issuer: signer.issuer, audience: 'reports', jwks: signer.jwks };
  const other: IssuerOptions = { ...svid, issuer: 'spiffe://other.org' };

  test('chooses by iss, else by the trust domain of sub', async () => {
    const options = { issuers: [login, svid, other] };
    expect(await verdict(sign(), options)).toBe('allow');
    expect(await verdict(sign({ iss: 'https://unknown.example.org' }), options)).toBe('allow');
    expect(await verdict(sign({ sub: 'spiffe://other.org/web' }), options)).toBe('allow');
    expect(await verdict(sign({ sub: 'spiffe://third.org/web' }), options)).toBe('issuer_mismatch');
    expect(await verdict(sign({ sub: 'alice' }), options)).toBe('issuer_mismatch');
    // a SPIFFE ID in a token of an authorization server stays one of its subjects
    const decision = await ask(guardOf(options), await sign({ iss: signer.issuer }));
    expect(decision).toMatchObject({ outcome: 'allow', auth: { issuer: signer.issuer, subject: WORKLOAD } });
  });

  test('an issuer without the profile is not chosen by sub', async () => {
    const named: IssuerOptions = { issuer: 'spiffe://example.org', audience: 'reports', jwks: signer.jwks };
    expect(await verdict(sign(), { issuers: [login, named] })).toBe('issuer_mismatch');
    expect(await verdict(sign(), { issuers: () => named })).toBe('issuer_mismatch');
  });

  test('a resolver is asked for the trust domain', async () => {
    const asked: string[] = [];
    const options: GuardOptions = {
      issuers: (issuer) => {
        asked.push(issuer);
        return issuer === svid.issuer ? svid : undefined;
      },
    };
    expect(await verdict(sign(), options)).toBe('allow');
    expect(asked).toEqual(['spiffe://example.org']);
    expect(await verdict(sign({ sub: 'spiffe://third.org/web' }), options)).toBe('issuer_mismatch');
  });
});
