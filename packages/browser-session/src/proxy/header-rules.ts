import { keepNowhere, keepPrivate } from './cache-rules.js';
import type { ProxyConfig } from './proxy-options.js';
import { HOP_BY_HOP, isNeverSent, isTrustedElsewhere } from './withheld-headers.js';

/** Headers that the API must not set for this app's origin. */
const NOT_ANSWERED = new Set<string>([
  ...HOP_BY_HOP,
  'accept-ch',
  'alt-svc',
  'clear-site-data',
  'nel',
  'origin-agent-cluster',
  'refresh',
  'report-to',
  'reporting-endpoints',
  // sessions that browsers bind to a device
  'sec-session-registration',
  'secure-session-registration',
  'service-worker-allowed',
  'set-login',
  'strict-transport-security',
  'use-as-dictionary',
  // a web server in front of this app would send a file instead of the answer
  'x-accel-redirect',
  'x-sendfile',
]);

/** What the proxy itself tells the API. */
export interface OwnHeaders {
  readonly accessToken: string;
  /** The app's own origin. */
  readonly origin: string;
  readonly mountPath: string;
  readonly clientAddress: string | undefined;
}

/**
 * Returns the headers for the API.
 *
 * @param fields those of `Headers`: each name once, in lower case
 */
export function apiHeaders(
  fields: Iterable<readonly [string, string]>,
  own: OwnHeaders,
  { forwardedHeaders, unsafeHeaders }: Pick<ProxyConfig, 'forwardedHeaders' | 'unsafeHeaders'>,
): Record<string, string> {
  // a Map first, since a client chooses the names: `__proto__` is a name like any other
  const sent = new Map(fields);
  const named = connectionNames(sent.get('connection'));
  for (const name of sent.keys()) if (isNeverSent(name) || (isTrustedElsewhere(name) && !unsafeHeaders.has(name)) || named.has(name)) sent.delete(name);
  sent.set('authorization', `Bearer ${own.accessToken}`);
  if (forwardedHeaders) {
    const { host, protocol } = new URL(own.origin);
    sent.set('x-forwarded-host', host).set('x-forwarded-proto', protocol.slice(0, -1));
    if (own.mountPath !== '') sent.set('x-forwarded-prefix', own.mountPath);
    if (own.clientAddress !== undefined) sent.set('x-forwarded-for', own.clientAddress);
  }
  return Object.fromEntries(sent);
}

/**
 * Returns the headers for the browser.
 *
 * @param raw alternating names and values, as the API sent them
 * @param setCookies of the session
 */
export function browserHeaders(raw: readonly string[], setCookies: readonly string[], { passSetCookie }: Pick<ProxyConfig, 'passSetCookie'>): Headers {
  const lines = Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at]!.toLowerCase(), raw[2 * at + 1]!] as const);
  const named = connectionNames(lines.flatMap(([name, value]) => (name === 'connection' ? [value] : [])).join());
  const headers = new Headers();
  for (const [name, value] of lines) {
    if (NOT_ANSWERED.has(name) || named.has(name) || name.startsWith('access-control-')) continue;
    if ((name === 'set-cookie' && !(passSetCookie && mayPass(value))) || name === 'set-cookie2') continue;
    headers.append(name, value);
  }
  for (const line of setCookies) headers.append('set-cookie', line);
  // no cache may hand out a session's cookie
  if (setCookies.length > 0) keepNowhere(headers);
  else keepPrivate(headers);
  return headers;
}

/** Cookies with this prefix are the app's own: its session is among them. A browser sends `=__Host-a=b`, which has no name, as if that were its name. */
function mayPass(setCookie: string): boolean {
  return !/^[\s=]*__host-/i.test(setCookie);
}

/** Returns the fields that a `Connection` header names. They concern this connection only. */
function connectionNames(connection: string | undefined): ReadonlySet<string> {
  return new Set((connection ?? '').split(',').map((name) => name.trim().toLowerCase()));
}
