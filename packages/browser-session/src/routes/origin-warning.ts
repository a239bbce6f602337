import { printableUrl } from '@tokenward/core/store';
import type { RequestHeaders } from '../browser-session.js';
import type { SessionConfig } from '../config.js';
import { originOf } from '../csrf.js';
import { headerOf } from '../request-headers.js';
import type { RouteContext } from './route-context.js';

/**
 * Warns, once, if the browser sees this app under another origin than the configured one. A login would end in a loop or in an error, since the callback goes
 * to the configured origin, where this browser has no cookie of the attempt; and calls would be refused as those of another site.
 */
export function warnAboutOrigin(headers: RequestHeaders, { origin }: Pick<SessionConfig, 'origin'>, warn: RouteContext['warn']): void {
  // a request that the app's own page caused names the origin that the browser sees
  const isOwn = headerOf(headers, 'sec-fetch-site') === 'same-origin';
  const referer = originOf(headerOf(headers, 'referer'));
  const seen = isOwn ? (originOf(headerOf(headers, 'origin')) ?? referer) : undefined;
  if (seen !== undefined && seen !== origin)
    return warn(
      `tokenward: browsers see this app at ${printableUrl(seen)}, but the option origin is ${origin}. Set origin to the address that browsers use`,
      'another origin',
    );
  if (!origin.startsWith('https:')) return undefined;
  const isSaid = headerOf(headers, 'x-forwarded-proto') === 'http';
  // over http, browsers send no Sec-Fetch-Site
  if (isSaid || (headerOf(headers, 'sec-fetch-site') === undefined && referer === `http:${origin.slice('https:'.length)}`))
    warn(
      `tokenward: a browser came over http, as ${isSaid ? 'x-forwarded-proto of the proxy' : 'its Referer'} says, but the option origin is ${origin}. Redirect http to https at the proxy, since browsers keep no session over http`,
    );
  return undefined;
}
