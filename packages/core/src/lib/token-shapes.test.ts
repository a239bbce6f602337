import { describe, expect, test } from 'vitest';
import { withoutTokens, withoutTokenSegments } from './token-shapes.js';
import { printable } from './url.js';

function segment(value: string): string {
  return Buffer.from(value).toString('base64url');
}

const PAYLOAD = segment('{"sub":"PLANTED-subject","email":"planted@example.test"}');
const SIGNATURE = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const HEADERS = [
  '{"alg":"ES256"}',
  '{ "alg": "ES256" }',
  '{\n  "alg": "ES256"\n}',
  '{\r\n\t"alg": "ES256"}',
  '{\t"alg":"ES256"}',
  ' {"alg":"ES256"}',
  '\n{"alg":"ES256"}',
  '\t{"alg":"ES256"}',
  '\r\n  {"alg":"ES256"}',
];

function encodedBy(text: string, encode: (character: string) => string): string {
  return [...text].map((character) => encode(character)).join('');
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16)}`;
}

describe.each(HEADERS)('rule 142: hides a token whose header is %j', (header) => {
  const token = `${segment(header)}.${PAYLOAD}.${SIGNATURE}`;

  test('replaces the token in a text, whatever surrounds it', () => {
    for (const around of [
      token,
      `Bearer ${token}`,
      `x${token}`,
      `(${token})`,
      `"${token}", and`,
      token.replaceAll('.', '%2E'),
      token.replaceAll('.', '%252e'),
    ]) {
      expect(withoutTokens(around)).toContain('[token]');
      expect(withoutTokens(around)).not.toMatch(/dBjf|FOEj/);
      expect(withoutTokens(around)).not.toContain(PAYLOAD.slice(0, 20));
    }
  });

  test.each<[string, string]>([
    ['unencoded', token],
    ['with its dots encoded', token.replaceAll('.', '%2E')],
    ['with its dots encoded twice', token.replaceAll('.', '%252e')],
    ['with slashes instead of dots', token.replaceAll('.', '/')],
    ['with tildes instead of dots', token.replaceAll('.', '~')],
    ['percent-encoded', encodedBy(token, percent)],
    ['percent-encoded twice', encodedBy(encodedBy(token, percent), (character) => (character === '%' ? '%25' : character))],
    ['with slashes inside', token.replace(/(.{40})/g, '$1/')],
    ['after a name', `token=${token}`],
    ['after an encoded name', `token%3D${token}`],
    ['without its header', `${PAYLOAD}.${SIGNATURE}`],
    ['only its signature', SIGNATURE],
    ['in base64', Buffer.from(token).toString('base64')],
    ['in percent-encoded base64', encodeURIComponent(Buffer.from(token).toString('base64'))],
    ['in hex', Buffer.from(token).toString('hex')],
  ])('replaces the token in a path: %s', (_how, written) => {
    const path = withoutTokenSegments(`/links/${written}/open`);
    expect(path).toMatch(/^\/links\/.*\[token\].*\/open$/);
    for (const part of [...written.split(/[/.~]|%2[eE]|%252e/), SIGNATURE, PAYLOAD]) {
      if (part.length >= 16) expect(path).not.toContain(part.slice(0, 16));
    }
  });
});

test.each([
  ['an opaque token', 'mF_9.B5f-4.1JqM8kLzQwErTyUiOp'],
  ['an opaque token in hex', '9f86d081884c7d659a2feaa0c55ad015'],
  ['a short opaque token', 'Xk29fQz8LmPq3R'],
  ['an opaque token of letters only', 'qwertyuiopasdfghjklzxcvbnmqwerty'],
])('rule 142: replaces %s in a path', (_what, token) => {
  expect(withoutTokenSegments(`/links/${token}`)).toBe('/links/[token]');
});

test.each([
  '/',
  '/orders/42',
  '/orders/104029292853099978293',
  '/orders/72f988bf-86f1-41af-91ab-2d7cd011db47/lines',
  '/orders/507f1f77bcf86cd799439011',
  '/.well-known/oauth-authorization-server/realms/shop',
  '/eu-central-1_AbCdEfGhI/.well-known/jwks.json',
  '/posts/how-to-write-a-readme-that-people-read-2026-edition',
  '/projects/my-group%2Fmy-project/repository/files/src%2Findex.ts',
  '/configurationManagement/getUserById',
  '/orders//a.b.c/x,y',
  '/keycloak.example.com/mykeycloakserver.example.com',
])('rule 142: leaves the path %s unchanged', (path) => {
  expect(withoutTokenSegments(path)).toBe(path);
});

test('rule 142: leaves text unchanged that only resembles a token', () => {
  for (const text of [
    'mykeycloakserver.example.com',
    'they-are-here.and-there.',
    'https://login.example.com/realms/shop',
    'CI.pipeline.example',
    'eyeliner.shop',
  ])
    expect(printable(text)).toBe(text);
});

test('rule 165: processes a megabyte of text within half a second', () => {
  for (const unit of ['ey', 'eyJ', 'e', '.', '%', '%2', '%25', 'a-', 'eyJ.', 'I', '/', 'A1a', '%65%79']) {
    const text = unit.repeat(1_000_000 / unit.length);
    const startedAt = performance.now();
    printable(text);
    withoutTokenSegments(`/${text}`);
    expect(performance.now() - startedAt, unit).toBeLessThan(500);
  }
});

test('rule 142: hides the last segment of a truncated path', () => {
  const path = `/${'a/'.repeat(2040)}${SIGNATURE}${SIGNATURE}`;
  expect(withoutTokenSegments(path)).not.toContain('dBjf');
});
