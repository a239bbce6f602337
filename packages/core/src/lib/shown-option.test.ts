import { describe, expect, test } from 'vitest';
import { shown, shownMember, shownName, type Wanted } from './shown-option.js';

describe('rule 185: shows a URL without its secrets, and shows no string that is not a URL', () => {
  test.each([
    'https://user:secret@login.example.com/tenant',
    'https://user:secret@login.example.com:8443/a?key=secret#secret',
    'https://login.example.com/a?key=secret',
    'https://login.example.com/a#secret',
    'https://secret@login.example.com',
    'https://:secret@login.example.com',
    'https://user:sec%2Fret@login.example.com',
    'https://user:sec@ret@login.example.com',
    'http:user:secret@login.example.com',
    'https:\\\\user:secret@login.example.com',
    'https://user:1/sec?ret@login.example.com',
    'https://login.example.com/Xk29fQz8LmPq3R-secret-0aZ9/keys',
    'https://login.example.com/dBjftJeZ4CVP-secret-mB92K27uhbUJU1p1r',
  ])('shows only the host and harmless parts of %j', (given) => {
    expect(shown(given, 'url')).toContain('login.example.com');
    expect(shown(given, 'url')).not.toMatch(/secret|sec|ret/);
  });

  test.each([
    'secret',
    'ldap://user:secret@login.example.com/x',
    ' \thttps://user:secret@login.example.com\n',
    'https://user:secret@login.example.com:99999/',
    'https://user:secret@login.example.com:port/',
    'https://user:secret@login.example.com or so',
    'user:secret@login.example.com',
    '//user:secret@login.example.com',
    'https://user:secret@',
    'https://user:sec/ret@login.example.com',
    'https://user:sec ret@login.example.com',
    'https://user:sec\nret@login.example.com',
    `https://login.example.com/${'a/'.repeat(200)}secret`,
  ])('shows only the length of %j', (given) => {
    expect(shown(given, 'url')).toBe(`a string of ${given.length} characters`);
  });
});

test.each<[unknown, Wanted | undefined, string]>([
  ['', undefined, '""'],
  ['', 'url', '""'],
  ['s', undefined, 'a string of 1 character'],
  ['secret', undefined, 'a string of 6 characters'],
  ['secret', 'number', 'a string of 6 characters'],
  ['https://login.example.com/a', 'url', '"https://login.example.com/a"'],
  ['https://login.example.com/{tenant}/v2.0', 'url', '"https://login.example.com/{tenant}/v2.0"'],
  ['https://user@login.example.com/a?b', 'url', '"https://***@login.example.com/a?..."'],
  ['RS257', ['RS256', 'ES256'], '"RS257"'],
  ['none', ['RS256', 'none'], '"none"'],
  ['secret', ['RS256', 'ES256'], 'a string of 6 characters'],
  ['KEYCLOAK', 'host', '"KEYCLOAK"'],
  ['*.example.com', 'host', '"*.example.com"'],
  ['keycloak:8080', 'host', '"keycloak:8080"'],
  ['Xk29fQz8LmPq3R', 'host', 'a string of 14 characters'],
  [1234, undefined, 'a number'],
  [1234, 'number', '1234'],
  [NaN, undefined, 'NaN'],
  [-Infinity, 'number', '-Infinity'],
  [true, undefined, 'true'],
  [null, undefined, 'null'],
  [undefined, undefined, 'undefined'],
  [[], undefined, 'an empty list'],
  [['secret'], undefined, 'a list'],
  [{ password: 'secret', toString: () => 'secret' }, 'url', 'a value of type object'],
  [() => 'secret', undefined, 'a value of type function'],
  [Symbol('secret'), undefined, 'a value of type symbol'],
  [10n, 'number', 'a value of type bigint'],
])('rule 185: shows %o, for an option that wants %o, as %s', (value, wanted, expected) => {
  expect(shown(value, wanted)).toBe(expected);
});

test('rule 185: shows a name only if it looks like the name of an option or of a claim', () => {
  for (const name of ['audiance', 'jwksRequestsPerMinute', 'clock_tolerance', 'JWKS_URI', 'oauth2']) {
    expect(shownName(name)).toBe(name);
    expect(shownMember(name)).toBe(name);
  }
  for (const name of ['https://example.com/roles', 'cognito:groups', 'realm_access.roles', 'urn:example:claim']) expect(shownMember(name)).toBe(name);
  for (const name of ['S3cr3t-Xk29fQz8Lm', 'a b', 'a\n\u001b[31m', 'a\u202e', '', 'x'.repeat(41), 'https://u:p@example.com/?k=1']) {
    expect(shownName(name)).toBe(`(a name of ${name.length} characters)`);
    expect(shownMember(name)).toBe(`(a name of ${name.length} characters)`);
  }
});
