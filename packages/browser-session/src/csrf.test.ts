import { expect, test } from 'vitest';
import { crossSiteCause, crossSiteHeader, isOfOtherSite, isPageVisit, isPrefetch } from './csrf.js';

const ORIGIN = 'https://app.example.com';
const OWN = { 'x-tokenward-csrf': '1' };
const HEADER = 'the header x-tokenward-csrf: 1 is missing';

test.each<[string, Record<string, string | string[] | undefined>, string | undefined]>([
  ['the header alone', OWN, undefined],
  ['all that a browser sends', { ...OWN, origin: ORIGIN, 'sec-fetch-site': 'same-origin' }, undefined],
  ['nothing', {}, HEADER],
  ['another value', { 'x-tokenward-csrf': 'true' }, HEADER],
  ['an empty value', { 'x-tokenward-csrf': '' }, HEADER],
  ['the header twice', { 'x-tokenward-csrf': ['1', '1'] }, HEADER],
  ['a matching Origin without the header', { origin: ORIGIN, 'sec-fetch-site': 'same-origin' }, HEADER],
  ['another Origin', { ...OWN, origin: 'https://evil.example' }, 'Origin is not the origin of the app'],
  ['Origin null', { ...OWN, origin: 'null' }, 'Origin is not the origin of the app'],
  ['an Origin that begins like ours', { ...OWN, origin: `${ORIGIN}.evil.example` }, 'Origin is not the origin of the app'],
  ['another scheme', { ...OWN, origin: 'http://app.example.com' }, 'Origin is not the origin of the app'],
  ['two Origins', { ...OWN, origin: [ORIGIN, 'https://evil.example'] }, 'Origin is not the origin of the app'],
  ['an empty Origin', { ...OWN, origin: '' }, 'Origin is not the origin of the app'],
  ['cross-site', { ...OWN, 'sec-fetch-site': 'cross-site' }, 'Sec-Fetch-Site is not same-origin'],
  ['a sibling domain', { ...OWN, 'sec-fetch-site': 'same-site' }, 'Sec-Fetch-Site is not same-origin'],
  ['an address that was typed', { ...OWN, 'sec-fetch-site': 'none' }, 'Sec-Fetch-Site is not same-origin'],
  ['two values', { ...OWN, 'sec-fetch-site': ['same-origin', 'cross-site'] }, 'Sec-Fetch-Site is not same-origin'],
])('rule 129: decides on a request with %s, in the headers of Node and of fetch', (_what, headers, cause) => {
  expect(crossSiteCause(headers, ORIGIN)).toBe(cause);
  const fields = Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map((one): [string, string] => [name, one]));
  expect(crossSiteCause(new Headers(fields), ORIGIN)).toBe(cause);
});

test.each<[string, Record<string, string>, string, string]>([
  ['another Origin', { origin: 'https://evil.example:8443' }, `Origin: ${ORIGIN}`, 'Origin: https://evil.example:8443'],
  ['Origin null', { origin: 'null' }, `Origin: ${ORIGIN}`, 'Origin: null'],
  ['an Origin with a password and a path', { origin: 'https://user:secret@evil.example/secret?secret' }, `Origin: ${ORIGIN}`, 'Origin: https://evil.example'],
  ['an Origin that is a token', { origin: 'eyJhbGciOiJub25lIn0.e30.secret' }, `Origin: ${ORIGIN}`, 'an Origin that is no origin'],
  ['an Origin of another kind', { origin: 'javascript:secret' }, `Origin: ${ORIGIN}`, 'an Origin that is no origin'],
  ['another site', { ...OWN, origin: ORIGIN, 'sec-fetch-site': 'same-site' }, 'Sec-Fetch-Site: same-origin', 'Sec-Fetch-Site: same-site'],
  ['any other word', { ...OWN, 'sec-fetch-site': 'secret' }, 'Sec-Fetch-Site: same-origin', 'another Sec-Fetch-Site'],
  ['no header', {}, 'x-tokenward-csrf: 1', 'no such header'],
  ['another value', { 'x-tokenward-csrf': 'secret' }, 'x-tokenward-csrf: 1', 'another value'],
])('rule 174: operators see which header a request with %s has, and which it should have', (_what, headers, expected, found) => {
  expect(crossSiteHeader(headers, ORIGIN)).toEqual({ expected, found });
});

test.each<[Record<string, string>, boolean]>([
  [{ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, true],
  [{ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }, false],
  [{ 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'document' }, false],
  [{ 'sec-fetch-dest': 'document' }, false],
  [{}, false],
])('rule 189: tells whether a request opens a page in a window: %j', (headers, expected) => {
  expect(isPageVisit(headers)).toBe(expected);
});

test.each([
  [undefined, false],
  ['same-origin', false],
  ['none', false],
  ['same-site', true],
  ['cross-site', true],
  ['same-origin, cross-site', true],
  ['', true],
])('rule 129: tells whether another site caused a navigation, by Sec-Fetch-Site: %s', (value, expected) => {
  expect(isOfOtherSite(new Headers(value === undefined ? {} : { 'sec-fetch-site': value }))).toBe(expected);
});

test.each<[Record<string, string>, boolean]>([
  [{}, false],
  [{ 'sec-purpose': 'prefetch' }, true],
  [{ 'sec-purpose': 'prefetch;prerender' }, true],
  [{ 'sec-purpose': 'prefetch;anonymous-client-ip' }, true],
  [{ purpose: 'prefetch' }, true],
  [{ 'x-moz': 'prefetch' }, true],
  [{ purpose: 'preview' }, true],
  [{ 'sec-purpose': 'something-else' }, false],
])('rule 129: tells whether a browser loads ahead of a click: %j', (headers, expected) => {
  expect(isPrefetch(new Headers(headers))).toBe(expected);
});

test('rule 129: a polluted prototype adds no header', () => {
  const prototype = Object.prototype as { 'x-tokenward-csrf'?: string };
  prototype['x-tokenward-csrf'] = '1';
  try {
    expect(crossSiteCause({}, ORIGIN)).toBe(HEADER);
  } finally {
    delete prototype['x-tokenward-csrf'];
  }
});

test('rule 129: a polluted prototype does not make the headers of Node those of fetch', () => {
  const prototype = Object.prototype as { get?: () => string };
  const [own, other, ofFetch] = [{ ...OWN }, { ...OWN, origin: 'https://evil.example' }, new Headers(OWN)];
  prototype.get = () => '1';
  const causes = [{}, own, other, ofFetch].map((headers) => crossSiteCause(headers, ORIGIN));
  delete prototype.get;
  expect(causes).toEqual([HEADER, undefined, 'Origin is not the origin of the app', undefined]);
});
