import { printableUrl } from '@tokenward/core/store';
import type { RouteContext } from './route-context.js';

/**
 * Warns, once, if the browser sees this app under another origin than the configured one. The login would end in a loop or in an error, since the callback goes
 * to the configured origin, where this browser has no cookie of the attempt.
 */
export function warnAboutOrigin({ headers }: Request, { config, warn }: Pick<RouteContext, 'config' | 'warn'>): void {
  // a request that the app's own page caused names the origin that the browser sees
  const isOwn = headers.get('sec-fetch-site') === 'same-origin';
  const seen = originOf(headers.get('origin')) ?? (isOwn ? originOf(headers.get('referer')) : undefined);
  if (seen !== undefined && seen !== config.origin && isOwn)
    warn(
      `tokenward: browsers see this app at ${printableUrl(seen)}, but the option origin is ${config.origin}. Set origin to the address that browsers use`,
      'another origin',
    );
  if (config.origin.startsWith('https:') && headers.get('x-forwarded-proto') === 'http')
    warn(
      `tokenward: the proxy says that a browser came over http (x-forwarded-proto), but the option origin is ${config.origin}. Redirect http to https at the proxy, or let it pass the scheme on`,
    );
}

function originOf(text: string | null): string | undefined {
  const url = text === null ? null : URL.parse(text);
  return url?.protocol === 'https:' || url?.protocol === 'http:' ? url.origin : undefined;
}
