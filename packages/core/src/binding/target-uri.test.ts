import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProtectedRequest } from '../request/protected-request.js';
import { compareTargetUri, normalUri } from './target-uri.js';

fc.configureGlobal({ seed: 84, numRuns: 2_000 });

const ORIGIN = 'https://api.example.com';
const request = (target: string, origin: string | undefined = ORIGIN): ProtectedRequest => ({ method: 'GET', target, origin, headers: {} });

describe('rule 84: one form for all spellings of a URI', () => {
  test.each([
    ['https://api.example.com', 'https://api.example.com/'],
    ['https://api.example.com?a', 'https://api.example.com/'],
    ['HTTPS://API.example.COM:443/A', 'https://api.example.com/A'],
    ['http://api.example.com:80/', 'http://api.example.com/'],
    ['http://api.example.com:8080/', 'http://api.example.com:8080/'],
    ['https://[2001:DB8::1]:443/a', 'https://[2001:db8::1]/a'],
    ['https://a.test/%7Ea/%2f/%e4', 'https://a.test/~a/%2F/%E4'],
    ['https://a.test/%2e%2e/a/%2E/b', 'https://a.test/a/b'],
    ['https://a.test/a/./b/../c', 'https://a.test/a/c'],
    ['https://a.test/a/..', 'https://a.test/'],
    ['https://a.test/a/b/.', 'https://a.test/a/b/'],
    ['https://a.test/../..', 'https://a.test/'],
    ['https://a.test//a//', 'https://a.test//a//'],
    ['https://a.test/.a/..b/...', 'https://a.test/.a/..b/...'],
    ['https://a.test/a?b#c', 'https://a.test/a'],
    ['https://a.test/a#b?c', 'https://a.test/a'],
    ['https://a.test/%', 'https://a.test/%'],
    ['https://a.test/%252e', 'https://a.test/%252e'],
  ])('%s', (text, expected) => {
    expect(normalUri(text)).toBe(expected);
    expect(normalUri(expected)).toBe(expected);
  });

  test.each([
    '',
    '/',
    'a',
    'https:',
    'https://',
    'https:///a',
    'https:/a.test',
    'ftp://a.test/',
    'https://u@a.test/',
    'https://u:p@a.test/',
    'https://a.test\\b',
  ])('refuses %j', (text) => expect(normalUri(text)).toBeUndefined());

  test.each([
    'https://a.test/\\b',
    'https://a.test/ b',
    'https://a.test/\tb',
    'https://a.test/\n',
    ' https://a.test/',
    'https://a.test/\u00e4',
    'https://\u00e4.test/',
    'https://a.test:port/',
    'https://a%2eb.test/',
  ])('refuses %j, which a lenient parser would change', (text) => expect(normalUri(text)).toBeUndefined());
});

describe('rule 84: htu is compared with origin and target of the request', () => {
  test.each([
    [`${ORIGIN}/a`, request('/a')],
    [`${ORIGIN}/a`, request('/a?b=c')],
    [`${ORIGIN}/a?b#c`, request('/a')],
    [`${ORIGIN}/`, request('/')],
    [ORIGIN, request('/')],
    [`${ORIGIN}/a`, request('http://other.test/a')],
    [`${ORIGIN}//a`, request('//a')],
    [`${ORIGIN}/~a`, request('/%7ea')],
  ])('%s is %j', (htu, of) => expect(compareTargetUri(htu, of, undefined)).toBeUndefined());

  test('rule 85: the configured origin counts, whatever the request says', () => {
    for (const origin of [undefined, 'https://evil.test', 'http://api.example.com']) {
      expect(compareTargetUri(`${ORIGIN}/a`, { ...request('/a'), origin }, ORIGIN)).toBeUndefined();
      if (origin) expect(compareTargetUri(`${origin}/a`, { ...request('/a'), origin }, ORIGIN)?.cause).toMatch(/htu is not the URI/);
    }
    expect(compareTargetUri(`${ORIGIN}/a`, { ...request('/a'), origin: undefined }, undefined)?.cause).toMatch(/the origin of this API is not known/);
  });

  test('a failure names both URIs in their normal form; that of the request as it is if it has none', () => {
    const cause = 'its htu is not the URI of this request';
    expect(compareTargetUri(`${ORIGIN}:443/%2a`, request('/%7ea?b'), undefined)).toEqual({ cause, expected: `${ORIGIN}/~a`, found: `${ORIGIN}/%2A` });
    expect(compareTargetUri(ORIGIN, request('/\\a'), undefined)).toEqual({ cause, expected: `${ORIGIN}/\\a`, found: `${ORIGIN}/` });
  });

  test('an origin that is none matches no htu', () => {
    for (const origin of ['null', '', 'https://', 'https://a.test/path?']) {
      for (const htu of [`${ORIGIN}/a`, 'https://a.test/a', 'https://a.test/path'])
        expect(compareTargetUri(htu, request('/a', origin), undefined)?.cause).toMatch(/the origin of this API is not known/);
    }
  });

  test('never throws, and equal results mean one URI', () => {
    const part = fc.constantFrom('/', '/a', '/.', '/..', '/%2e', '/%7E', '?', '#', '//', 'a', '%', ':', '@', '\\', ' ', '\u00e4', ':443', ORIGIN);
    const text = fc.array(part, { maxLength: 6 }).map((parts) => parts.join(''));
    let equal = 0;
    fc.assert(
      fc.property(text, text, (tail, target) => {
        const htu = ORIGIN + tail;
        const failure = compareTargetUri(htu, request(target), undefined);
        if (failure) return;
        equal++;
        // what a browser would ask for
        expect(URL.parse(htu)?.origin).toBe(ORIGIN);
      }),
    );
    expect(equal).toBeGreaterThan(50);
  });
});
