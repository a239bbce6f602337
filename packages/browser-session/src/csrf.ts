import type { RequestHeaders } from './browser-session.js';
import { headerOf } from './request-headers.js';

/** The header that the app's own pages send. Another site's page can send it only if CORS allows that, and a form or an image never can. */
export const CSRF_HEADER = 'x-tokenward-csrf';
const CSRF_VALUE = '1';

/** Why a request may come from another site. Fixed words for operators. */
export type CrossSiteCause = 'the header x-tokenward-csrf: 1 is missing' | 'Origin is not the origin of the app' | 'Sec-Fetch-Site is not same-origin';

/**
 * Returns why a request may come from another site; undefined if it comes from the app's own page. It holds for every method, since the session cookie
 * authenticates all of them. An old browser sends no `Sec-Fetch-Site`, and no browser sends `Origin` with each request: they count only if they are there.
 *
 * @param origin the app's own, as configured
 */
export function crossSiteCause(headers: RequestHeaders, origin: string): CrossSiteCause | undefined {
  return headerOf(headers, CSRF_HEADER) === CSRF_VALUE ? originCause(headers, origin) : 'the header x-tokenward-csrf: 1 is missing';
}

/** Does the same, but ignores the custom header. */
export function originCause(headers: RequestHeaders, origin: string): CrossSiteCause | undefined {
  const sentOrigin = headerOf(headers, 'origin');
  if (sentOrigin !== undefined && sentOrigin !== origin) return 'Origin is not the origin of the app';
  const fetchSite = headerOf(headers, 'sec-fetch-site');
  return fetchSite === undefined || fetchSite === 'same-origin' ? undefined : 'Sec-Fetch-Site is not same-origin';
}

/** A header as the app's own requests have it, and as a request has it instead. */
export interface CrossSiteHeader {
  readonly expected: string;
  readonly found: string;
}

const FETCH_SITES: ReadonlySet<string> = new Set(['same-site', 'cross-site', 'none']);

/**
 * Returns the header that tells most about where a refused request comes from. Its value is an origin, or a word of the browser's: whatever else a client
 * writes there is not repeated.
 */
export function crossSiteHeader(headers: RequestHeaders, origin: string): CrossSiteHeader {
  const sentOrigin = headerOf(headers, 'origin');
  if (sentOrigin !== undefined && sentOrigin !== origin) {
    const found = sentOrigin === 'null' ? sentOrigin : originOf(sentOrigin);
    return { expected: `Origin: ${origin}`, found: found === undefined ? 'an Origin that is no origin' : `Origin: ${found}` };
  }
  const fetchSite = headerOf(headers, 'sec-fetch-site');
  if (fetchSite !== undefined && fetchSite !== 'same-origin') {
    return { expected: 'Sec-Fetch-Site: same-origin', found: FETCH_SITES.has(fetchSite) ? `Sec-Fetch-Site: ${fetchSite}` : 'another Sec-Fetch-Site' };
  }
  return { expected: `${CSRF_HEADER}: ${CSRF_VALUE}`, found: headerOf(headers, CSRF_HEADER) === undefined ? 'no such header' : 'another value' };
}

/** Returns the origin of an http or https URL; undefined for anything else. */
export function originOf(text: string | undefined): string | undefined {
  const url = text === undefined ? null : URL.parse(text);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.origin : undefined;
}

/**
 * Returns whether another site caused a request, such as a navigation, which cannot have the custom header. `none` is an address that the user typed, or a
 * bookmark. An old browser does not say.
 */
export function isOfOtherSite(headers: RequestHeaders): boolean {
  const fetchSite = headerOf(headers, 'sec-fetch-site');
  return fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none';
}

/** Returns whether a request opens a page in a window, and not in a frame, as an image or as anything else within a page. */
export function isPageVisit(headers: RequestHeaders): boolean {
  return headerOf(headers, 'sec-fetch-mode') === 'navigate' && headerOf(headers, 'sec-fetch-dest') === 'document';
}

/**
 * Returns whether a browser loads an address ahead of a click (prefetch or prerender). Chromium then sends `Sec-Fetch-Site: none`, also if a page of another
 * site asked for it, so nobody knows who did.
 */
export function isPrefetch(headers: Headers): boolean {
  return ['sec-purpose', 'purpose', 'x-moz'].some((name) => /\b(?:prefetch|prerender|preview)\b/i.test(headers.get(name) ?? ''));
}
