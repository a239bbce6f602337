import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.azureAdB2c;
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';

describe('azureAdB2c', () => {
  test('accepts access tokens of its policies', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('azureAdB2c'), token));
    expect(auth).toMatchObject({ clientId: '75dbe77f-10a3-4e59-85fd-8c127544f17c', scopes: ['orders.read'] });
    expect(verdictOf(await decide(optionsOf('azureAdB2c'), changed(token, { tfp: 'B2C_1_edit' })))).toBe('allow');
    expect(options().jwksUri).toBe('https://contoso.b2clogin.com/contoso.onmicrosoft.com/B2C_1_signin/discovery/v2.0/keys');
    const custom = optionsOf('azureAdB2c', { domain: 'login.example.com' });
    expect(verdictOf(await decide(custom, changed(token, { iss: `https://login.example.com/${TENANT}/v2.0/` })))).toBe('allow');
  });

  test('accepts tokens of the chosen national cloud alone', async () => {
    const china = optionsOf('azureAdB2c', { cloud: 'china' });
    expect(verdictOf(await decide(china, changed(token, { iss: `https://contoso.b2clogin.cn/${TENANT}/v2.0/` })))).toBe('allow');
    expect(verdictOf(await decide(china, token))).toBe('issuer_mismatch');
    const keys = 'contoso.partner.onmschina.cn/B2C_1_signin/discovery/v2.0/keys';
    expect(options({ cloud: 'china' }).jwksUri).toBe(`https://contoso.b2clogin.cn/${keys}`);
    expect(options({ cloud: 'china', domain: 'login.example.com' }).jwksUri).toBe(`https://login.example.com/${keys}`);
  });

  test('refuses look-alikes', async () => {
    await expectRefusals(optionsOf('azureAdB2c'), [
      ['another policy', changed(token, { tfp: 'B2C_1_signin2' }), 'invalid_claim'],
      ['no policy', changed(token, { tfp: undefined }), 'missing_claim'],
      ['an ID token', changed(token, { azp: undefined, scp: undefined, nonce: undefined }), 'missing_claim'],
      ['an ID token with a nonce', changed(token, { azp: undefined, scp: undefined }), 'not_an_access_token'],
      ['an employee', changed(token, { iss: `https://login.microsoftonline.com/${TENANT}/v2.0` }), 'issuer_mismatch'],
      ['the issuer without its slash', changed(token, { iss: `https://contoso.b2clogin.com/${TENANT}/v2.0` }), 'issuer_mismatch'],
      ['another tenant', changed(token, { iss: 'https://fabrikam.b2clogin.com/fa15d692-e9c7-4460-a743-29f2956fd429/v2.0/' }), 'issuer_mismatch'],
      ['another cloud', changed(token, { iss: `https://contoso.b2clogin.cn/${TENANT}/v2.0/` }), 'issuer_mismatch'],
      ['another API', changed(token, { aud: '00000003-0000-0000-c000-000000000000' }), 'audience_mismatch'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ tenantName: 'contoso.onmicrosoft.com' }, /^tenantName: must be the name of the tenant/],
    [{ tenantId: 'contoso' }, /^tenantId: must be the directory's ID/],
    [{ policies: undefined }, /^policies: is missing/],
    [{ policies: ['signin'] }, /^policies: must be a list of policies/],
    [{ policies: ['B2C_1_a/../B2C_1_b'] }, /^policies: must be a list of policies/],
    [{ cloud: 'usGovernment' }, /^cloud: must be one of public, china \(got "usGovernment"\)/],
    [{ domain: 'https://login.example.com' }, /^domain: must be a host name/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
