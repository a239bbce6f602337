import { expect, test } from 'vitest';
import { safeReturnTo } from './return-to.js';

const ORIGIN = 'https://app.example.com';

test.each([
  ['/', '/'],
  ['/orders', '/orders'],
  ['/orders?page=2&sort=a%20b#row-3', '/orders?page=2&sort=a%20b#row-3'],
  ['/a//b', '/a//b'],
  ['/a;b/c%2Fd', '/a;b/c%2Fd'],
  ['/search?q=https://other.example/', '/search?q=https://other.example/'],
  ['/caf%C3%A9', '/caf%C3%A9'],
  ['/café', '/caf%C3%A9'],
  ['https://app.example.com/orders?x=1', '/orders?x=1'],
])('rule 127: leads to %s of this app', (value, expected) => {
  expect(safeReturnTo(value, ORIGIN)).toBe(expected);
});

const ATTACKS = [
  '//evil.example',
  '///evil.example',
  '////evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '\\/evil.example',
  '/\\/evil.example',
  '/%09/evil.example',
  '/%0a/evil.example',
  '/%0d%0aset-cookie:a=b',
  '/%5cevil.example',
  '/%255cevil.example',
  '/%2fevil.example',
  '/%2f%2fevil.example',
  '/%252fevil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  '/\r\nlocation: https://evil.example',
  '\t//evil.example',
  ' //evil.example',
  '/ /evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https://evil.example',
  'HTTPS://evil.example/',
  'http://app.example.com/',
  'https://app.example.com',
  'https://app.example.com.evil.example/',
  'https://app.example.com@evil.example/',
  'https://app.example.com:444/',
  'https://app.example.com//evil.example',
  'https://app.example.com/\\evil.example',
  'https://evil.example/https://app.example.com/',
  '/@evil.example/../..//evil.example',
  '/a/..//evil.example',
  '/./\\evil.example',
  '/.//evil.example',
  '/%2e/%2e/evil',
  '/..;/evil',
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'data:text/html,x',
  'blob:https://app.example.com/x',
  'vbscript:x',
  'orders',
  './orders',
  '../orders',
  '?x=1',
  '#x',
  '@evil.example',
  'user:password@evil.example',
  '',
  '\u0000/orders',
  '/orders\u0000',
  '/\u2028/evil.example',
  '\ufeff//evil.example',
  '/\u00a0/evil.example',
  `/${'a'.repeat(2000)}`,
  `/${'é'.repeat(1000)}`,
];

test.each(ATTACKS)('rule 127, returnTo: sends nobody to another origin after the login: %j', (value) => {
  expect(safeReturnTo(value, ORIGIN)).toBe('/');
});

test.each([undefined, null, 1, {}, [], ['//evil.example'], Symbol('x')])('rule 127, returnTo: takes no value that is not a string: %s', (value) => {
  expect(safeReturnTo(value as string, ORIGIN)).toBe('/');
});

/** What a browser or a lenient server makes of a target. */
function spellings(target: string): string[] {
  const all = [target];
  for (let round = 0; round < 3; round++) {
    try {
      all.push(decodeURIComponent(all.at(-1)!.split(/[?#]/, 1)[0]!));
    } catch {
      break;
    }
  }
  return all;
}

test('rule 127, returnTo: keeps every arbitrary text on this origin, also when it is decoded, and when it is checked again', () => {
  const pieces = [
    '/',
    '\\',
    '//',
    '%2f',
    '%5c',
    '%09',
    '.',
    '..',
    '%2e',
    ';',
    ':',
    '@',
    'https',
    'evil.example',
    '?',
    '#',
    '\t',
    '\r\n',
    ' ',
    'é',
    'a',
    '%',
    '%25',
  ];
  let seed = 42;
  const next = (limit: number): number => (seed = (seed * 1103515245 + 12345) % 2147483648) % limit;
  for (let round = 0; round < 5000; round++) {
    const text = Array.from({ length: next(8) }, () => pieces[next(pieces.length)]!).join('');
    const target = safeReturnTo(`${next(2) === 0 ? '/' : ''}${text}`, ORIGIN);
    expect(new URL(target, ORIGIN).origin).toBe(ORIGIN);
    expect(safeReturnTo(target, ORIGIN)).toBe(target);
    for (const one of spellings(target)) expect(URL.parse(one.split(/[?#]/, 1)[0]!, ORIGIN)?.origin ?? ORIGIN).toBe(ORIGIN);
  }
});
