import { parse } from 'node-html-parser';
import { CookieJar } from 'tough-cookie';

/** The parts of a browser that a login needs: it keeps cookies, follows redirects one by one, and submits forms. */
export interface Browser {
  open(url: string | URL): Promise<Place>;
  /** Submits a page's form with these fields and its own hidden ones. */
  submit(page: Page, fields: Readonly<Record<string, string | readonly string[]>>): Promise<Place>;
}

/** Where a chain of redirects ended: at a page, or back at the app that started it. */
export type Place = Page | BackAtApp;

export interface Page {
  readonly kind: 'page';
  readonly status: number;
  readonly title: string;
  readonly url: URL;
  /** Where the page's form is submitted. */
  readonly action: URL;
  /** The form's fields. */
  readonly fields: readonly { readonly name: string; readonly value: string | undefined; readonly hidden: boolean; readonly disabled: boolean }[];
}

export interface BackAtApp {
  readonly kind: 'back at app';
  readonly url: URL;
}

const MAX_REDIRECTS = 10;

/** @param redirectUri where the authorization server sends the browser back. The browser stops there, because the script acts as the app */
export function createBrowser(send: typeof fetch, redirectUri: string): Browser {
  const jar = new CookieJar();

  async function go(start: URL, body?: URLSearchParams): Promise<Place> {
    let url = start;
    let response = await request(url, body);
    for (let count = 0; count < MAX_REDIRECTS; count++) {
      const location = response.headers.get('location');
      if (location === null) return readPage(url, response);
      url = new URL(location, url);
      if (url.href.startsWith(redirectUri)) return { kind: 'back at app', url };
      // RFC 9110 s15.4.4: after 303 the next request is a GET
      response = await request(url);
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects from ${start.origin}${start.pathname}`);
  }

  async function request(url: URL, body?: URLSearchParams): Promise<Response> {
    const cookie = await jar.getCookieString(url.href);
    const headers = { accept: 'text/html', ...(cookie && { cookie }) };
    const response = await send(url, body ? { method: 'POST', body, headers, redirect: 'manual' } : { headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) await jar.setCookie(line, url.href);
    return response;
  }

  return {
    open: (url) => go(new URL(url)),
    submit({ action, fields }, values) {
      const body = new URLSearchParams();
      for (const { name, value = '', hidden } of fields) if (hidden) body.append(name, value);
      for (const [name, value] of Object.entries(values)) for (const one of [value].flat()) body.append(name, one);
      return go(action, body);
    },
  };
}

async function readPage(url: URL, response: Response): Promise<Page> {
  const html = parse(await response.text());
  const action = new URL(html.querySelector('form')?.getAttribute('action') ?? '', url);
  const fields = html.querySelectorAll('form input').map((input) => ({
    name: input.getAttribute('name') ?? '',
    value: input.getAttribute('value'),
    hidden: input.getAttribute('type') === 'hidden',
    disabled: input.hasAttribute('disabled'),
  }));
  return { kind: 'page', status: response.status, title: html.querySelector('title')?.text ?? '', url, action, fields };
}
