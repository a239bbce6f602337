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
  if (headerOf(headers, CSRF_HEADER) !== CSRF_VALUE) return 'the header x-tokenward-csrf: 1 is missing';
  const sentOrigin = headerOf(headers, 'origin');
  if (sentOrigin !== undefined && sentOrigin !== origin) return 'Origin is not the origin of the app';
  const fetchSite = headerOf(headers, 'sec-fetch-site');
  return fetchSite === undefined || fetchSite === 'same-origin' ? undefined : 'Sec-Fetch-Site is not same-origin';
}

/**
 * Returns whether another site caused a request, such as a navigation, which cannot have the custom header. `none` is an address that the user typed, or a
 * bookmark. An old browser does not say.
 */
export function isOfOtherSite(headers: Headers): boolean {
  const fetchSite = headers.get('sec-fetch-site');
  return fetchSite !== null && fetchSite !== 'same-origin' && fetchSite !== 'none';
}

/**
 * Returns whether a browser loads an address ahead of a click (prefetch or prerender). Chromium then sends `Sec-Fetch-Site: none`, also if a page of another
 * site asked for it, so nobody knows who did.
 */
export function isPrefetch(headers: Headers): boolean {
  return ['sec-purpose', 'purpose', 'x-moz'].some((name) => /\b(?:prefetch|prerender|preview)\b/i.test(headers.get(name) ?? ''));
}
