import { describe, expect, test } from 'vitest';
import { freshnessSeconds } from './freshness.js';

const DEFAULT = 600;

describe("rule 60: uses the server's max-age, but at least a minute and at most an hour", () => {
  test.each([
    ['max-age within the bounds', 'max-age=300', 300],
    ['max-age of a minute', 'max-age=60', 60],
    ['max-age one second below a minute', 'max-age=59', 60],
    ['max-age of 0', 'max-age=0', 60],
    ['max-age of an hour', 'max-age=3600', 3600],
    ['max-age one second above an hour', 'max-age=3601', 3600],
    ['max-age of ten years', 'max-age=315360000', 3600],
    ['max-age of twelve digits', 'max-age=999999999999', 3600],
    ['max-age in quotes', 'max-age="300"', 300],
    ['max-age in capitals', 'Public, MAX-AGE=300', 300],
    ['max-age among other directives', 'public,max-age=300 ,\tmust-revalidate', 300],
    ['the first of two max-age directives (RFC 9111 s4.2.1)', 'max-age=120, max-age=300', 120],
    ['max-age instead of s-maxage, which is for shared caches', 's-maxage=100, max-age=300', 300],
    ['no-store as a minute', 'no-store', 60],
    ['no-cache as a minute', 'no-cache', 60],
    ['no-store in capitals rather than a long max-age', 'max-age=3000, NO-STORE', 60],
    ['no-cache rather than a long max-age', 'no-cache, max-age=3000', 60],
  ])('uses %s', (_name, control, expected) => {
    expect(freshnessSeconds(headers({ 'cache-control': control }), DEFAULT)).toBe(expected);
  });
});

describe('rule 60: uses the default if the server sends no usable value', () => {
  test.each([
    ['no Cache-Control header', undefined],
    ['an empty header', ''],
    ['no max-age', 'public'],
    ['an empty max-age', 'max-age='],
    ['a negative max-age', 'max-age=-1'],
    ['a fraction', 'max-age=1.5'],
    ['an exponent', 'max-age=1e9'],
    ['hexadecimal', 'max-age=0x10'],
    ['words', 'max-age=forever'],
    ['Infinity', 'max-age=Infinity'],
    ['a sign', 'max-age=+60'],
    ['a number of thirteen digits', 'max-age=1000000000000'],
    ['a number of a thousand digits', `max-age=${'9'.repeat(1000)}`],
    ['digits of another script', 'max-age=\u0661\u0662\u0663'],
    ['spaces around the equals sign', 'max-age = 60'],
    ['garbage', '\0\u{1f600};;;==,,"'],
    ['a directive whose name only ends in max-age', 'x-max-age=60'],
    ['no-cache for some fields only', 'no-cache="set-cookie"'],
    ['only an Expires header', undefined],
  ])('uses the default for %s', (_name, control) => {
    const values = { ...(control !== undefined && { 'cache-control': control }), expires: 'Thu, 01 Jan 2099 00:00:00 GMT' };
    expect(freshnessSeconds(headers(values), DEFAULT)).toBe(DEFAULT);
  });
});

describe("rule 60: subtracts the Age header from the server's max-age", () => {
  test.each([
    ['an Age below max-age', '100', 200],
    ['an Age that leaves less than a minute', '250', 60],
    ['an Age equal to max-age', '300', 60],
    ['an Age above max-age', '999999999999', 60],
    ['an Age of 0', '0', 300],
    ['nothing if Age is negative', '-100', 300],
    ['nothing if Age is a word', 'old', 300],
    ['nothing if Age is a fraction', '1.5', 300],
    ['nothing if Age is empty', '', 300],
    ['nothing if there are two Ages', '10, 20', 300],
    ['nothing if Age is too large', '1000000000000', 300],
  ])('subtracts %s', (_name, age, expected) => {
    expect(freshnessSeconds(headers({ 'cache-control': 'max-age=300', age }), DEFAULT)).toBe(expected);
  });

  test('subtracts Age before it applies the bounds: ten years minus nine years gives an hour', () => {
    expect(freshnessSeconds(headers({ 'cache-control': 'max-age=315360000', age: '283824000' }), DEFAULT)).toBe(3600);
  });

  test('does not subtract Age from the default', () => {
    expect(freshnessSeconds(headers({ age: '100' }), DEFAULT)).toBe(DEFAULT);
  });
});

test('rule 60: a default of less than a minute is also the minimum', () => {
  expect(freshnessSeconds(headers({ 'cache-control': 'max-age=0' }), 5)).toBe(5);
  expect(freshnessSeconds(headers({ 'cache-control': 'no-store' }), 5)).toBe(5);
  expect(freshnessSeconds(headers({ 'cache-control': 'max-age=20' }), 5)).toBe(20);
});

test('rule 60: a default of more than an hour applies if the server sends no value, and does not raise the maximum', () => {
  expect(freshnessSeconds(headers({}), 7200)).toBe(7200);
  expect(freshnessSeconds(headers({ 'cache-control': 'max-age=7200' }), 7200)).toBe(3600);
});

function headers(values: Readonly<Record<string, string>>): (name: string) => string | null {
  return (name) => values[name] ?? null;
}
