import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { credentialsOf, isToken68, isWithoutHeader, readCredentials, type Credentials, type CredentialsFailure } from './credentials.js';

fc.configureGlobal({ seed: 1, numRuns: 2_000 });

const LIMIT = 64;

test('rule 2: reads the token after Bearer, in any case', () => {
  for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) expect(read(`${scheme} abc.DEF-123._~+/==`)).toBe('abc.DEF-123._~+/==');
  expect(read(['Bearer abc'])).toBe('abc');
});

describe('rule 5: a request without usable credentials', () => {
  test.each<[string, string | string[] | undefined]>([
    ['no Authorization header', undefined],
    ['an empty list of header lines', []],
  ])('reports %s as missing_token', (_name, field) => {
    expect(read(field)).toEqual({ reason: 'missing_token' });
  });

  test.each([
    'Basic YTpi',
    'Basic',
    'Negotiate abc==',
    'Digest username="a", realm="b"',
    'Bearerx abc',
    'xBearer abc',
    'xBearer',
    'Basic Bearer ',
    'Bearer-abc',
    'Token abc',
  ])('refuses another scheme as unsupported: %j', (field) => {
    expect(read(field)).toEqual({ reason: 'unsupported_scheme' });
  });

  test('the cause says that a token was sent without Bearer, if that is all that was sent', () => {
    const cause = 'it contains a token without Bearer before it';
    for (const field of ['abc.def.ghi', 'eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl']) expect(read(field)).toEqual({ reason: 'unsupported_scheme', cause });
    for (const field of ['abc.def', 'abc.def.ghi.jkl', 'abc.def.ghi x']) expect(read(field)).toEqual({ reason: 'unsupported_scheme' });
  });

  test('rule 3: ignores a token that is only in the query', () => {
    expect(read(undefined, '/orders?access_token=abc')).toEqual({ reason: 'missing_token' });
    expect(read('Basic YTpi', '/orders?access_token=abc')).toEqual({ reason: 'unsupported_scheme' });
  });
});

describe('rule 87: the scheme DPoP', () => {
  const readDpop = (authorization: string, target = '/') => readCredentials({ method: 'GET', target, headers: { authorization } }, LIMIT, true);

  test('is read in any case, and as strictly as Bearer', () => {
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) expect(readDpop(`${scheme} abc`)).toEqual({ scheme: 'DPoP', token: 'abc' });
    expect(readDpop(`DPoP ${'a'.repeat(LIMIT + 1)}`)).toEqual({ reason: 'token_too_large' });
    expect(readDpop('DPoP abc', '/?access_token=abc')).toEqual({ reason: 'multiple_credentials' });
    for (const field of ['DPoP', 'dpop']) expect(readDpop(field)).toMatchObject({ reason: 'malformed_credentials', cause: 'nothing follows the word DPoP' });
    for (const field of ['DPoPx abc', 'DPoP-abc', 'XDPoP']) expect(readDpop(field)).toEqual({ reason: 'unsupported_scheme' });
    expect(readDpop('DPoP\tabc')).toMatchObject({ reason: 'malformed_credentials' });
  });

  test('is unsupported if it is off', () => {
    const cause = 'it is DPoP, which the options turn off';
    for (const field of ['DPoP abc', 'DPoP']) expect(read(field)).toEqual({ reason: 'unsupported_scheme', cause });
  });
});

describe('rules 2 and 5: refuses malformed credentials before decoding', () => {
  test.each([
    ['an empty header', ''],
    ['a header of one space', ' '],
    ['only the word Bearer', 'Bearer'],
    ['only the word bearer', 'bearer'],
    ['only Bearer and a space', 'Bearer '],
    ['a TAB instead of the space', 'Bearer\tabc'],
    ['two spaces', 'Bearer  abc'],
    ['a leading space', ' Bearer abc'],
    ['a trailing space', 'Bearer abc '],
    ['a space in the token', 'Bearer abc def'],
    ['a TAB in the token', 'Bearer abc\tdef'],
    ['a trailing comma', 'Bearer abc,'],
    ['a comma and another scheme', 'Bearer abc, Basic YTpi'],
    ['a quotation mark', 'Bearer "abc"'],
    ['a parameter', 'Bearer token="abc"'],
    ['a NUL', 'Bearer abc\0'],
    ['a line break', 'Bearer abc\n'],
    ['a line break and another header', 'Bearer abc\r\nx: y'],
    ['a control byte', 'Bearer abc\x01'],
    ['a DEL', 'Bearer abc\x7f'],
    ['a byte beyond ASCII', 'Bearer abc\u00ff'],
    ['a letter beyond Latin-1', 'Bearer ab\u0441'],
    ['a long s', 'Bearer ab\u017f'],
    ['padding inside the token', 'Bearer ab=c'],
    ['only padding', 'Bearer =='],
    ['an asterisk', 'Bearer *'],
    ['a percent sign', 'Bearer %61'],
    ['brackets', 'Bearer {"a":1}'],
    ['a scheme with a byte beyond ASCII', 'B\u00e9arer abc'],
    ['a scheme in quotes', '"Bearer" abc'],
  ])('refuses %s', (_name, field) => {
    expect(read(field)).toMatchObject({ reason: 'malformed_credentials' });
  });

  test.each([
    ['', 'the Authorization header is empty or not a string'],
    ['Bearer', 'nothing follows the word Bearer'],
    ['"Bearer" abc', 'the Authorization header does not begin with a scheme and a space'],
  ])('the cause says what is malformed: %j', (field, cause) => {
    expect(read(field)).toEqual({ reason: 'malformed_credentials', cause });
  });

  test('compares the scheme as ASCII, so that a Kelvin sign or a dotted capital I is malformed', () => {
    expect(read('BEARE\u212a abc')).toMatchObject({ reason: 'malformed_credentials' });
    expect(read('bearer\u0130 abc')).toMatchObject({ reason: 'malformed_credentials' });
  });

  test('reads the words undefined and null as tokens', () => {
    expect(read('Bearer undefined')).toBe('undefined');
    expect(read('Bearer null')).toBe('null');
  });
});

describe('rule 1: refuses more than one token or set of credentials', () => {
  test.each<[string, string | string[]]>([
    ['two header lines', ['Bearer abc', 'Bearer def']],
    ['two equal header lines', ['Bearer abc', 'Bearer abc']],
    ['a second header line with another scheme', ['Bearer abc', 'Basic YTpi']],
    ['a second header line that is empty', ['Bearer abc', '']],
    ['two values that a proxy joined', 'Bearer abc, Bearer def'],
    ['two values that a proxy joined without a space', 'Bearer abc,Bearer def'],
    ['two equal values that a proxy joined', 'Bearer abc, Bearer abc'],
    ['a second value with Bearer in another case', 'Bearer abc, bEARER def'],
    ['a second value after a TAB', 'Bearer abc,\tBearer def'],
    ['a Bearer value after another scheme', 'Basic YTpi, Bearer abc'],
    ['the word Bearer after another scheme', 'Basic YTpi, Bearer'],
    ['a DPoP value after a Bearer value', 'Bearer abc, DPoP def'],
    ['a Bearer value after a DPoP value', 'DPoP abc, Bearer def'],
    ['a Bearer value after an empty one', ',Bearer abc'],
    ['two DPoP values', 'DPoP abc,dpop abc'],
  ])('refuses %s', (_name, field) => {
    expect(read(field)).toEqual({ reason: 'multiple_credentials' });
  });

  test.each([
    ['another token', '/orders?access_token=def'],
    ['the same token', '/orders?access_token=abc'],
    ['an empty token', '/orders?access_token='],
    ['a parameter without a value', '/orders?access_token'],
    ['a token among other parameters', '/orders?a=1&access_token=def&b=2'],
    ['a token under an encoded name', '/orders?access%5Ftoken=def'],
    ['a token in an absolute target', 'http://api.example.com/orders?access_token=def'],
    ['a token in a target that is only a query', '?access_token=def'],
  ])('refuses %s in the query together with an Authorization header', (_name, target) => {
    expect(read('Bearer abc', target)).toEqual({ reason: 'multiple_credentials' });
  });

  test.each([
    '/orders',
    '/orders?',
    '/orders?a=access_token',
    '/orders&access_token=def',
    '/access_token',
    '/orders?Access_Token=def',
    '/orders?my_access_token=def',
    '/orders?%',
    '*',
    '',
  ])('finds no token in the target %j', (target) => {
    expect(read('Bearer abc', target)).toBe('abc');
  });
});

describe('rule 8: checks the length of the header first', () => {
  test('accepts a token of the maximum length, and refuses one that is a byte longer', () => {
    expect(read(`Bearer ${'a'.repeat(LIMIT)}`)).toBe('a'.repeat(LIMIT));
    expect(read(`Bearer ${'a'.repeat(LIMIT + 1)}`)).toEqual({ reason: 'token_too_large' });
  });

  test('reports a header that is too long as too large, whatever it contains', () => {
    for (const text of ['Bearer a,', 'Basic ', ', Bearer ', '\0\xff ', 'Bearer', '.']) {
      expect(read(text.repeat(200))).toEqual({ reason: 'token_too_large' });
      expect(read([text.repeat(200)])).toEqual({ reason: 'token_too_large' });
    }
  });
});

test('rules 1, 2 and 8: never throws, and returns a token only as it was sent, in token68 and within the limit', () => {
  const seen = { read: 0, refused: 0 };
  const good = fc.constantFrom('abc', 'a.b-c', '_~+/', '0', 'x'.repeat(30));
  const any = fc.constantFrom('Bearer ', 'bearer ', 'Bearer', 'Basic ', ',', ' ', '\t', '=', '"', '\0', '\r\n', '\u00e9', '\u{1f600}', '\ud800');
  const piece = fc.oneof({ weight: 6, arbitrary: good }, any);
  const value = fc.tuple(fc.constantFrom('Bearer ', 'bEARER ', ''), fc.array(piece, { maxLength: 5 })).map(([scheme, pieces]) => scheme + pieces.join(''));
  const field = fc.oneof({ weight: 5, arbitrary: value }, fc.array(value, { maxLength: 3 }), fc.constant(undefined));
  const target = fc.oneof(fc.constant('/'), fc.string({ maxLength: 20 }), fc.constantFrom('/?access_token=1', '/?\ud800=%E0%A4%A', '/??access_token=1&&&'));
  fc.assert(
    fc.property(field, target, (authorization, target) => {
      const credentials = read(authorization, target);
      if (typeof credentials !== 'string') {
        expect(['missing_token', 'unsupported_scheme', 'malformed_credentials', 'multiple_credentials', 'token_too_large']).toContain(credentials.reason);
        seen.refused++;
        return;
      }
      expect(credentials).toMatch(/^[A-Za-z0-9\-._~+/]+=*$/);
      expect(credentials.length).toBeLessThanOrEqual(LIMIT);
      expect([authorization].flat()).toHaveLength(1);
      expect(String(authorization).toLowerCase()).toBe(`bearer ${credentials.toLowerCase()}`);
      expect(String(authorization).endsWith(credentials)).toBe(true);
      seen.read++;
    }),
  );
  expect(seen.read).toBeGreaterThan(300);
  expect(seen.refused).toBeGreaterThan(300);
});

test('only a request without an Authorization header may have its token elsewhere', () => {
  const credentials = (headers: Record<string, string | string[]>) =>
    readCredentials({ method: 'GET', target: '/', headers }, LIMIT, true) as CredentialsFailure;
  expect(isWithoutHeader(credentials({}))).toBe(true);
  expect(isWithoutHeader(credentials({ authorization: [] }))).toBe(true);
  for (const authorization of ['', 'Basic YTpi', 'Bearer', ['Bearer a', 'Bearer b']]) expect(isWithoutHeader(credentials({ authorization }))).toBe(false);
});

test('rules 3 and 6: a token from elsewhere keeps to the limit, and counts as doubled beside one in the query', () => {
  const found = (token: string, target = '/'): Credentials | CredentialsFailure => credentialsOf(token, target, LIMIT);
  expect(found('a'.repeat(LIMIT))).toEqual({ scheme: 'Bearer', token: 'a'.repeat(LIMIT) });
  expect(found('a'.repeat(LIMIT + 1))).toEqual({ reason: 'token_too_large' });
  expect(found('a', '/?access_token=b')).toEqual({ reason: 'multiple_credentials' });
  expect(found('a', '/?access_tokens=b')).toEqual({ scheme: 'Bearer', token: 'a' });
});

test('rule 1: reads the header in any case, once, and takes no other header for it', () => {
  const found = (headers: Record<string, string | undefined>): Credentials | CredentialsFailure =>
    readCredentials({ method: 'GET', target: '/', headers }, LIMIT, false);
  const token = { scheme: 'Bearer', token: 'a' };
  expect(found({ Authorization: 'Bearer a' })).toEqual(token);
  expect(found({ Authorization: 'Bearer a', AUTHORIZATION: undefined })).toEqual(token);
  expect(found({ Authorization: 'Bearer a', AUTHORIZATION: 'Bearer b' })).toEqual({ reason: 'multiple_credentials' });
  for (const other of ['Bearer a', 'Bearer b', 'Basic dTpw'])
    expect(found({ authorization: 'Bearer a', Authorization: other })).toEqual({ reason: 'multiple_credentials' });
  // as long as the right name, longer, and shorter
  for (const name of ['If-None-Match', 'X-Authorization', 'Auth']) {
    expect(found({ [name]: 'Bearer b' })).toEqual({ reason: 'missing_token' });
    expect(found({ Authorization: 'Bearer a', [name]: 'Bearer b' })).toEqual(token);
  }
});

function read(authorization: string | string[] | undefined, target = '/orders', acceptsDpop = false): string | CredentialsFailure {
  // the pipeline also checks isToken68, but only for a token that is not a JWT
  const credentials = readCredentials({ method: 'GET', target, headers: { authorization } }, LIMIT, acceptsDpop);
  if ('reason' in credentials) return credentials;
  expect(credentials.scheme).toBe('Bearer');
  return isToken68(credentials.token) ? credentials.token : { reason: 'malformed_credentials', token: undefined };
}
