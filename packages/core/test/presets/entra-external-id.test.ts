import { describe, expect, test } from 'vitest';
import { expectAllowed } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.entraExternalId;
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';

describe('entraExternalId', () => {
  test('accepts access tokens of customers, with scopes and app roles', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('entraExternalId'), token));
    expect(auth).toMatchObject({ clientId: '75dbe77f-10a3-4e59-85fd-8c127544f17c', scopes: ['Orders.Read'], roles: ['Clerk'] });
    expect(options().jwksUri).toBe(`https://${TENANT}.ciamlogin.com/${TENANT}/discovery/v2.0/keys`);
  });

  test('refuses look-alikes', async () => {
    const other = 'fa15d692-e9c7-4460-a743-29f2956fd429';
    await expectRefusals(optionsOf('entraExternalId'), [
      ['an employee', changed(token, { iss: `https://login.microsoftonline.com/${TENANT}/v2.0` }), 'issuer_mismatch'],
      ['a token of v1.0', changed(token, { iss: `https://sts.windows.net/${TENANT}/`, ver: '1.0' }), 'issuer_mismatch'],
      ['ver 1.0', changed(token, { ver: '1.0' }), 'invalid_claim'],
      ['an ID token', changed(token, { azp: undefined, scp: undefined, nonce: 'n' }), 'not_an_access_token'],
      ['an ID token without nonce', changed(token, { azp: undefined, scp: undefined }), 'missing_claim'],
      ['another tenant', changed(token, { iss: `https://${other}.ciamlogin.com/${other}/v2.0`, tid: other }), 'issuer_mismatch'],
      ['another tenant in tid', changed(token, { tid: other }), 'invalid_claim'],
      ['another API', changed(token, { aud: '00000003-0000-0000-c000-000000000000' }), 'audience_mismatch'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ tenantId: 'contoso' }, /^tenantId: must be the directory's ID/],
    [{ audience: undefined }, /^audience: is missing/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
