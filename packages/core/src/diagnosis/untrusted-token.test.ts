import { expect, test } from 'vitest';
import { readUntrusted } from './untrusted-token.js';

const part = (value: unknown): string => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const jwt = (header: unknown, claims: unknown): string => `${part(header)}.${part(claims)}.${part('signature')}`;

test.each([
  ['a signed token', jwt({ alg: 'RS256' }, { iss: 'https://a' }), 'signed', undefined],
  ['a token that is not signed', `${part({ alg: 'none' })}.${part({ iss: 'https://a' })}.`, 'signed', undefined],
  ['an ID token', jwt({ alg: 'RS256' }, { at_hash: 'x' }), 'signed', { where: 'claim', name: 'at_hash' }],
  ["Keycloak's refresh token", jwt({ alg: 'HS512', typ: 'JWT' }, { typ: 'Refresh' }), 'signed', { where: 'claim', name: 'typ' }],
  ['a logout token', jwt({ alg: 'RS256', typ: 'logout+jwt' }, {}), 'signed', { where: 'header', name: 'typ' }],
  ['a typ that is no string', jwt({ alg: 'RS256', typ: 7 }, {}), 'signed', { where: 'header', name: 'typ' }],
  ['an encrypted token', `${part({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.a.b.c.d`, 'encrypted', undefined],
  ['five segments of something else', 'a.b.c.d.e', 'unreadable', undefined],
  ['an opaque token', 'sb4XkV8Fz', 'opaque', undefined],
  ['two segments', 'abc.def', 'opaque', undefined],
  ['three segments of something else', 'abc.def.ghi', 'unreadable', undefined],
  ['claims that are no object', jwt({ alg: 'RS256' }, ['a']), 'unreadable', undefined],
  ['an empty text', '', 'opaque', undefined],
])('reads the form and the kind of %s', (_name, token, form, otherKind) => {
  expect(readUntrusted(token)).toMatchObject({ form, otherKind });
});
