import { didYouMean } from './did-you-mean.js';
import { isMisleadingPath } from './misleading-path.js';
import { shown } from './shown-option.js';
import { withoutTokens } from './token-shapes.js';

/**
 * Returns why nothing may be fetched from a URL, in words that follow its name, or undefined if it is valid.
 *
 * @param unsafeHttpHosts the hosts besides loopback for which plain http is accepted; undefined if there is no option for them
 */
export function urlProblem(text: string, unsafeHttpHosts?: ReadonlySet<string>): string | undefined {
  const url = URL.parse(text);
  if (!url) return 'is not an absolute URL';
  // eslint-disable-next-line no-control-regex -- URL.parse removes some of them
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return 'contains white space or control characters. Remove them';
  if (url.username || url.password) return 'contains a user name or password. Remove them';
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && unsafeHttpHosts?.has(url.hostname) !== true) return httpProblem(url.hostname, unsafeHttpHosts);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    const scheme = url.protocol.slice(0, -1);
    return isHostBeforePort(url)
      ? `has no scheme. Write ${isLoopback(scheme) ? 'http' : 'https'}:// before "${scheme}"`
      : `must use https (${schemeOf(scheme)})`;
  }
  return isAmbiguous(text) ? 'has a backslash or a dot segment in its path, so programs may read it differently. Write the final address' : undefined;
}

/** The text before a colon may be anything, even a user name or a secret. */
function schemeOf(scheme: string): string {
  return SCHEMES.includes(scheme) || didYouMean(scheme, SCHEMES) !== '' ? `its scheme is "${scheme}"` : 'it has another scheme';
}

/** `localhost:3000`, which a URL parser takes for a scheme and a path. */
function isHostBeforePort({ protocol, pathname }: URL): boolean {
  return HOST_BEFORE_PORT.test(protocol.slice(0, -1)) && /^\d{1,5}(?:\/|$)/.test(pathname);
}

const HOST_BEFORE_PORT = /^(?:localhost|[a-z]{1,20}\d{0,2}(?:[.-][a-z]{1,20}\d{0,2})*\.[a-z]{2,20})$/;
const SCHEMES: readonly string[] = 'https ftp ftps file ws wss data blob ldap ldaps urn javascript mailto unix redis rediss'.split(' ');

function httpProblem(hostname: string, unsafeHttpHosts: ReadonlySet<string> | undefined): string {
  const remedy = unsafeHttpHosts ? `Use https, or list the host "${printable(hostname)}" in unsafeHttpHosts` : 'Only loopback addresses may use http';
  return `must use https, since anybody on the network path can forge answers over http. ${remedy}`;
}

/** Whether a URL parser or a server may read the path as another one, so that the beginning of the URL does not say where it leads. */
function isAmbiguous(text: string): boolean {
  const [path] = text.split(/[?#]/, 1) as [string];
  return /\\|%(?:25)*5c/i.test(path) || isMisleadingPath(path.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, ''));
}

/** Returns why a URL is not its canonical spelling, or undefined. Issuers are compared exactly, so each may have one spelling only. */
export function canonicalProblem(text: string): string | undefined {
  const { href } = new URL(text);
  return href === text || href === `${text}/` ? undefined : `is not the canonical form of the URL. Write ${shown(href, 'url')}`;
}

/** Returns why a text cannot identify an issuer from which nothing is fetched, or undefined. It may be any StringOrURI (RFC 7519 s2). */
export function identifierProblem(text: string): string | undefined {
  if (text.length > 1024) return 'has more than 1024 characters';
  if (!/^[\x21-\x7e]+$/.test(text)) return 'contains white space, or characters that are not printable ASCII';
  return /^https?:/i.test(text) && isAmbiguous(text) ? 'has a backslash or a dot segment in its path, which no issuer has' : undefined;
}

/** Whether a host is loopback. Names under `localhost` are (RFC 6761 s6.3), whatever a name server says. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || isUnderLocalhost(hostname) || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}

export function isUnderLocalhost(hostname: string): boolean {
  return hostname.endsWith('.localhost');
}

/** Whether only an issuer's metadata names the host of a URL, so that it must have a public address. The metadata of an issuer on loopback may name any. */
export function leadsToOtherHost(url: string, { issuer, metadataUrl }: { readonly issuer: string; readonly metadataUrl?: string | undefined }): boolean {
  const { hostname } = new URL(url);
  // nothing is fetched from an issuer that is not a URL
  const own = URL.parse(issuer)?.hostname;
  const asked = metadataUrl === undefined ? own : new URL(metadataUrl).hostname;
  return hostname !== own && hostname !== asked && (asked === undefined || !isLoopback(asked));
}

/** Returns a URL for a message, without its query, which may be a secret. */
export function printableUrl(text: string): string {
  const url = URL.parse(text);
  if (!url) return printable(text);
  const { protocol, host, pathname } = url;
  // `origin` is "null" unless the scheme is one of the web
  return printable(`${protocol}${host === '' ? '' : `//${host}`}${pathname}`);
}

/** Returns another party's text for a message: at most `maxLength` characters of printable ASCII, without tokens. */
export function printable(text: string, maxLength = 200): string {
  const clean = withoutTokens(text.slice(0, MAX_EXAMINED))
    .slice(0, maxLength)
    .replace(/[^\x20-\x7e]+/g, ' ');
  return text.length > maxLength && clean.length >= maxLength ? `${clean}...` : clean;
}

const MAX_EXAMINED = 16_384;
