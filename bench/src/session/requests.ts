import { APP_ORIGIN } from './settings.ts';

/** How a request shows who sends it. */
export type Credentials = { readonly bearer: string } | { readonly cookie: string } | undefined;

/** Returns the text of a request as a page of the app sends it. */
export function requestText(port: number, call: 'GET /me' | 'GET /api/me' | 'POST /session/token', credentials: Credentials): string {
  const lines = [`${call} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Accept: application/json', 'User-Agent: bench', 'Sec-Fetch-Site: same-origin'];
  if (call.startsWith('POST')) lines.push(`Origin: ${APP_ORIGIN}`, 'Content-Length: 0');
  if (credentials && 'bearer' in credentials) lines.push(`Authorization: Bearer ${credentials.bearer}`);
  else if (credentials) lines.push('x-tokenward-csrf: 1', `Cookie: ${credentials.cookie}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
