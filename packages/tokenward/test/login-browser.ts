export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A browser without a window: it keeps cookies, and follows redirects within the issuer. */
export interface LoginBrowser {
  /** Opens a page, and returns the one that it is led to. */
  open(url: URL): Promise<Page>;
  /** Chooses a user on the login page. Returns where the browser was sent afterwards. An empty subject cancels. */
  logIn(url: URL, user: { readonly subject: string; readonly password?: string }): Promise<URL>;
  logOut(url: URL): Promise<URL>;
  cookiesFor(url: URL): string;
}

export function createLoginBrowser(origin: string): LoginBrowser {
  const cookies = new Map<string, { readonly value: string; readonly path: string }>();

  function cookiesFor({ pathname }: URL): string {
    return [...cookies]
      .filter(([, { path }]) => pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join('; ');
  }

  async function ask(url: URL, form?: URLSearchParams): Promise<Page> {
    const headers: Record<string, string> = { cookie: cookiesFor(url), ...(form && { origin }) };
    const response = await fetch(url, { redirect: 'manual', headers, ...(form && { method: 'POST', body: form }) });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      const path = /;\s*path=([^;]+)/i.exec(line)?.[1] ?? '/';
      if (/expires=Thu, 01 Jan 1970/i.test(line)) cookies.delete(pair.slice(0, at));
      else cookies.set(pair.slice(0, at), { value: pair.slice(at + 1), path });
    }
    const location = response.headers.get('location');
    const next = location === null ? undefined : new URL(location, url);
    if (next?.origin === origin) return ask(next);
    return { url: next ?? url, status: response.status, headers: response.headers, body: await response.text() };
  }

  return {
    open: (url) => ask(url),
    cookiesFor,
    async logIn(url, { subject, password }) {
      const page = await ask(url);
      const form = new URLSearchParams(subject === '' ? { refuse: 'yes' } : { subject, ...(password !== undefined && { password }) });
      return (await ask(page.url, form)).url;
    },
    async logOut(url) {
      const page = await ask(url);
      // without a session, oidc-provider confirms itself
      const xsrf = /name="xsrf" value="([^"]+)"/.exec(page.body)?.[1] ?? '';
      return (await ask(new URL('/session/end/confirm', origin), new URLSearchParams({ xsrf, logout: 'yes' }))).url;
    },
  };
}
