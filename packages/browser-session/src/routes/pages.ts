import { createHash } from 'node:crypto';
import { ownMembers } from './own-members.js';

const STYLE =
  ':root{color-scheme:light dark}body{font:1.0625rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto 0;padding:0 1.5rem}a{display:inline-block;margin-top:.75rem}';
let policy: string | undefined;

/**
 * Headers of a page to which another site may have opened a window: that site loses the window. It could otherwise count what the user does next, and lead the
 * window away after the login.
 */
export const OTHER_SITE_HEADERS: Readonly<Record<string, string>> = Object.freeze({ 'cross-origin-opener-policy': 'same-origin' });

/** What a page shows. All texts are fixed: nothing of a request is among them, except the address of the link. */
export interface PageParts {
  readonly status: number;
  readonly title: string;
  /** One sentence, or two. */
  readonly text: string;
  readonly link?: { readonly href: string; readonly text: string } | undefined;
  readonly setCookies?: readonly string[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Returns a page with a sentence and a link. It runs no script, loads nothing, and is in no frame and no cache. */
export function page(parts: PageParts): Response {
  const { status, title, text, link, setCookies = [], headers = {} } = ownMembers(parts);
  const anchor = link ? `<p><a href="${escaped(link.href)}">${escaped(link.text)}</a></p>` : '';
  return html(status, title, '', `<main><h1>${escaped(title)}</h1><p>${escaped(text)}</p>${anchor}</main>`, setCookies, headers);
}

/** The answer to a browser that loads an address ahead of a click. Its status is an error, so the browser drops it and sends the request again after the click. */
export function notAhead(title: string): Response {
  return page({ status: 403, title, text: 'This address cannot be loaded ahead of a click.' });
}

/**
 * Returns the page after a login, which leads on by itself. A redirect would not do: the browser came from the issuer, so it would send no `Strict` cookie with
 * the request for the next page.
 *
 * @param path of this app
 */
export function landingPage(path: string, setCookies: readonly string[]): Response {
  const refresh = `<meta http-equiv="refresh" content="0;url=${escaped(path)}">`;
  return html(200, 'You are logged in', refresh, `<main><p><a href="${escaped(path)}">Continue</a></p></main>`, setCookies, {});
}

/** Returns a redirect to the issuer. */
export function redirect(url: string, setCookies: readonly string[]): Response {
  return new Response(null, {
    status: 302,
    headers: headersWith({ location: url, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }, setCookies),
  });
}

function html(status: number, title: string, head: string, body: string, setCookies: readonly string[], more: Readonly<Record<string, string>>): Response {
  policy ??= `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  const headers = headersWith(
    {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': policy,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      ...more,
    },
    setCookies,
  );
  const text = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">${head}<title>${escaped(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>`;
  return new Response(text, { status, headers });
}

export function headersWith(fields: Readonly<Record<string, string>>, setCookies: readonly string[]): Headers {
  const headers = new Headers(fields);
  for (const line of setCookies) headers.append('set-cookie', line);
  return headers;
}

/** Escapes a text for HTML and for attributes in double quotes. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
