/** What is wrong with a URL that is to be fetched from, in words that follow its name; undefined when nothing is. */
export function urlProblem(text: string): string | undefined {
  const url = URL.parse(text);
  if (!url) return 'is not an absolute URL';
  if (/\s/.test(text)) return 'holds white space';
  if (url.username || url.password) return 'holds a user name or password: remove them';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return `has the scheme "${url.protocol.slice(0, -1)}": https is needed`;
  return isLoopback(url.hostname) ? undefined : 'is http, which anybody on the way can forge: https is needed (http passes for loopback addresses only)';
}

export function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}
