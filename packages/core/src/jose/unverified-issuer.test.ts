import { describe, expect, test } from 'vitest';
import { claimedIssuer } from './unverified-issuer.js';

const of = (text: string) => claimedIssuer(Buffer.from(text));

describe('rule 18: reads iss before the signature is verified', () => {
  test.each([
    ['first', '{"iss":"https://a","sub":"x"}'],
    ['last, among white space', '{ "sub" : "x" ,\n "iss" : "https://a" }'],
    ['behind members that hold others', '{"act":{"iss":"https://b","n":[{"iss":"c"}]},"x":["iss","https://d"],"iss":"https://a"}'],
    ['behind a value that looks like it', '{"sub":"iss","x":"\\",\\"iss\\":\\"https://b","iss":"https://a"}'],
    ['behind one that stands deeper, after a comma', '{"a":{"b":1,"iss":"https://b"},"iss":"https://a"}'],
    ['behind a text that ends in a backslash', '{"x":"\\\\","iss":"https://a"}'],
    ['behind a longer name that begins alike', '{"iss2":"https://b","is":"https://c","iss":"https://a"}'],
    ['with escapes that some writers make', '{"iss":"https:\\/\\/a"}'],
    ['the first of two: the claims are refused when they are read', '{"iss":"https://a","iss":"https://b"}'],
  ])('%s', (_where, text) => expect(of(text)).toBe('https://a'));

  test.each([
    ['no such member', '{"sub":"x"}'],
    ['no string', '{"iss":["https://a"]}'],
    ['a number', '{"iss":7}'],
    ['nothing behind it', '{"iss":'],
    ['an open string', '{"iss":"https://a'],
    ['an open name', '{"iss'],
    ['a name in escapes', '{"\\u0069ss":"https://a"}'],
    ['a bad escape', '{"iss":"\\x"}'],
    ['a list', '["iss","https://a"]'],
    ['one that stands deeper, after a comma', '{"a":{"b":1,"iss":"https://a"}}'],
    ['an escaped quote before it, within one text', '{"x":"\\",\\"iss\\":\\"https://a\\""}'],
    ['a string', '"iss"'],
    ['nothing', ''],
    ['another case', '{"ISS":"https://a"}'],
    ['only deeper', '{"a":{"iss":"https://a"}}'],
  ])('none where there is %s', (_what, text) => expect(of(text)).toBeUndefined());

  test('a payload of nothing but names costs a look over it', () => {
    const many = `{${Array.from({ length: 900 }, (_, index) => `"k${index}":{}`).join(',')},"iss":"https://a"}`;
    expect(of(many)).toBe('https://a');
    expect(of('{'.repeat(12_000))).toBeUndefined();
    expect(of('"'.repeat(12_001))).toBeUndefined();
  });
});
