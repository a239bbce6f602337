import { describe, expect, test } from 'vitest';
import { freshnessSeconds } from './freshness.js';

const DEFAULT = 600;

describe("rule 60: the server's value counts between a minute and an hour", () => {
  test.each([
    ['a time within', 'max-age=300', 300],
    ['a minute', 'max-age=60', 60],
    ['just less than a minute', 'max-age=59', 60],
    ['nothing', 'max-age=0', 60],
    ['an hour', 'max-age=3600', 3600],
    ['just more than an hour', 'max-age=3601', 3600],
    ['ten years', 'max-age=315360000', 3600],
    ['a number of twelve digits', 'max-age=999999999999', 3600],
    ['quoted', 'max-age="300"', 300],
    ['in capitals', 'Public, MAX-AGE=300', 300],
    ['among others', 'public,max-age=300 ,\tmust-revalidate', 300],
    ['twice: the first (RFC 9111 s4.2.1)', 'max-age=120, max-age=300', 120],
    ['for shared caches only: not us', 's-maxage=100, max-age=300', 300],
    ['no-store', 'no-store', 60],
    ['no-cache', 'no-cache', 60],
    ['no-store in capitals, beside a long time', 'max-age=3000, NO-STORE', 60],
    ['no-cache beside a long time', 'no-cache, max-age=3000', 60],
  ])('%s', (_name, control, expected) => {
    expect(freshnessSeconds(headers({ 'cache-control': control }), DEFAULT)).toBe(expected);
  });
});

describe('rule 60: the default applies without a usable value', () => {
  test.each([
    ['no field', undefined],
    ['an empty field', ''],
    ['no time', 'public'],
    ['an empty time', 'max-age='],
    ['a negative time', 'max-age=-1'],
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
    ['another directive that ends so', 'x-max-age=60'],
    ['no-cache for some fields only', 'no-cache="set-cookie"'],
    ['an expiry date alone', undefined],
  ])('%s', (_name, control) => {
    const said = { ...(control !== undefined && { 'cache-control': control }), expires: 'Thu, 01 Jan 2099 00:00:00 GMT' };
    expect(freshnessSeconds(headers(said), DEFAULT)).toBe(DEFAULT);
  });
});

describe("rule 60: subtracts Age from the server's value", () => {
  test.each([
    ['a part', '100', 200],
    ['nearly all', '250', 60],
    ['all', '300', 60],
    ['more than all', '999999999999', 60],
    ['nothing: it is 0', '0', 300],
    ['nothing: it is negative', '-100', 300],
    ['nothing: it is words', 'old', 300],
    ['nothing: it is a fraction', '1.5', 300],
    ['nothing: it is empty', '', 300],
    ['nothing: there are two', '10, 20', 300],
    ['nothing: it is too large', '1000000000000', 300],
  ])('%s', (_name, age, expected) => {
    expect(freshnessSeconds(headers({ 'cache-control': 'max-age=300', age }), DEFAULT)).toBe(expected);
  });

  test('before the bounds are: ten years less nine are an hour', () => {
    expect(freshnessSeconds(headers({ 'cache-control': 'max-age=315360000', age: '283824000' }), DEFAULT)).toBe(3600);
  });

  test('and off no default', () => {
    expect(freshnessSeconds(headers({ age: '100' }), DEFAULT)).toBe(DEFAULT);
  });
});

test('rule 60: a default of less than a minute lowers the lower bound to itself', () => {
  expect(freshnessSeconds(headers({ 'cache-control': 'max-age=0' }), 5)).toBe(5);
  expect(freshnessSeconds(headers({ 'cache-control': 'no-store' }), 5)).toBe(5);
  expect(freshnessSeconds(headers({ 'cache-control': 'max-age=20' }), 5)).toBe(20);
});

test('rule 60: a default of more than an hour applies without a value, and does not raise the maximum', () => {
  expect(freshnessSeconds(headers({}), 7200)).toBe(7200);
  expect(freshnessSeconds(headers({ 'cache-control': 'max-age=7200' }), 7200)).toBe(3600);
});

function headers(values: Readonly<Record<string, string>>): (name: string) => string | null {
  return (name) => values[name] ?? null;
}
