import { describe, expect, test } from 'vitest';
import { claimedIssuer } from './unverified-issuer.js';

const of = (text: string) => claimedIssuer(Buffer.from(text));

describe('rule 18: reads iss before the signature is verified', () => {
  test.each([
    ['reads an iss that comes first', '{"iss":"https://a","sub":"x"}'],
    ['reads an iss that comes last, with white space', '{ "sub" : "x" ,\n "iss" : "https://a" }'],
    ['skips an iss in other members', '{"act":{"iss":"https://b","n":[{"iss":"c"}]},"x":["iss","https://d"],"iss":"https://a"}'],
    ['skips a value that looks like iss', '{"sub":"iss","x":"\\",\\"iss\\":\\"https://b","iss":"https://a"}'],
    ['skips a nested iss after a comma', '{"a":{"b":1,"iss":"https://b"},"iss":"https://a"}'],
    ['reads an iss after a string that ends in a backslash', '{"x":"\\\\","iss":"https://a"}'],
    ['skips names that only resemble iss', '{"iss2":"https://b","is":"https://c","xss":"d","ixs":"e","isx":"f","iss":"https://a"}'],
    ['reads on after a string with an escaped quotation mark', '{"x":"a\\"b","iss":"https://a"}'],
    ['skips white space of each kind', '{"iss"\t:\r\n \t"https://a"}'],
    ['reads an iss with escaped slashes', '{"iss":"https:\\/\\/a"}'],
    ['reads the first of two (the duplicate is refused later, with the claims)', '{"iss":"https://a","iss":"https://b"}'],
  ])('%s', (_where, text) => expect(of(text)).toBe('https://a'));

  test.each([
    ['there is no iss', '{"sub":"x"}'],
    ['iss is a list', '{"iss":["https://a"]}'],
    ['iss is a number', '{"iss":7}'],
    ['iss is a number, and nothing follows', '{"iss":7'],
    ['iss has no value', '{"iss":'],
    ['another character is in place of the colon', '{"iss"x"https://a"}'],
    ['a control character that is no white space comes before the value', '{"iss":\b"https://a"}'],
    ['the character after the last white space comes before the value', '{"iss":\u000e"https://a"}'],
    ['a name and a value stand in no object', '"iss":"https://a"'],
    ['the value of iss is cut off', '{"iss":"https://a'],
    ['the name is cut off', '{"iss'],
    ['the name is written with an escape', '{"\\u0069ss":"https://a"}'],
    ['the value has an invalid escape', '{"iss":"\\x"}'],
    ['the payload is a list', '["iss","https://a"]'],
    ['only a nested object has an iss, after a comma', '{"a":{"b":1,"iss":"https://a"}}'],
    ['a string only looks like a member iss', '{"x":"\\",\\"iss\\":\\"https://a\\""}'],
    ['the payload is a string', '"iss"'],
    ['the payload is empty', ''],
    ['the name has another case', '{"ISS":"https://a"}'],
    ['only a nested object has an iss', '{"a":{"iss":"https://a"}}'],
  ])('returns undefined if %s', (_what, text) => expect(of(text)).toBeUndefined());

  test('reads a value that is shorter than 4,096 characters with its colon and quotation marks', () => {
    const value = 'x'.repeat(4093);
    expect(of(`{"iss":"${value}"}`)).toBe(value);
    expect(of(`{"iss":"${value}x"}`)).toBeUndefined();
  });

  test('reads a payload of 900 names, and returns undefined for thousands of braces or quotation marks', () => {
    const many = `{${Array.from({ length: 900 }, (_, index) => `"k${index}":{}`).join(',')},"iss":"https://a"}`;
    expect(of(many)).toBe('https://a');
    expect(of('{'.repeat(12_000))).toBeUndefined();
    expect(of('"'.repeat(12_001))).toBeUndefined();
  });
});
