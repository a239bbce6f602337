import { expect, test } from 'vitest';
import { forPredicates, hasDotSegments, normalPath } from './request-path.js';

test.each([
  '/tenants/acme/../globex',
  '/tenants/acme/..',
  '/.',
  '/./a',
  '/a/%2e%2e/b',
  '/a/%2E./b',
  '/a/..%2fb',
  '/a/..%2Fb',
  '/a%2f..%2fb',
  '/a/..\\b',
  '/a\\..\\b',
  '/a/..%5cb',
  '/a/%252e%252e/b',
  '/a/%25252e%25252e%25252fb',
  '/a/..;x/b',
  '/a/..%3bx/b',
  'http://a.test/b/../c',
  `/${'%25'.repeat(20)}2e`.replace('%25'.repeat(20), `%${'25'.repeat(20)}`),
])('rule 159: %s may lead elsewhere', (target) => {
  expect(hasDotSegments(target)).toBe(true);
});

test.each(['/', '/tenants/acme', '/a.b', '/..a', '/a..', '/...', '/a%2fb', '/a%20b', '/%', '/%zz', '/a?x=../b', '/a#/../b', '/a%2ejs', '*', '/.well-known/x'])(
  'rule 159: %s leads where it says',
  (target) => {
    expect(hasDotSegments(target)).toBe(false);
  },
);

test.each([
  ['/tenants/acme', '/tenants/acme'],
  ['/tenants/acme/', '/tenants/acme'],
  ['//tenants///acme//', '/tenants/acme'],
  ['/tenants/%61cme?x=1', '/tenants/acme'],
  ['/a%2fb%7e', '/a%2Fb~'],
  ['/ACME', '/ACME'],
  ['/', '/'],
  ['//', '/'],
  ['http://a.test/b?c', '/b'],
  ['http://a.test', '/'],
  ['/a%zz', '/a%zz'],
])('rule 159: the path of %s is %s', (target, path) => {
  expect(normalPath(target)).toBe(path);
});

test('rule 159: whoever reads where such a target leads fails, and all else can be read', () => {
  const headers = { a: 'b' };
  const request = { method: 'PUT', target: '/a/../b', headers, params: { x: 'y' }, path: '/a', origin: 'https://a.test', route: '/:x', requestId: '7' };
  const shown = forPredicates(request)!;
  for (const name of ['target', 'path', 'params'] as const) expect(() => shown[name]).toThrow(/dot segments/);
  expect([shown.method, shown.headers, shown.origin, shown.route, shown.requestId]).toEqual(['PUT', headers, 'https://a.test', '/:x', '7']);
  const plain = { ...request, target: '/b' };
  expect([forPredicates(plain), forPredicates(undefined)]).toEqual([plain, undefined]);
});
