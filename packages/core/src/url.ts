/** What is wrong with a URL that is to be fetched from, in words that follow its name; undefined when nothing is. */
export function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return 'is not an absolute URL';
  // eslint-disable-next-line no-control-regex -- they are what must not be there
  if (/[\s\u0000-\u001f\u007f]/.test(text)) return 'holds white space or control characters';
  if (url.username || url.password) return 'holds a user name or password: remove them';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return `has the scheme "${printable(url.protocol.slice(0, -1), 40)}": https is needed`;
  return isLoopback(url.hostname) ? undefined : 'is http, which anybody on the way can forge: https is needed (http passes for loopback addresses only)';
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}

/** Whether only an issuer's metadata vouches for a URL's host, so that it must be a public one. An issuer on loopback is at home there. */
export function leadsElsewhere(url: string, issuer: string): boolean {
  const own = new URL(issuer).hostname;
  return new URL(url).hostname !== own && !isLoopback(own);
}

/** A URL for a message: where it leads, without its query, which may be a secret. */
export function printableUrl(text: string): string {
  const url = URL.parse(text);
  return printable(url ? `${url.origin}${url.pathname}` : text);
}

/** Somebody else's words for a message: bounded, and nothing but printable ASCII. */
export function printable(text: string, most = 200): string {
  const clean = text.slice(0, most).replace(/[^\x20-\x7e]+/g, ' ');
  return text.length > most ? `${clean}...` : clean;
}
