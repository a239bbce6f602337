import type { Reason } from '@tokenward/core';
import { row, type Forge, type HostileToken } from './hostile-token.js';

/** Section D and related rules: tokens with a valid signature that are not valid access tokens for this API. */
export function claimRows(forge: Forge): HostileToken[] {
  return [...types(forge), ...otherTokens(forge), ...issuers(forge), ...audiences(forge), ...dates(forge), ...names(forge)];
}

function types({ token, header }: Forge): HostileToken[] {
  const types = [
    '',
    'id_token',
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'token-introspection+jwt',
    'oauth-authz-req+jwt',
    'client-authentication+jwt',
    'JOSE',
    'at+jwt ',
    'application/at',
    'application/application/at+jwt',
    'at',
  ];
  return types.map((typ) => row(35, `a token with typ "${typ}"`, 'wrong_type', token({ header: header({ typ }) })));
}

/** ID tokens as each provider documents them. `aud` names the API, as if one registration were both client and API. */
const idTokens: readonly (readonly [string, Record<string, unknown>])[] = [
  ['Keycloak', { typ: 'ID', azp: 'web', nonce: 'n-1', session_state: 's-1', at_hash: 'LTQ', sid: 's-1', acr: '1', email_verified: true }],
  ['Okta', { client_id: undefined, ver: 1, amr: ['pwd'], idp: '00o1', nonce: 'n-1', at_hash: 'LTQ', auth_time: 1, preferred_username: 'a@b.example' }],
  ['Auth0', { client_id: undefined, nickname: 'jane', name: 'Jane', updated_at: '2026-01-01T00:00:00Z', email: 'a@b.example', sid: 's-1', nonce: 'n-1' }],
  ['Entra ID', { client_id: undefined, ver: '2.0', tid: 't-1', oid: 'o-1', rh: 'I', uti: 'u-1', nonce: 'n-1', preferred_username: 'a@b.example' }],
  ['Azure AD B2C', { client_id: undefined, ver: '1.0', tfp: 'B2C_1_signin', nonce: 'n-1', auth_time: 1, nbf: 1, emails: ['a@b.example'] }],
  ['Google', { client_id: undefined, azp: 'web', at_hash: 'LTQ', hd: 'b.example', email: 'a@b.example', email_verified: true }],
  ['Cognito', { client_id: undefined, token_use: 'id', auth_time: 1, 'cognito:username': 'jane', origin_jti: 'o-1' }],
  ['IdentityServer', { client_id: undefined, nonce: 'n-1', at_hash: 'LTQ', sid: 's-1', auth_time: 1, idp: 'local', amr: ['pwd'], nbf: 1 }],
  ['PingFederate', { client_id: undefined, 'pi.sri': 's-1', nonce: 'n-1', auth_time: 1 }],
];

function otherTokens({ token, claims, header, issuer }: Forge): HostileToken[] {
  const without = { scope: undefined, roles: undefined };
  const logout = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const shapes: [rule: number, name: string, changes: Record<string, unknown>, reason?: Reason][] = [
    [36, 'an ID token for a client', { ...without, aud: 'client-1', nonce: 'n-1', auth_time: 1 }, 'not_an_access_token'],
    [36, 'an ID token whose aud is the API', { ...without, nonce: 'n-1' }],
    [36, 'an ID token that was issued with an access token (at_hash)', { ...without, at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' }],
    [36, 'an ID token that was issued with an authorization code (c_hash)', { ...without, c_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' }],
    [36, 'a Keycloak ID token (typ in the claims)', { ...without, typ: 'ID' }],
    [36, 'a Cognito ID token (token_use)', { ...without, token_use: 'id' }],
    ...idTokens.map(([provider, changes]): [number, string, Record<string, unknown>] => [36, `an ID token from ${provider}`, { ...without, ...changes }]),
    [36, 'an ID token with an empty scope', { ...without, nonce: 'n-1', scope: '' }],
    [36, 'an ID token whose scope and scp are null', { ...without, nonce: 'n-1', scope: null, scp: null }],
    [36, 'an ID token whose scp is an empty list', { ...without, nonce: 'n-1', scp: [] }],
    [36, 'an ID token with a scope and an at_hash', { nonce: 'n-1', at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' }],
    [37, 'a Keycloak refresh token', { typ: 'Refresh' }],
    [37, 'a Keycloak offline token', { typ: 'Offline' }],
    [37, 'a logout token', { ...without, sid: 's-1', events: logout }],
    [37, 'a security event token', { ...without, exp: undefined, events: { 'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {} } }],
    [37, 'a token with an empty events claim', { events: {} }],
    [37, 'a DPoP proof', { ...without, htm: 'GET', htu: 'https://api.example.test/me', exp: undefined }],
    [37, 'a client assertion', { ...without, iss: issuer.issuer, sub: issuer.issuer }],
    [37, 'a request object', { ...without, response_type: 'code', redirect_uri: 'https://app.example.test/cb' }],
    [37, 'an introspection response', { ...without, token_introspection: { active: true } }],
    [88, 'a token bound to a key (jkt) and sent as a Bearer token', { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }, 'bound_token_as_bearer'],
    [
      88,
      'a token bound to a certificate and sent as a Bearer token',
      { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } },
      'missing_certificate',
    ],
    [88, 'a token with an unknown confirmation method', { cnf: { unheard: 1 } }, 'unproven_confirmation'],
  ];
  return shapes.map(([rule, name, changes, reason = 'not_an_access_token']) =>
    row(rule, name, reason, token({ payload: claims(changes), header: header({ typ: 'JWT' }) })),
  );
}

function issuers({ token, claims, issuer: { issuer } }: Forge): HostileToken[] {
  const { host, port } = new URL(issuer);
  const variants = [
    `${issuer}/`,
    issuer.toUpperCase(),
    issuer.replace('http:', 'https:'),
    issuer.replace(`:${port}`, ''),
    `${issuer}.example.test`,
    issuer.slice(0, -1),
    ` ${issuer}`,
    `${issuer}#`,
    `${issuer}?`,
    issuer.replace('127.0.0.1', 'localhost'),
    issuer.replace('127.0.0.1', '127.1'),
    issuer.replace('127', '%3127'),
    `http://${host}@example.test`,
    '',
  ];
  const values: [string, unknown][] = [
    ['missing', undefined],
    ['null', null],
    ['an array that contains the issuer', [issuer]],
    ['an object', { issuer }],
    ['a number', 1],
  ];
  return [
    ...variants.map((iss) => row(38, `a token with iss "${iss}"`, 'issuer_mismatch', token({ payload: claims({ iss }) }))),
    ...values.map(([what, iss]) => row(39, `a token whose iss is ${what}`, 'issuer_mismatch', token({ payload: claims({ iss }) }))),
  ];
}

function audiences({ token, claims, issuer: { audience } }: Forge): HostileToken[] {
  const values: [rule: number, what: string, aud: unknown][] = [
    [40, 'a prefix of the audience', audience.slice(0, -1)],
    [40, 'the audience with a suffix', `${audience}.example.test`],
    [40, 'the audience with a trailing slash', `${audience}/`],
    [40, 'the audience in upper case', audience.toUpperCase()],
    [40, 'one string with another audience and this one', `other ${audience}`],
    [40, 'a wildcard', '*'],
    [40, 'a list of other audiences', ['https://other.example.test', 'client-1']],
    [40, 'a nested list', [[audience]]],
    [40, 'a list with the audience and a number', [audience, 7]],
    [40, 'an object', { [audience]: true }],
    [40, 'true', true],
    [41, 'missing', undefined],
    [41, 'null', null],
    [41, 'an empty string', ''],
    [41, 'an empty list', []],
    [41, 'a list with null', [null]],
  ];
  return values.map(([rule, what, aud]) => row(rule, `a token whose aud is ${what}`, 'audience_mismatch', token({ payload: claims({ aud }) })));
}

function dates({ token, claims }: Forge): HostileToken[] {
  const now = Math.floor(Date.now() / 1000);
  const json = (changes: Record<string, unknown>, member: string): string => `${JSON.stringify(claims(changes)).slice(0, -1)},${member}}`;
  const strange: [string, unknown][] = [
    ['a string', '9999999999'],
    ['true', true],
    ['an array', [9_999_999_999]],
    ['an object', {}],
    ['negative', -1],
    ['an ISO date', '2999-01-01T00:00:00Z'],
  ];
  return [
    ...['exp', 'iat', 'nbf'].flatMap((name) =>
      strange.map(([what, value]) => row(42, `a token whose ${name} is ${what}`, 'invalid_claim', token({ payload: claims({ [name]: value }) }))),
    ),
    ...['exp', 'iat', 'nbf'].map((name) =>
      row(42, `a token whose ${name} is infinite`, 'invalid_claim', token({ payload: json({ [name]: undefined }, `"${name}":1e400`) })),
    ),
    row(168, 'a token whose exp is null', 'missing_claim', token({ payload: claims({ exp: null }) })),
    row(168, 'a token whose iat is null', 'missing_claim', token({ payload: claims({ iat: null }) })),
    row(42, 'a token without exp', 'missing_claim', token({ payload: claims({ exp: undefined }) })),
    row(42, 'a token without iat', 'missing_claim', token({ payload: claims({ iat: undefined }) })),
    row(43, 'a token whose exp is in milliseconds', 'invalid_claim', token({ payload: claims({ exp: (now + 300) * 1000 }) })),
    row(44, 'a token whose exp has passed', 'expired', token({ payload: claims({ iat: now - 7200, exp: now - 3600 }) })),
    row(44, 'a token whose nbf is in the future', 'not_yet_valid', token({ payload: claims({ nbf: now + 3600 }) })),
    row(46, 'a token whose iat is in the future', 'issued_in_the_future', token({ payload: claims({ iat: now + 3600, exp: now + 7200 }) })),
  ];
}

function names({ token, claims }: Forge): HostileToken[] {
  const values: [string, unknown][] = [
    ['a number', 7],
    ['an array', ['user-1']],
    ['an object', {}],
    ['an empty string', ''],
  ];
  return ['sub', 'client_id', 'jti', 'sid'].flatMap((name) =>
    values.map(([what, value]) => row(48, `a token whose ${name} is ${what}`, 'invalid_claim', token({ payload: claims({ [name]: value }) }))),
  );
}
