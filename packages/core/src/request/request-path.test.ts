import { expect, test } from 'vitest';
import { forPredicates, isAmbiguousTarget, normalPath } from './request-path.js';

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
  // decoded twice, by a proxy and by the server behind it
  '/a/%25%32%65%25%32%65/b',
  '/a%252f..%252fb',
  '/a/%2e%252e/b',
  '/a/..%255cb',
  // servlet containers cut off the text after a semicolon, URL parsers the text after ? and #
  '/a/..;/b',
  '/a/.;.;/b',
  '/a/%2e%2e;x=1/b',
  '/a/..%253b/b',
  '/a/..%3fx',
  '/a/..%23x',
  // URL parsers remove tabs and line feeds, and Windows removes trailing blanks
  '/a/.%09./b',
  '/a/.%0a./b',
  '/a/..%20/b',
  '/a/..%7f/b',
  // C strings end at a NUL
  '/a%00',
  '/a/b%00.png',
  '/a/%2500/b',
  '/a/..%00/b',
  // overlong UTF-8
  '/a/%c0%ae%c0%ae/b',
  '/a/..%c0%afb',
  '/a/..%C1%9Cb',
  '/a/..%c0%2fb',
  '/a/%c0.%c0./..%c1%1cb',
  '/a/%e0%80%ae%e0%80%ae/b',
  '/a/%f0%80%80%ae./b',
  '/a/%25c0%25ae%25c0%25ae/b',
  '/a/\u00c0\u00ae\u00c0\u00ae/b',
  // the encoding of IIS, and lookalike characters
  '/a/%u002e%u002e/b',
  '/a/..%u2215%u002e%u002e/b',
  '/a/%ef%bc%8e%ef%bc%8e/b',
  '/a/..%ef%bc%8fb',
  '/a/..%ef%bc%bcb',
  '/a/%e2%80%a5/b',
  '/a/\uff0e\uff0e/b',
  '/a/%ef%bc%852e%ef%bc%852e/b',
  // new URL(target, base) reads a host here
  '//acme/globex',
  '/\\acme/globex',
  '///acme/globex',
  'http://a.test//acme/globex',
])('rule 159: %s is ambiguous', (target) => {
  expect(isAmbiguousTarget(target)).toBe(true);
});

test.each([
  '/',
  '/tenants/acme',
  '/a.b',
  '/..a',
  '/a..',
  '/...',
  '/a%2fb',
  '/a%20b',
  '/%',
  '/%zz',
  '/a?x=../b',
  '/a#/../b',
  '/a%2ejs',
  '*',
  '/.well-known/x',
  // harmless encoded slashes, semicolons and similar characters
  '/files/a%2Fb%2fc.txt',
  '/files/%2Fa',
  '/a%252fb',
  '/a;v=1/b',
  '/a;v=1.2/b',
  '/a%3bv=1/b',
  '/;x/a',
  '/a;..b/c',
  '/a/..b;x',
  '/a/.b;x',
  '/a%5cb',
  '/a%3fb',
  '/a%23b',
  '/a//b',
  '/a%20b/c%20',
  '/a%0ab',
  '/v2.0/a..b',
  '/a/b.',
  '/a/b..',
  '/100%25',
  '/100%2525',
  '/%e2%80%a6',
  '/caf%c3%a9',
  '/caf%e9',
  '/%c0%20propos',
  '/%ef%bc%8ea',
  '/%e6%97%a5%e6%9c%ac',
  '/\u00e9',
  'http://a.test',
  'http://a.test/b//c',
])('rule 159: %s is not ambiguous', (target) => {
  expect(isAmbiguousTarget(target)).toBe(false);
});

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
])('rule 159: the normal path of %s is %s', (target, path) => {
  expect(normalPath(target)).toBe(path);
});

test('rule 159: a predicate that reads target, path or params of an ambiguous request throws, and can read the other members', () => {
  const headers = { a: 'b' };
  const request = { method: 'PUT', target: '/a/../b', headers, params: { x: 'y' }, path: '/a', origin: 'https://a.test', route: '/:x', requestId: '7' };
  const view = forPredicates(request)!;
  for (const name of ['target', 'path', 'params'] as const) expect(() => view[name]).toThrow(/dot segments/);
  expect([view.method, view.headers, view.origin, view.route, view.requestId]).toEqual(['PUT', headers, 'https://a.test', '/:x', '7']);
  const plain = { ...request, target: '/b' };
  expect([forPredicates(plain), forPredicates(undefined)]).toEqual([plain, undefined]);
});
