import { describe, expect, test } from 'vitest';
import { canonicalProblem, identifierProblem, isLoopback, printableUrl, urlProblem } from './url.js';

describe('rule 53: accepts https URLs, and http URLs on loopback', () => {
  test.each([
    'https://login.example.com',
    'https://login.example.com/',
    'https://login.example.com:8443/tenant/a?b=c',
    'HTTPS://LOGIN.EXAMPLE.COM',
    'https://127.0.0.1',
    'https://[2606:4700::1]/',
    'http://localhost',
    'http://LOCALHOST:3000/path',
    'http://127.0.0.1:3000',
    'http://127.1.2.3',
    'http://127.1',
    'http://0x7f.1',
    'http://2130706433',
    'http://0177.0.0.1',
    'http://[::1]:3000',
    'http://[0:0:0:0:0:0:0:1]',
    'http://auth.localhost:8080/realms/shop',
  ])('accepts %s', (url) => {
    expect(urlProblem(url)).toBeUndefined();
  });
});

describe('rule 53: refuses http URLs that are not on loopback', () => {
  test.each([
    'http://login.example.com',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://evil.example/localhost',
    'http://evil.example?127.0.0.1',
    'http://evil.example#localhost',
    'http://evil-localhost',
    'http://localhost.',
    'http://localhost.example',
    'http://auth.localhost.',
    'http://localhost.localdomain',
    'http://loca1host',
    'http://127.0.0.1.nip.io',
    'http://126.255.255.255',
    'http://128.0.0.1',
    'http://0.0.0.0',
    'http://10.0.0.1',
    'http://169.254.169.254',
    'http://[::]',
    'http://[::2]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://[fe80::1]',
    'http://\uff45vil.example',
    'http:\\\\evil.example\\@localhost',
  ])('refuses %s', (url) => {
    expect(urlProblem(url)).toMatch(/must use https, since anybody on the network path can forge|contains a user name or password/);
  });
});

test.each([
  ['file:///etc/passwd', 'file'],
  ['ftp://login.example.com', 'ftp'],
  ['ws://localhost', 'ws'],
  ['javascript:alert(1)', 'javascript'],
  ['data:application/json,{}', 'data'],
  ['httpss://login.example.com', 'httpss'],
  ['blob:https://login.example.com/a', 'blob'],
])('rule 53: %s has the wrong scheme', (url, scheme) => {
  expect(urlProblem(url)).toBe(`must use https (its scheme is "${scheme}")`);
});

test.each([
  ['localhost:3000', 'http:// before "localhost"'],
  ['login.example.com:443/tenant', 'https:// before "login.example.com"'],
])('rule 53: %s has no scheme, and the message says which one to write', (url, remedy) => {
  expect(urlProblem(url)).toBe(`has no scheme. Write ${remedy}`);
});

test.each([
  '',
  ' ',
  'login.example.com',
  '/path',
  '//login.example.com',
  'https://',
  'https:///',
  'https://a b',
  'https://[::1',
  'https://login.example.com:99999',
  '\0',
  'http://127.0.0.256',
])('rule 53: %j is not an absolute URL', (text) => {
  expect(urlProblem(text)).toBe('is not an absolute URL');
});

test.each([' https://login.example.com', '\0https://login.example.com', 'https://login.example.com\n', 'https://login.\texample.com', 'http://local\nhost'])(
  'rule 53: %j contains characters that the URL parser removes',
  (text) => {
    expect(urlProblem(text)).toBe('contains white space or control characters. Remove them');
  },
);

test.each([
  'https://user@login.example.com',
  'https://user:secret@login.example.com',
  'https://:secret@login.example.com',
  'http://localhost@evil.example',
  'http://127.0.0.1:80@evil.example',
  'http:user:secret@localhost',
  'ftp://user:secret@localhost',
])('rule 139: %s contains a user name or password, and the message does not show it', (url) => {
  expect(urlProblem(url)).toBe('contains a user name or password. Remove them');
});

test.each<[string, boolean]>([
  ['localhost', true],
  ['[::1]', true],
  ['127.0.0.1', true],
  ['127.255.255.255', true],
  ['', false],
  ['::1', false],
  ['127.0.0.1\n', false],
  ['127.0.0', false],
  ['127.0.0.1.1', false],
  ['1127.0.0.1', false],
  ['a127.0.0.1', false],
  ['127x0x0x1', false],
  ['LOCALHOST', false],
])('rule 53: the host name %j of a URL is loopback: %s', (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});

describe('rule 173: accepts http only for the exact hosts in unsafeHttpHosts', () => {
  const hosts = new Set(['keycloak', '192.168.1.20', '[fd00::1]']);

  test.each(['http://keycloak:8080/realms/shop', 'http://KEYCLOAK/', 'http://192.168.1.20', 'http://[fd00:0::1]:8080/'])('accepts %s', (url) => {
    expect(urlProblem(url, hosts)).toBeUndefined();
  });

  test.each([
    ['http://keycloak.evil.example', 'keycloak.evil.example'],
    ['http://evil.keycloak', 'evil.keycloak'],
    ['http://keycloak@evil.example', undefined],
    ['http://192.168.1.200', '192.168.1.200'],
    ['http://192.168.1.21', '192.168.1.21'],
    ['http://[fd00::2]', '[fd00::2]'],
  ])('refuses %s', (url, host) => {
    const remedy = `Use https, or list the host "${host}" in unsafeHttpHosts`;
    expect(urlProblem(url, hosts)).toContain(host === undefined ? 'user name or password' : remedy);
  });
});

const AMBIGUOUS = [
  'https://login.example.com/realms/../uploads/mallory',
  'https://login.example.com/realms/./shop',
  'https://login.example.com/realms/..',
  'https://login.example.com/realms/.',
  'https://login.example.com/realms/%2e%2e/uploads',
  'https://login.example.com/realms/.%2E/uploads',
  'https://login.example.com/realms\\..\\uploads',
  'https://login.example.com\\@evil.example',
  'https:\\\\login.example.com/realms',
];

test.each(AMBIGUOUS)('rule 175: refuses %s, which some programs read as another URL', (url) => {
  expect(urlProblem(url)).toMatch(/has a backslash or a dot segment|holds a user name/);
  expect(identifierProblem(url)).toMatch(/has a backslash or a dot segment/);
});

test.each(['https://login.example.com/...', 'https://login.example.com/a.b/..c', 'https://login.example.com/?a=/../b', 'https://login.example.com/a%2fb'])(
  'rule 175: accepts %s, which is unambiguous',
  (url) => {
    expect(urlProblem(url)).toBeUndefined();
  },
);

test('rule 175: canonicalProblem accepts only the canonical form of a URL', () => {
  for (const url of ['https://login.example.com', 'https://login.example.com/', 'https://login.example.com:8443/a/', 'http://[::1]:8080/a%20b'])
    expect(canonicalProblem(url)).toBeUndefined();
  for (const url of [
    'HTTPS://login.example.com',
    'https://LOGIN.example.com',
    'https://login.example.com:443',
    'https:login.example.com',
    'https:/login.example.com/a',
    'https:///login.example.com/a',
    'https://login.\u00e9xample.com',
    'https://login.example.com/\u00e9',
    'http://2130706433/',
    'http://[0:0::1]/',
    ...AMBIGUOUS,
  ])
    expect(canonicalProblem(url)).toMatch(/^is not the canonical form of the URL. Write "https?:/);
});

test('rule 173: identifierProblem accepts printable ASCII without spaces, and refuses 1025 characters', () => {
  for (const issuer of ['accounts.google.com', 'kubernetes/serviceaccount', 'urn:example:issuer', 'http://adfs.example.com/adfs/services/trust', 'my-issuer'])
    expect(identifierProblem(issuer)).toBeUndefined();
  for (const issuer of [' a', 'a b', 'a\n', 'a\u0000', '\u00e9', 'x'.repeat(1025)]) expect(identifierProblem(issuer)).toEqual(expect.any(String));
});

test.each([
  ['https://ada:secret@login.example.com:8443/realms/a?key=secret#secret', 'https://login.example.com:8443/realms/a'],
  ['https://login.example.com', 'https://login.example.com/'],
  ['urn:example:keys?=secret', 'urn:example:keys'],
  ['file:///etc/passwd', 'file:/etc/passwd'],
  ['redis://ada:secret@cache.example.com/0', 'redis://cache.example.com/0'],
  ['no URL', 'no URL'],
])('a message shows %s without what may be a secret', (url, shown) => {
  expect(printableUrl(url)).toBe(shown);
});
