import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cookieOf, cookiesOf, deleteCookie, setCookie } from './cookie-header.js';

const NAME = fc.stringMatching(/^[\w!#$%&'*+.^`|~-]{1,20}$/);
const VALUE = fc.stringMatching(/^[\w.~/+=-]{0,40}$/);

test('no header has no cookies', () => {
  expect([...cookiesOf(undefined)]).toEqual([]);
  expect([...cookiesOf('')]).toEqual([]);
});

test.each([
  ['a=1', [['a', '1']]],
  [
    'a=1; b=2',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    'a=1;b=2',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  [
    ' \ta = 1\t ;  b=2 ',
    [
      ['a', '1'],
      ['b', '2'],
    ],
  ],
  ['a=', [['a', '']]],
  ['a=x=y==', [['a', 'x=y==']]],
  ['nonsense; a=1', [['a', '1']]],
  ['=1; a=2', [['a', '2']]],
  [';;;a=1;;', [['a', '1']]],
  ['a="1"', [['a', '"1"']]],
  ['a=%41', [['a', '%41']]],
] as const)('reads %j', (header, cookies) => {
  expect([...cookiesOf(header)]).toEqual(cookies);
});

test('the first value of a name wins, and case counts', () => {
  expect([...cookiesOf('a=1; a=2; A=3')]).toEqual([
    ['a', '1'],
    ['A', '3'],
  ]);
});

test('names of Object.prototype are names like any other', () => {
  const cookies = cookiesOf('__proto__=1; constructor=2');
  expect([cookies.get('__proto__'), cookies.get('constructor'), cookies.get('toString')]).toEqual(['1', '2', undefined]);
});

test('any cookies are read as they were written', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(NAME, VALUE), { selector: ([name]) => name, maxLength: 30 }), (cookies) => {
      const header = cookies.map(([name, value]) => `${name}=${value}`).join('; ');
      expect([...cookiesOf(header)]).toEqual(cookies);
    }),
  );
});

test('any text is read without an error, and no more than is there', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', maxLength: 500 }), (header) => {
      for (const [name, value] of cookiesOf(header)) {
        expect(name).not.toBe('');
        expect(header).toContain(name);
        expect(header).toContain(value);
      }
    }),
  );
});

test('one cookie is read as among all of them', () => {
  const header = fc.array(fc.constantFrom('a', 'ab', '=', '=1', '=2', ';', '; ', ' ', '\t', 'b'), { maxLength: 40 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(header, fc.constantFrom('a', 'b', 'ab', 'a a'), (text, name) => {
      expect(cookieOf(text, name)).toBe(cookiesOf(text).get(name));
    }),
    { numRuns: 500 },
  );
  expect(cookieOf(undefined, 'a')).toBeUndefined();
});

test('rule 134: giant headers end, and have a bounded number of cookies', () => {
  const many = Array.from({ length: 5000 }, (_value, at) => `c${at}=1`).join(';');
  expect(cookiesOf(many).size).toBe(300);
  expect(cookieOf(many, 'c299')).toBe('1');
  expect(cookieOf(many, 'c300')).toBeUndefined();
  expect(cookiesOf(`a=1; b=${'x'.repeat(70_000)}`).size).toBe(0);
  expect(cookieOf(`a=1; b=${'x'.repeat(70_000)}`, 'a')).toBeUndefined();
  // each part is searched for a `=` that comes only at the end
  expect(cookiesOf(`${';'.repeat(65_000)}a=1`).size).toBe(0);
});

test('rule 122: a cookie has the attributes that __Host- demands, and HttpOnly', () => {
  expect(setCookie({ name: '__Host-session', value: '1.a.b', maxAgeSeconds: 90.9, sameSite: 'Strict' })).toBe(
    '__Host-session=1.a.b; Path=/; Max-Age=90; Secure; HttpOnly; SameSite=Strict',
  );
  expect(setCookie({ name: '__Host-s', value: '', maxAgeSeconds: -5, sameSite: 'Lax' })).toBe('__Host-s=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax');
});

test('rule 122: a deletion repeats the attributes', () => {
  expect(deleteCookie('__Host-session', 'Strict')).toBe('__Host-session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict');
});

test.each([
  { name: 'a b', value: '1' },
  { name: '', value: '1' },
  { name: 'a=b', value: '1' },
  { name: 'a', value: '1; Domain=example.com' },
  { name: 'a', value: '1\r\nSet-Cookie: b=2' },
  { name: 'a', value: 'ü' },
  { name: 'a\n', value: '1' },
])('rule 122: cannot write the cookie %j', (parts) => {
  expect(() => setCookie({ ...parts, maxAgeSeconds: 1, sameSite: 'Strict' })).toThrow('a character that cookies cannot have');
});

test('the age of a cookie is a number', () => {
  expect(() => setCookie({ name: 'a', value: '1', maxAgeSeconds: Number.NaN, sameSite: 'Strict' })).toThrow('maxAgeSeconds must be a number');
});
