import { didYouMean } from './did-you-mean.js';
import { isMisleadingPath } from './misleading-path.js';
import { shown } from './shown-option.js';
import { withoutTokens } from './token-shapes.js';

/**
 * What is wrong with a URL that is to be fetched from, in words that follow its name; undefined when nothing is.
 *
 * @param unsafeHttpHosts the hosts that may be asked over plain http, beside loopback; undefined: there is no option for it here
 */
export function urlProblem(text: string, unsafeHttpHosts?: ReadonlySet<string>): string | undefined {
  const url = URL.parse(text);
  if (!url) return 'is not an absolute URL';
  // eslint-disable-next-line no-control-regex -- they are what must not be there
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return 'holds white space or control characters';
  if (url.username || url.password) return 'holds a user name or password: remove them';
  if (url.protocol === 'http:' && !isLoopback(url.hostname) && unsafeHttpHosts?.has(url.hostname) !== true) return httpProblem(url.hostname, unsafeHttpHosts);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return `${schemeOf(url)}: https is needed`;
  return leadsAstray(text)
    ? 'has a backslash or a segment of dots in its path, so it leads elsewhere than it says: write the address that is meant'
    : undefined;
}

/** What stands before a colon may be anything, also a user name or a secret. */
function schemeOf({ protocol }: URL): string {
  const scheme = protocol.slice(0, -1);
  return SCHEMES.includes(scheme) || didYouMean(scheme, SCHEMES) !== '' || HOST_BEFORE_PORT.test(scheme)
    ? `has the scheme "${scheme}"`
    : 'has another scheme than https';
}

/** `localhost:3000` without a scheme. */
const HOST_BEFORE_PORT = /^(?:localhost|[a-z]{1,20}\d{0,2}(?:[.-][a-z]{1,20}\d{0,2})*\.[a-z]{2,20})$/;
const SCHEMES: readonly string[] = 'https ftp ftps file ws wss data blob ldap ldaps urn javascript mailto unix redis rediss'.split(' ');

function httpProblem(hostname: string, unsafeHttpHosts: ReadonlySet<string> | undefined): string {
  const remedy = unsafeHttpHosts
    ? `use https, or list the host "${printable(hostname)}" in unsafeHttpHosts`
    : 'https is needed (http passes for loopback addresses only)';
  return `is http, which anybody on the way can forge: ${remedy}`;
}

/** Whether a URL's parser, or whoever answers, may take its path for another than is written, so that a look at its beginning says nothing. */
function leadsAstray(text: string): boolean {
  const [path] = text.split(/[?#]/, 1) as [string];
  return /\\|%(?:25)*5c/i.test(path) || isMisleadingPath(path.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, ''));
}

/** What is wrong with an issuer that is to be fetched from: there is one spelling of each, since it is compared to the letter. */
export function canonicalProblem(text: string): string | undefined {
  const { href } = new URL(text);
  return href === text || href === `${text}/` ? undefined : `is not the canonical form of its URL, which is ${shown(href, 'url')}`;
}

/**
 * What is wrong with an identifier that is only compared, since nothing is fetched from it: RFC 7519's StringOrURI.
 */
export function identifierProblem(text: string): string | undefined {
  if (text.length > 1024) return 'has more than 1024 characters';
  if (!/^[\x21-\x7e]+$/.test(text)) return 'holds white space, or characters that are not printable ASCII';
  return isMisleading(text) ? 'has a backslash or a segment of dots in its path, which no issuer has' : undefined;
}

/** Whether a text is a web address whose path leads elsewhere than it says. */
function isMisleading(text: string): boolean {
  return /^https?:/i.test(text) && leadsAstray(text);
}

/** RFC 6761 s6.3: names under `localhost` are loopback too, and are connected to as such, whatever a name server says. */
export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || isUnderLocalhost(hostname) || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}

export function isUnderLocalhost(hostname: string): boolean {
  return hostname.endsWith('.localhost');
}

/** Whether only an issuer's metadata vouches for a URL's host, so that it must be a public one. An issuer on loopback is at home there. */
export function leadsElsewhere(url: string, { issuer, metadataUrl }: { readonly issuer: string; readonly metadataUrl?: string | undefined }): boolean {
  const { hostname } = new URL(url);
  // an issuer that is no URL is fetched from elsewhere
  const own = URL.parse(issuer)?.hostname;
  const asked = metadataUrl === undefined ? own : new URL(metadataUrl).hostname;
  return hostname !== own && hostname !== asked && (asked === undefined || !isLoopback(asked));
}

/** A URL for a message: where it leads, without its query, which may be a secret. */
export function printableUrl(text: string): string {
  const url = URL.parse(text);
  return printable(url ? `${url.origin}${url.pathname}` : text);
}

/** Somebody else's words for a message: bounded, nothing but printable ASCII, and no token. */
export function printable(text: string, most = 200): string {
  const clean = withoutTokens(text.slice(0, MOST_LOOKED_AT))
    .slice(0, most)
    .replace(/[^\x20-\x7e]+/g, ' ');
  return text.length > most && clean.length >= most ? `${clean}...` : clean;
}

const MOST_LOOKED_AT = 16_384;
