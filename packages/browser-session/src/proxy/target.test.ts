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
  expect(isListed('/b', undefined)).toBe(true);
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
  const config = readProxyOptions({ to: `https://to.example${basePath}`, methods: ['GET'] });
  expect(appLocation(location, '/a/b', config, '/api')).toBe(expected);
  // without a mount path, no location begins with two slashes
  expect(appLocation(location, '/a/b', config, '')).toBe(expected?.slice('/api'.length));
});
