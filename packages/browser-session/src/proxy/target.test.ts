import { posix } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readProxyOptions } from './proxy-options.js';
import { appLocation, isClearTarget, isListed, withoutMount } from './target.js';

test.each(['/', '/?x', '/orders/1?to=https://evil.example/../x', '/a;b=c/d', '/%2F', '/@evil.example', '/a//b', '/v2.0/.well-known/x'])(
  '%s is clear',
  (target) => {
    expect(isClearTarget(target)).toBe(true);
  },
);

test.each([
  '',
  'orders',
  '*',
  '//evil',
  '/\\evil',
  '/a\\b',
  '/a b',
  '/a#b',
  '/a\r\nhost: x',
  '/a\u0000',
  '/é',
  '/..',
  '/a/../b',
  '/%2e',
  '/..%2f',
  '/.;/x',
  '/%25252e%25252e/',
])('%j is not clear', (target) => {
  expect(isClearTarget(target)).toBe(false);
});

test('a listed path is met by itself and by all below it, in any spelling of RFC 3986', () => {
  expect(['/a', '/a/', '/a/b', '/a?b', '/%61', '/a//b'].map((target) => isListed(target, ['/a']))).toEqual([true, true, true, true, true, true]);
  expect(['/', '/ab', '/b/a', '/A', '/a;b', '/a%2fb', '/a%3Fb', '/?/a'].map((target) => isListed(target, ['/a']))).toEqual(Array(8).fill(false));
  expect(isListed('/b', [''])).toBe(true);
});

test('the mount path is removed', () => {
  expect(['/api', '/api/', '/api/x', '/api?x', '/api/api'].map((target) => withoutMount(target, '/api'))).toEqual(['/', '/', '/x', '/?x', '/api']);
  expect(['/apis', '/', '/x/api', '/?/api', '/API'].map((target) => withoutMount(target, '/api'))).toEqual(Array(5).fill(undefined));
  expect(withoutMount('/x', '')).toBe('/x');
});

test.each([
  ['/x', '', '/api/x'],
  ['x', '', '/api/a/x'],
  ['?y#z', '', '/api/a/b?y#z'],
  ['/v1/x', '/v1', '/api/x'],
  ['/v1', '/v1', '/api/'],
  ['https://to.example/v1/x', '/v1', '/api/x'],
  ['/v2/x', '/v1', undefined],
  ['//evil.example', '', undefined],
  ['https://to.example//evil.example', '', undefined],
  ['https://to.example:8443/', '', undefined],
  ['http://to.example/', '', undefined],
  ['data:text/html,x', '', undefined],
])('the location %s of an API under %s leads to %s', (location, basePath, expected) => {
  const config = readProxyOptions({ to: `https://to.example${basePath}`, methods: ['GET'], paths: ['/'] });
  expect(appLocation(location, '/a/b', config, '/api')).toBe(expected);
  // without a mount path, no location begins with two slashes
  expect(appLocation(location, '/a/b', config, '')).toBe(expected?.slice('/api'.length));
});

/** Pieces of which targets are made that programs read in different ways. */
const PIECES = [
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2F',
  '%5c',
  '\\',
  ';',
  '?',
  '#',
  '@',
  ':',
  '%',
  '%00',
  '%25',
  '%c0%ae',
  ' ',
  '\t',
  'orders',
  'admin',
  'v1',
  'https:',
  '[',
  '\u00e9',
];
const TARGETS = fc.array(fc.constantFrom(...PIECES), { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`);

/** Returns a path as a program reads it that decodes too often, and takes backslashes for slashes. */
function carelessPath(path: string): string {
  let decoded = path;
  for (let round = 0; round < 3; round++) decoded = decoded.replace(/%([\da-f]{2})/gi, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return posix.normalize(decoded.replaceAll('\\', '/'));
}

test('rule 159: no clear target leaves the API, its path or a listed path, however it is read', () => {
  const config = readProxyOptions({ to: 'https://to.example/v1', methods: ['GET'], paths: ['/orders'] });
  let clear = 0;
  fc.assert(
    fc.property(TARGETS, (target) => {
      if (!isClearTarget(target)) return;
      clear++;
      const url = new URL(`${config.origin}${config.basePath}${target}`);
      expect([url.origin, url.username]).toEqual(['https://to.example', '']);
      expect(`${url.pathname}/`).toMatch(/^\/v1\//);
      expect(`${carelessPath(url.pathname)}/`).toMatch(/^\/v1\//);
      if (isListed(target, config.paths)) expect(`${carelessPath(url.pathname)}/`).toMatch(/^\/v1\/orders\//);
    }),
    { numRuns: 2000 },
  );
  expect(clear).toBeGreaterThan(50);
});

test('a redirect of the API never leaves the mount path, whatever its Location', () => {
  const config = readProxyOptions({ to: 'https://to.example/v1', methods: ['GET'], paths: ['/'] });
  const prefix = fc.constantFrom('', '/v1', 'https://to.example/v1', '//to.example/v1', 'https://to.example', 'javascript', 'https://to.example:443/v1');
  fc.assert(
    fc.property(prefix, TARGETS, fc.constantFrom('', '/api'), (start, rest, mountPath) => {
      const location = appLocation(`${start}${rest}`, '/a/b', config, mountPath);
      if (location === undefined) return;
      const url = new URL(location, 'https://app.example');
      expect(url.origin).toBe('https://app.example');
      expect(`${carelessPath(url.pathname)}/`.startsWith(`${mountPath}/`)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
