import { google } from '@tokenward/core/presets';
import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, given, problemsOf, times, type Shape } from './provider-tokens.js';

describe('google', () => {
  const account = '104029292853099978293';
  const usual = { audience: 'https://api.example.com', serviceAccounts: [account] };
  const token: Shape = {
    claims: {
      iss: 'https://accounts.google.com',
      aud: 'https://api.example.com',
      azp: account,
      sub: account,
      email: 'worker@my-project.iam.gserviceaccount.com',
      email_verified: true,
      iat: times.iat,
      exp: times.exp,
    },
  };
  const ofPerson: Shape = {
    claims: {
      iss: 'https://accounts.google.com',
      azp: '32555350559.apps.googleusercontent.com',
      aud: '32555350559.apps.googleusercontent.com',
      sub: '111260650121185072906',
      hd: 'example.com',
      email: 'jane@example.com',
      email_verified: true,
      at_hash: '_LLKKivfvfme9eoQ3WcMIg',
      iat: times.iat,
      exp: times.exp,
    },
  };

  test('accepts ID tokens of the listed service accounts, from the metadata server, the IAM API or a key', async () => {
    const options = google({ ...given, ...usual });
    expect(expectAllowed(await decide(options, token)).auth).toMatchObject({ subject: account, clientId: account, scopes: [], roles: [] });
    const machine = {
      google: { compute_engine: { project_id: 'my-project', project_number: 739419398126, zone: 'us-west1-a', instance_id: '1', instance_name: 'vm' } },
    };
    expect(verdictOf(await decide(options, changed(token, machine)))).toBe('allow');
    expect(verdictOf(await decide(options, changed(token, { email: undefined, email_verified: undefined })))).toBe('allow');
    expect(verdictOf(await decide(options, changed(token, { azp: 'worker@my-project.iam.gserviceaccount.com' })))).toBe('allow');
  });

  test('rule 48: identifies an account by its unique ID, and refuses an e-mail address in its place', async () => {
    const madeAnew = changed(token, { sub: '118000000000000000001', azp: '118000000000000000001' });
    expect(verdictOf(await decide(google({ ...given, ...usual }), madeAnew))).toBe('invalid_claim');
    expect(problemsOf(() => google({ ...usual, serviceAccounts: ['worker@my-project.iam.gserviceaccount.com'] }))).toEqual([
      expect.stringMatching(/^serviceAccounts: must be .*digits, not an e-mail address.* \(got a list with /),
    ]);
  });

  test('refuses tokens of other types, issuers and audiences', async () => {
    await expectRefusals(google({ ...given, ...usual }), [
      ['the ID token of a person', ofPerson, 'not_an_access_token'],
      ['the ID token of a person without at_hash', changed(ofPerson, { at_hash: undefined }), 'audience_mismatch'],
      ['the ID token of a person for our audience', changed(ofPerson, { at_hash: undefined, aud: usual.audience }), 'invalid_claim'],
      ['a token for another service', changed(token, { aud: 'https://other.example.com' }), 'audience_mismatch'],
      ['a token of another account', changed(token, { sub: '118000000000000000001' }), 'invalid_claim'],
      ['an account only in azp', changed(token, { sub: undefined }), 'missing_claim'],
      ['a number as sub', changed(token, { sub: 104_029_292_853_099 }), 'invalid_claim'],
      ['the old name of the issuer', changed(token, { iss: 'accounts.google.com' }), 'issuer_mismatch'],
      ['a token of Firebase', changed(token, { iss: 'https://securetoken.google.com/my-project' }), 'issuer_mismatch'],
      ['a token issued by the account itself', changed(token, { iss: 'worker@my-project.iam.gserviceaccount.com' }), 'issuer_mismatch'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ serviceAccounts: undefined }, /^serviceAccounts: is missing/],
    [{ serviceAccounts: [] }, /^serviceAccounts: must be .*\(got an empty list\)/],
    [{ requiredValues: { sub: 'x' } }, /^requiredValues\.sub: is already required by the preset/],
    [{ audience: undefined }, /^audience: is missing/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => google({ ...usual, ...wrong }))).toEqual([expect.stringMatching(message)]);
  });
});
