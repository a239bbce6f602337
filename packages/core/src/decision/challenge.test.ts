import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { challengeLine, type Challenge } from './challenge.js';

fc.configureGlobal({ seed: 104, numRuns: 1_500 });

test('rule 104: a challenge has a realm and every other known parameter, all in quotes', () => {
  expect(challengeLine('Bearer', { realm: 'api' })).toBe('Bearer realm="api"');
  expect(challengeLine('Bearer', { realm: '' })).toBe('Bearer realm=""');
  expect(
    challengeLine('Bearer', {
      realm: 'api',
      error: 'insufficient_scope',
      errorDescription: 'It lacks something',
      scope: 'orders:read orders:write',
      acrValues: 'gold silver',
      maxAge: 300,
      resourceMetadata: 'https://api.example.com/.well-known/oauth-protected-resource',
    }),
  ).toBe(
    'Bearer realm="api", error="insufficient_scope", error_description="It lacks something", scope="orders:read orders:write", ' +
      'acr_values="gold silver", max_age="300", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"',
  );
});

test('rule 103: a challenge includes a max_age of 0', () => {
  expect(challengeLine('Bearer', { realm: 'api', maxAge: 0 })).toBe('Bearer realm="api", max_age="0"');
});

test('rule 109: a DPoP challenge names the algorithms of proofs', () => {
  expect(challengeLine('DPoP', { realm: 'api', algorithms: 'ES256 RS256' })).toBe('DPoP realm="api", algs="ES256 RS256"');
});

describe('rule 104: no value breaks out of its quotes', () => {
  test.each([
    ['a quotation mark', 'a", error="b', String.raw`a\", error=\"b`],
    ['a backslash at the end', 'a\\', String.raw`a\\`],
    ['an escaped quotation mark', String.raw`a\"b`, String.raw`a\\\"b`],
    ['a line break and a header', 'a\r\nset-cookie: b=c', 'aset-cookie: b=c'],
    ['a line feed', 'a\nb', 'ab'],
    ['a NUL, a TAB, a DEL', 'a\0b\tc\x7fd', 'abcd'],
    ['letters beyond ASCII', 'caf\u00e9 \u{1f512}', 'caf '],
    ['a line separator', 'a\u2028b\u0085c', 'abc'],
    ['letters whose low byte is a line break', 'a\u010d\u010ab', 'ab'],
  ])('escapes or removes %s', (_name, realm, expected) => {
    expect(challengeLine('Bearer', { realm })).toBe(`Bearer realm="${expected}"`);
  });

  test('a strict parser reads the printable characters of every field', () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom(...'"\\, =\r\n\t\0\x7f\u00e9\u010d'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })) });
    const optional = fc.option(text, { nil: undefined });
    const challenge: fc.Arbitrary<Challenge> = fc.record({
      realm: text,
      error: optional,
      errorDescription: optional,
      scope: optional,
      acrValues: optional,
      maxAge: fc.option(fc.nat(), { nil: undefined }),
      algorithms: optional,
      resourceMetadata: optional,
    });
    fc.assert(
      fc.property(challenge, (given) => {
        const line = challengeLine('Bearer', given);
        expect(line).toMatch(/^[\x20-\x7e]*$/);
        expect(readChallenge(line)).toEqual(printable(given));
      }),
    );
  });
});

const NAMES = {
  realm: 'realm',
  algorithms: 'algs',
  error: 'error',
  errorDescription: 'error_description',
  scope: 'scope',
  acrValues: 'acr_values',
  maxAge: 'max_age',
  resourceMetadata: 'resource_metadata',
} as const satisfies Record<keyof Challenge, string>;

function printable(challenge: Challenge): Record<string, string> {
  const entries = Object.entries(challenge).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [NAMES[name as keyof Challenge], [...String(value)].filter((c) => c >= ' ' && c <= '~').join('')]));
}

/** Parses a challenge as in RFC 9110 s11.6.1, and throws for any deviation. */
function readChallenge(line: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  let at = take(line, 0, 'Bearer ');
  for (;;) {
    const start = at;
    while (/[a-z_]/.test(line[at] ?? '')) at++;
    const name = line.slice(start, at);
    if (name === '' || name in parameters) throw new Error(`a missing or duplicated name at ${start} of ${line}`);
    at = take(line, at, '="');
    let value = '';
    for (; line[at] !== '"'; at++) {
      if (at >= line.length) throw new Error(`no end of ${name} in ${line}`);
      if (line[at] === '\\') at++;
      value += line[at];
    }
    parameters[name] = value;
    at++;
    if (at === line.length) return parameters;
    at = take(line, at, ', ');
  }
}

function take(line: string, at: number, expected: string): number {
  if (!line.startsWith(expected, at)) throw new Error(`no ${JSON.stringify(expected)} at ${at} of ${line}`);
  return at + expected.length;
}
