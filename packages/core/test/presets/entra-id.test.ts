import { role, scope, type GuardOptions } from '@tokenward/core';
import { entraId, okta } from '@tokenward/core/presets';
import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, clock, decide, expectRefusals, given, now, problemsOf, times, type Shape } from './provider-tokens.js';

describe('entraId', () => {
  const tenantId = '72f988bf-86f1-41af-91ab-2d7cd011db47';
  const other = 'fa15d692-e9c7-4460-a743-29f2956fd429';
  const api = '6e74172b-be56-4843-9ff4-e66a39bb12e3';
  const usual = { tenantId, audience: [api, `api://${api}`] };
  const v2: Shape = {
    claims: {
      aud: api,
      iss: `https://login.microsoftonline.com/${tenantId}/v2.0`,
      ...times,
      nbf: now - 10,
      aio: 'AXQAi/8IAAAAtAaZLo3ChMif6KOnttRB7eBq4/DccQzjcJGxPXY',
      azp: '75dbe77f-10a3-4e59-85fd-8c127544f17c',
      azpacr: '0',
      name: 'Abe Lincoln',
      oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
      preferred_username: 'abeli@example.com',
      rh: 'I',
      scp: 'access_as_user',
      sub: 'HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ',
      tid: tenantId,
      uti: 'fqiBqXLPj0eQa82S-IYFAA',
      ver: '2.0',
    },
  };
  const v1: Shape = {
    header: { typ: 'JWT', x5t: 'i6lGk3FZzxRcUb2C3nEQ7syHJlY' },
    claims: {
      aud: `api://${api}`,
      iss: `https://sts.windows.net/${tenantId}/`,
      ...times,
      nbf: now - 10,
      acr: '1',
      aio: 'AXQAi/8IAAAAFm+E/QTG+gFnVxLjWdw8K+61AGrSOuMMF6ebaMj7XO3IbmD3fGmrOyD',
      amr: ['wia'],
      appid: '75dbe77f-10a3-4e59-85fd-8c127544f17c',
      appidacr: '0',
      ipaddr: '222.222.222.22',
      name: 'abeli',
      oid: '02223b6b-aa1d-42d4-9ec0-1b2bb9194438',
      rh: 'I',
      scp: 'user_impersonation',
      sub: 'l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA',
      tid: tenantId,
      unique_name: 'abeli@example.com',
      uti: 'FVsGxYXI30-TuikuuUoFAA',
      ver: '1.0',
    },
  };
  const idToken: Shape = {
    claims: {
      aud: api,
      iss: `https://login.microsoftonline.com/${tenantId}/v2.0`,
      ...times,
      nbf: now - 10,
      name: 'Abe Lincoln',
      oid: '690222be-ff1a-4d56-abd1-7e4f7d38e474',
      preferred_username: 'abeli@example.com',
      sub: 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
      tid: tenantId,
      ver: '2.0',
    },
  };

  test('accepts both versions, with azp or appid, scp and roles', async () => {
    const options = entraId({ ...given, ...usual });
    expect(expectAllowed(await decide(options, v2, scope('access_as_user'))).auth).toMatchObject({
      issuer: `https://login.microsoftonline.com/${tenantId}/v2.0`,
      clientId: '75dbe77f-10a3-4e59-85fd-8c127544f17c',
    });
    expect(expectAllowed(await decide(options, v1, scope('user_impersonation'))).auth).toMatchObject({
      issuer: `https://sts.windows.net/${tenantId}/`,
      clientId: '75dbe77f-10a3-4e59-85fd-8c127544f17c',
    });
    const app = changed(v2, { scp: undefined, name: undefined, preferred_username: undefined, roles: ['Orders.Read.All'], idtyp: 'app', azpacr: '1' });
    expect(verdictOf(await decide(options, app, role('Orders.Read.All')))).toBe('allow');
    expect(verdictOf(await decide(options, changed(app, { roles: undefined }), role('Orders.Read.All')))).toBe('insufficient_role');
  });

  test('refuses tokens of other types, issuers and audiences', async () => {
    const ofOther = { iss: `https://login.microsoftonline.com/${other}/v2.0`, tid: other };
    await expectRefusals(entraId({ ...given, ...usual }), [
      ['an ID token of an app registration that is both client and API', idToken, 'missing_claim'],
      ['an ID token of the implicit flow', changed(idToken, { nonce: 'n', azp: 'x' }), 'not_an_access_token'],
      ['an ID token of version 1.0', changed(idToken, { iss: v1.claims['iss'], ver: '1.0' }), 'missing_claim'],
      ['a token of another tenant', changed(v2, ofOther), 'issuer_mismatch'],
      ['a token with the tid of another tenant', changed(v2, { tid: other }), 'invalid_claim'],
      ['a version 1.0 token of another tenant', changed(v1, { iss: `https://sts.windows.net/${other}/`, tid: other }), 'issuer_mismatch'],
      ['a token of a personal account', changed(v2, { iss: 'https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0' }), 'issuer_mismatch'],
      ['no tid', changed(v2, { tid: undefined }), 'missing_claim'],
      ['version 1.0 claims with the version 2.0 issuer', changed(v1, { iss: v2.claims['iss'], azp: 'x' }), 'invalid_claim'],
      ['version 2.0 claims with the version 1.0 issuer', changed(v2, { iss: v1.claims['iss'], appid: 'x' }), 'invalid_claim'],
      ['no ver', changed(v2, { ver: undefined }), 'missing_claim'],
      ['a token for Graph', changed(v1, { aud: '00000003-0000-0000-c000-000000000000' }), 'audience_mismatch'],
      ['the issuer with {tenantid}', changed(v2, { iss: 'https://login.microsoftonline.com/{tenantid}/v2.0' }), 'issuer_mismatch'],
      ['the version 1.0 issuer without its final slash', changed(v1, { iss: `https://sts.windows.net/${tenantId}` }), 'issuer_mismatch'],
    ]);
  });

  test('accepts only the version in tokenVersion', async () => {
    expect(verdictOf(await decide(entraId({ ...given, ...usual, tokenVersion: 2 }), v2))).toBe('allow');
    expect(verdictOf(await decide(entraId({ ...given, ...usual, tokenVersion: 2 }), v1))).toBe('issuer_mismatch');
    expect(verdictOf(await decide(entraId({ ...given, ...usual, tokenVersion: 1 }), v1))).toBe('allow');
    expect(verdictOf(await decide(entraId({ ...given, ...usual, tokenVersion: 1 }), v2))).toBe('issuer_mismatch');
  });

  test('rule 50: accepts the listed tenants and no other', async () => {
    const options = entraId({ ...given, tenantIds: [tenantId, other], audience: usual.audience });
    const third = '11111111-2222-3333-4444-555555555555';
    for (const tid of [tenantId, other, third]) {
      const expected = tid === third ? 'issuer_mismatch' : 'allow';
      expect(verdictOf(await decide(options, changed(v2, { iss: `https://login.microsoftonline.com/${tid}/v2.0`, tid })))).toBe(expected);
      expect(verdictOf(await decide(options, changed(v1, { iss: `https://sts.windows.net/${tid}/`, tid })))).toBe(expected);
    }
    expect(verdictOf(await decide(options, changed(v2, { tid: other })))).toBe('invalid_claim');
    expect(verdictOf(await decide(options, changed(v1, { ver: '2.0', appid: 'x' })))).toBe('invalid_claim');
  });

  test('sets the jwksUri of each version and tenant', () => {
    const urls = (options: ReturnType<typeof entraId>) => options.issuers.map(({ issuer, jwksUri }) => [issuer, jwksUri]);
    expect(urls(entraId(usual))).toEqual([
      [`https://login.microsoftonline.com/${tenantId}/v2.0`, `https://login.microsoftonline.com/${tenantId}/discovery/v2.0/keys`],
      [`https://sts.windows.net/${tenantId}/`, `https://login.microsoftonline.com/${tenantId}/discovery/keys`],
    ]);
    expect(urls(entraId({ tenantIds: [tenantId, other], audience: api }))).toEqual([
      ['https://login.microsoftonline.com/{tenant}/v2.0', 'https://login.microsoftonline.com/{tenant}/discovery/v2.0/keys'],
      ['https://sts.windows.net/{tenant}/', 'https://login.microsoftonline.com/{tenant}/discovery/keys'],
    ]);
  });

  test('works with another provider in one guard, and keeps its own options', async () => {
    const options: GuardOptions = {
      clock,
      issuers: [
        ...entraId({ ...usual, jwks: given.jwks, clockSkewSeconds: 60 }).issuers,
        okta({ domain: 'dev-123.okta.com', audience: 'api://default', jwks: given.jwks }),
      ],
    };
    expect(verdictOf(await decide(options, changed(v2, { exp: now - 59 })))).toBe('allow');
    expect(verdictOf(await decide(options, changed(v2, { aud: 'api://default' })))).toBe('audience_mismatch');
    const ofOkta: Shape = { claims: { iss: 'https://dev-123.okta.com/oauth2/default', aud: 'api://default', cid: 'c', sub: 'u', ...times } };
    expect(verdictOf(await decide(options, ofOkta))).toBe('allow');
    expect(verdictOf(await decide(options, changed(ofOkta, { exp: now - 59 })))).toBe('expired');
  });

  test.each<[object, RegExp]>([
    [{ tenantId: undefined }, /^tenantId: is missing/],
    [{ tenantId: 'common' }, /^tenantId: must be .*GUID.* \(got "common"\)/],
    [{ tenantId: 'contoso.onmicrosoft.com' }, /^tenantId: must be .* \(got "contoso/],
    [{ tenantId: tenantId.toUpperCase() }, /^tenantId: must be .*lower case/],
    [{ tenantIds: [other] }, /^tenantIds: cannot be combined with tenantId/],
    [{ tenantId: undefined, tenantIds: [] }, /^tenantIds: must be .*\(got an empty list\)/],
    [{ tenantId: undefined, tenantIds: ['organizations'] }, /^tenantIds: must be a list of .* \(got a list with "organizations"\)/],
    [{ tokenVersion: 3 }, /^tokenVersion: must be 1 or 2 \(got 3\)/],
    [{ audience: undefined }, /^audience: is missing/],
    [{ requiredValues: { ver: '2.0' } }, /^requiredValues\.ver: is already required by the preset/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => entraId({ ...usual, ...wrong }))).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  });

  test('accepts tokens of the chosen national cloud alone', async () => {
    const clouds = {
      public: [`https://login.microsoftonline.com/${tenantId}/v2.0`, `https://sts.windows.net/${tenantId}/`],
      usGovernment: [`https://login.microsoftonline.us/${tenantId}/v2.0`, `https://sts.windows.net/${tenantId}/`],
      china: [`https://login.partner.microsoftonline.cn/${tenantId}/v2.0`, `https://sts.chinacloudapi.cn/${tenantId}/`],
    } as const;
    for (const cloud of ['public', 'usGovernment', 'china'] as const) {
      const options = entraId({ ...given, ...usual, cloud });
      for (const other of ['public', 'usGovernment', 'china'] as const) {
        expect([cloud, other, verdictOf(await decide(options, changed(v2, { iss: clouds[other][0] })))]).toEqual([
          cloud,
          other,
          cloud === other ? 'allow' : 'issuer_mismatch',
        ]);
      }
      expect(verdictOf(await decide(options, changed(v1, { iss: clouds[cloud][1] })))).toBe('allow');
      const hosts = entraId({ ...usual, cloud }).issuers.map(({ jwksUri }) => new URL(jwksUri!).host);
      expect(hosts).toEqual([new URL(clouds[cloud][0]).host, new URL(clouds[cloud][0]).host]);
    }
    expect(problemsOf(() => entraId({ ...usual, cloud: 'germany' as never }))).toEqual([
      expect.stringMatching(/^cloud: must be one of public, usGovernment, china/),
    ]);
  });
});
