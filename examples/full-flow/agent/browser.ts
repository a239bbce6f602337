import { parse } from 'node-html-parser';
import { CookieJar } from 'tough-cookie';

/** The parts of a browser that a login needs: it keeps cookies, follows redirects one by one, submits forms, and calls as a page's script does. */
export interface Browser {
  open(url: string | URL): Promise<Place>;
  /** Submits a page's form with these fields and its own hidden ones. */
  submit(page: Page, fields: Readonly<Record<string, string | readonly string[]>>): Promise<Place>;
  /** Sends a request with the cookies, and keeps those of the answer. It follows no redirect. */
  call(url: string | URL, init?: RequestInit): Promise<Response>;
  /** Returns another browser with a copy of the cookies, as a thief would have it. */
  copy(): Browser;
}

/** Where a chain of redirects ended: at a page, or back at the app that started it. */
export type Place = Page | BackAtApp;

export interface Page {
  readonly kind: 'page';
  readonly status: number;
  readonly title: string;
  readonly text: string;
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

/** @param stopAt where the authorization server sends the browser back to an app that is played by the script. undefined: it stops nowhere */
export function createBrowser(send: typeof fetch, stopAt?: string, jar = new CookieJar()): Browser {
  async function go(start: URL, body?: URLSearchParams): Promise<Place> {
    let url = start;
    let response = await request(url, body);
    for (let count = 0; count < MAX_REDIRECTS; count++) {
      const location = response.headers.get('location');
      if (location === null) return readPage(url, response);
      url = new URL(location, url);
      if (stopAt !== undefined && url.href.startsWith(stopAt)) return { kind: 'back at app', url };
      // RFC 9110 s15.4.4: after 303 the next request is a GET
      response = await request(url);
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects from ${start.origin}${start.pathname}`);
  }

  async function request(url: URL, body?: URLSearchParams): Promise<Response> {
    const headers = { accept: 'text/html' };
    return call(url, body ? { method: 'POST', body, headers } : { headers });
  }

  async function call(url: string | URL, init: RequestInit = {}): Promise<Response> {
    const { href } = new URL(url);
    const headers = new Headers(init.headers);
    const cookie = await jar.getCookieString(href);
    if (cookie !== '') headers.set('cookie', cookie);
    const response = await send(href, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) await jar.setCookie(line, href);
    return response;
  }

  return {
    call,
    copy: () => createBrowser(send, stopAt, jar.cloneSync()),
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
  const text = html.querySelector('body')?.structuredText ?? '';
  return { kind: 'page', status: response.status, title: html.querySelector('title')?.text ?? '', text, url, action, fields };
}
