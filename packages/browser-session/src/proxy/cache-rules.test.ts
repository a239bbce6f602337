import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keepPrivate } from './cache-rules.js';

const VARY = 'cookie, x-tokenward-csrf';

function kept(fields: Record<string, string>): Record<string, string> {
  const headers = new Headers(fields);
  keepPrivate(headers);
  return Object.fromEntries(headers);
}

test.each([
  ['max-age=600', 'private, max-age=600'],
  ['', 'private'],
  ['no-cache', 'private, no-cache'],
  // by RFC 9111 s3.5 it would let a shared cache keep an answer to a request with Authorization; APIs send it without that in mind
  ['max-age=600, must-revalidate', 'private, max-age=600, must-revalidate'],
  // these forms concern the named fields alone
  ['private="x-mine", max-age=600', 'private, private="x-mine", max-age=600'],
  ['no-store=x', 'private, no-store=x'],
  ['max-age=600, x="a, public, b"', 'private, max-age=600, x="a, public, b"'],
  ['x="a\\", public, b"', 'private, x="a\\", public, b"'],
  // a text in quotes that does not end
  ['max-age=600, x="public', 'private, max-age=600, x="public'],
  ['publicly, s-maxage', 'private, publicly, s-maxage'],
])('rule 194: %j of an API becomes %j', (control, expected) => {
  expect(kept({ 'cache-control': control })).toEqual({ 'cache-control': expected, vary: VARY });
});

test.each(['public, max-age=600', 'max-age=60 ,\tPUBLIC', 's-maxage=60', 'must-revalidate, S-MaxAge=0', 'no-store', 'No-Store, max-age=0'])(
  'rule 194: %j of an API stays',
  (control) => {
    const fields = { 'cache-control': control, vary: 'accept' };
    expect(kept(fields)).toEqual(fields);
  },
);

test('rule 194: an answer that is private already keeps its words, and depends on the cookie', () => {
  expect(kept({ 'cache-control': 'Private, max-age=60' })).toEqual({ 'cache-control': 'Private, max-age=60', vary: VARY });
});

test('rule 194: an answer without Cache-Control is private, whatever Expires says', () => {
  const expires = 'Fri, 31 Dec 2100 00:00:00 GMT';
  expect(kept({ expires })).toEqual({ 'cache-control': 'private', expires, vary: VARY });
});

test('rule 194: Vary names the cookie and the custom header once, and keeps its other fields', () => {
  const varyOf = (vary: string): string | undefined => kept({ 'cache-control': 'max-age=1', vary })['vary'];
  expect(['accept', 'Cookie', 'accept, COOKIE', '*'].map(varyOf)).toEqual([
    `accept, ${VARY}`,
    'Cookie, x-tokenward-csrf',
    'accept, COOKIE, x-tokenward-csrf',
    '*',
  ]);
  expect(varyOf('X-Tokenward-CSRF')).toBe('X-Tokenward-CSRF, cookie');
});

test('rule 194: public for each Authorization is not public for requests that have none', () => {
  const fields = { 'cache-control': 'public, max-age=600', vary: 'Accept, AUTHORIZATION', 'cdn-cache-control': 'public, max-age=600' };
  expect(kept(fields)).toEqual({ 'cache-control': 'private, public, max-age=600', vary: `Accept, AUTHORIZATION, ${VARY}` });
});

test('rule 194: what only shared caches read passes if the API says that the answer is for everybody', () => {
  const fields = {
    'surrogate-control': 'max-age=600',
    'x-accel-expires': '600',
    'edge-control': 'cache-maxage=600',
    'cdn-cache-control': 'max-age=600',
    'cloudflare-cdn-cache-control': 'max-age=600',
  };
  expect(kept({ ...fields, 'cache-control': 'max-age=600' })).toEqual({ 'cache-control': 'private, max-age=600', vary: VARY });
  expect(kept(fields)).toEqual({ 'cache-control': 'private', vary: VARY });
  expect(kept({ ...fields, 'cache-control': 'no-store' })).toEqual({ 'cache-control': 'no-store' });
  const forAll = { ...fields, 'cache-control': 'public, max-age=600' };
  expect(kept(forAll)).toEqual(forAll);
  // RFC 9213: such a field stands for Cache-Control at these caches
  const targeted = { 'cdn-cache-control': 'public, max-age=600' };
  expect(kept({ ...targeted, 'cache-control': 'max-age=1' })).toEqual({ ...targeted, 'cache-control': 'private, max-age=1', vary: VARY });
});

test('rule 194: whatever an API says, an answer is private, in no cache, or said to be for everybody', () => {
  const directive = fc.oneof(
    fc.constantFrom('public', 'private', 'no-store', 's-maxage=1', 'must-revalidate', 'max-age=1', 'x="', 'x=","', '"public"', 'private="a"', ' ', '\\"'),
    fc.stringMatching(/^[ -~]{0,8}$/),
  );
  fc.assert(
    fc.property(fc.array(directive, { maxLength: 6 }), (directives) => {
      const given = directives.join(',').trim();
      const control = kept({ 'cache-control': given })['cache-control']!;
      expect(control.endsWith(given)).toBe(true);
      // read without a knowledge of quotes, which may find more, but never less
      const words = control
        .toLowerCase()
        .split(',')
        .map((word) => word.trim());
      expect(words.some((word) => ['private', 'no-store', 'public'].includes(word) || word.startsWith('s-maxage='))).toBe(true);
    }),
  );
});
