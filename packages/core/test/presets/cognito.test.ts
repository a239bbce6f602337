import { role, scope } from '@tokenward/core';
import { cognito } from '@tokenward/core/presets';
import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, given, now, problemsOf, times, type Shape } from './provider-tokens.js';
import { optionsOf } from './shapes.js';

describe('cognito', () => {
  const usual = { region: 'us-west-2', userPoolId: 'us-west-2_example', clientIds: ['57cbishk4j24pabc1234567890', 'other1'] };
  const token: Shape = {
    header: {},
    claims: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      device_key: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      'cognito:groups': ['admin'],
      token_use: 'access',
      scope: 'aws.cognito.signin.user.admin',
      auth_time: now - 10,
      iss: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example',
      exp: times.exp,
      iat: times.iat,
      origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      client_id: '57cbishk4j24pabc1234567890',
      username: 'janedoe@example.com',
    },
  };
  const idToken: Shape = {
    header: {},
    claims: {
      sub: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      aud: '57cbishk4j24pabc1234567890',
      'cognito:groups': ['admin'],
      email_verified: true,
      token_use: 'id',
      auth_time: now - 10,
      iss: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_example',
      'cognito:username': 'janedoe',
      exp: times.exp,
      iat: times.iat,
      email: 'janedoe@example.com',
      jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
      origin_jti: 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee',
    },
  };

  test('accepts access tokens of its clients, which have no aud, with groups as roles', async () => {
    const { auth } = expectAllowed(await decide(cognito({ ...given, ...usual }), token, role('admin')));
    expect(auth).toMatchObject({ clientId: '57cbishk4j24pabc1234567890', audience: [], scopes: ['aws.cognito.signin.user.admin'], roles: ['admin'] });
    const machine = changed(token, {
      'cognito:groups': undefined,
      username: undefined,
      device_key: undefined,
      sub: 'other1',
      client_id: 'other1',
      scope: 'orders/read',
    });
    expect(verdictOf(await decide(cognito({ ...given, ...usual }), machine, scope('orders/read')))).toBe('allow');
  });

  test('also requires aud if an audience is set', async () => {
    const options = cognito({ ...given, ...usual, audience: 'https://api.example.com' });
    expect(verdictOf(await decide(options, token))).toBe('audience_mismatch');
    expect(verdictOf(await decide(options, changed(token, { aud: 'https://api.example.com' })))).toBe('allow');
    expect(verdictOf(await decide(options, changed(token, { aud: 'https://api.example.com', client_id: 'x' })))).toBe('client_not_allowed');
  });

  test('refuses tokens of other types, issuers and audiences', async () => {
    await expectRefusals(cognito({ ...given, ...usual }), [
      ['an ID token', idToken, 'not_an_access_token'],
      ['an ID token without token_use', changed(idToken, { token_use: undefined }), 'client_not_allowed'],
      ['an ID token without token_use, with a client_id', changed(idToken, { token_use: undefined, client_id: '57cbishk4j24pabc1234567890' }), 'invalid_claim'],
      ['a token for another API', changed(token, { aud: 'https://other.example.com' }), 'invalid_claim'],
      ['no token_use', changed(token, { token_use: undefined }), 'missing_claim'],
      ['another token_use', changed(token, { token_use: 'Access' }), 'invalid_claim'],
      ['token_use as a list', changed(token, { token_use: ['access'] }), 'invalid_claim'],
      ['a token of another client', changed(token, { client_id: '1example23456789' }), 'client_not_allowed'],
      ['a client only in aud', changed(token, { client_id: undefined, aud: '57cbishk4j24pabc1234567890' }), 'client_not_allowed'],
      ['two different clients', changed(token, { azp: 'other1' }), 'client_not_allowed'],
      ['a token of another pool', changed(token, { iss: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_other' }), 'issuer_mismatch'],
      ['a token of another region', changed(token, { iss: 'https://cognito-idp.us-east-1.amazonaws.com/us-west-2_example' }), 'issuer_mismatch'],
      ['a token of an identity pool', changed(token, { iss: 'https://cognito-identity.amazonaws.com' }), 'issuer_mismatch'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ region: undefined }, /^region: is missing/],
    [{ region: 'us-west-2.evil.example' }, /^region: must be .* \(got "us-west-2\.evil/],
    [{ userPoolId: 'example' }, /^userPoolId: must be .* \(got "example"\)/],
    [{ userPoolId: 'eu-central-1_example' }, /^userPoolId: .*not in the region us-west-2/],
    [{ userPoolId: 'us-west-2_a/b' }, /^userPoolId: must be .* \(got /],
    [{ clientIds: undefined }, /^clientIds: is missing/],
    [{ clientIds: [] }, /^clientIds: must be .*\(got an empty list\)/],
    [{ clientIds: 'x' }, /^clientIds: must be .*\(got a string of 1 character\)/],
    [{ clientIds: ['*'] }, /^clientIds: must be a list of app client IDs \(got a list with a string of 1 character\)/],
    [{ allowedClients: ['x'] }, /^allowedClients: is already set by clientIds/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => cognito({ ...usual, ...wrong }))).toEqual([expect.stringMatching(message)]);
  });

  test('a forbiddenClaims that is no list reaches the guard, which reports it, in other presets without an audience as well', () => {
    for (const forbiddenClaims of ['act', 7]) {
      const ofCognito = () => cognito({ ...usual, forbiddenClaims: forbiddenClaims as never });
      for (const make of [ofCognito, () => optionsOf('clerk', { forbiddenClaims })])
        expect(problemsOf(make)).toEqual([expect.stringMatching(/^forbiddenClaims: must be a list/)]);
    }
  });
});
