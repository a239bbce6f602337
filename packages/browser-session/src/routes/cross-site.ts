import { debuglog } from 'node:util';
import { printable } from '@tokenward/core/store';
import { crossSiteCause, crossSiteHeader, originCause, type CrossSiteHeader } from '../csrf.js';
import { crossSiteAnswer } from './answers.js';

// where guards print their refusals
const debug = debuglog('tokenward');

/**
 * Refuses a request that may come from another site; undefined if it comes from the app's own page. It does not look at the cookie, so the answer is the same
 * whether or not somebody is logged in. With `NODE_DEBUG=tokenward`, operators see which header was expected and what was there instead.
 */
export function crossSiteRefusal({ method, url, headers }: Request, origin: string): Response | undefined {
  const cause = crossSiteCause(headers, origin);
  if (cause === undefined) return undefined;
  if (debug.enabled) print(method, new URL(url).pathname, cause, crossSiteHeader(headers, origin));
  return crossSiteAnswer();
}

/** Returns whether the handshake of a WebSocket may come from another site. Pages cannot send the custom header with it, and every browser sends `Origin`. */
export function isCrossSiteUpgrade(target: string, headers: Headers, origin: string): boolean {
  const hasOrigin = headers.has('origin');
  const cause = hasOrigin ? originCause(headers, origin) : 'Origin is missing';
  if (cause === undefined) return false;
  const header = hasOrigin ? crossSiteHeader(headers, origin) : { expected: `Origin: ${origin}`, found: 'no such header' };
  if (debug.enabled) print('GET', target.split('?', 1)[0]!, cause, header);
  return true;
}

function print(method: string, path: string, cause: string, { expected, found }: CrossSiteHeader): void {
  debug('%s', `${method} ${printable(path)} -> 403 cross_site_request: ${cause}. Expected: ${expected}. Found: ${printable(found)}.`);
}
