import { describe, expect, test } from 'vitest';
import { endOfString, parseJson } from './parse-json.js';

describe('rule 12: refuses a string that has no end, instead of reading it forever', () => {
  test.each([
    ['a name', '{"a\\'],
    ['a name after a member', '{"\\n":1,"a'],
    ['a value', '{"\\n":"a'],
    ['a value whose last quotation mark is escaped', '{"a":"b\\"}'],
    ['the whole text', '"\\n'],
  ])('%s', (_where, text) => {
    expect(() => parseJson(text)).toThrow(new SyntaxError('a string has no end'));
  });
});

test('rule 11: gives members whose names need escapes the attributes that JSON.parse gives', () => {
  const text = '{"a\\"b":1,"c":[{"\\\\":[],"\\n":{}}]}';
  const [parsed, expected] = [parseJson(text), JSON.parse(text)] as [{ c: object[] }, { c: object[] }];
  expect(Object.getOwnPropertyDescriptors(parsed)).toEqual(Object.getOwnPropertyDescriptors(expected));
  expect(Object.getOwnPropertyDescriptors(parsed.c[0])).toEqual(Object.getOwnPropertyDescriptors(expected.c[0]));
});

test('rule 11: reads lists next to names that need escapes as JSON.parse does', () => {
  const text = '{"\\"":[1,[2,{"\\\\":3}],null],"a":[]}';
  expect(parseJson(text)).toStrictEqual({ '"': [1, [2, { '\\': 3 }], null], a: [] });
});

test.each([
  ['the first character', '"', 0, 0],
  ['after an even number of backslashes', '"\\\\\\\\":"', 1, 5],
  ['after an odd number of backslashes it is part of the string', '"\\\\\\":"', 1, 6],
  ['none', '"\\"', 1, -1],
])('rule 12: finds the quotation mark that closes a string: %s', (_where, text, from, end) => {
  expect(endOfString(text, from)).toBe(end);
});
