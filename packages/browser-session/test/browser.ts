/** A browser as far as logins need it: a cookie jar per origin, and redirects that are followed one by one. */
export interface Browser {
  /** Requests a URL with the cookies of its origin, and keeps those of the answer. It follows no redirect. */
  visit(url: string | URL, init?: RequestInit): Promise<Response>;
  /** Visits a URL and what it redirects to. `stop` says which address is not visited any more. */
  follow(url: string | URL, stop?: (url: URL) => boolean): Promise<{ readonly url: URL; readonly response: Response | undefined }>;
  /** Logs in at the provider's page, which begins at `url`, and returns the address of the app's callback without visiting it. */
  logInAt(url: string | URL, appOrigin: string, login?: string): Promise<URL>;
  cookies(origin: string): Map<string, string>;
}

export function createBrowser(fetch: typeof globalThis.fetch = globalThis.fetch): Browser {
  const jars = new Map<string, Map<string, string>>();

  function jarOf(origin: string): Map<string, string> {
    if (!jars.has(origin)) jars.set(origin, new Map());
    return jars.get(origin)!;
  }

  const browser: Browser = {
    cookies: jarOf,
    async visit(url, init = {}) {
      const target = new URL(url);
      const jar = jarOf(target.origin);
      const headers = new Headers(init.headers);
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      if (cookie !== '') headers.set('cookie', cookie);
      const response = await fetch(target, { ...init, headers, redirect: 'manual' });
      for (const line of response.headers.getSetCookie()) keep(jar, line);
      return response;
    },
    async follow(url, stop = () => false) {
      let target = new URL(url);
      for (let hop = 0; hop < 10; hop++) {
        if (stop(target)) return { url: target, response: undefined };
        const response = await browser.visit(target);
        const location = response.headers.get('location');
        if (location === null) return { url: target, response };
        await response.body?.cancel();
        target = new URL(location, target);
      }
      throw new Error('too many redirects');
    },
    async logInAt(url, appOrigin, login = 'alice') {
      const toApp = (target: URL): boolean => target.origin === appOrigin;
      const { url: page, response } = await browser.follow(url, toApp);
      if (response === undefined) return page;
      if (!page.pathname.startsWith('/interaction/')) throw new Error(`no login page, but ${response.status} ${(await response.text()).slice(0, 500)}`);
      await response.body?.cancel();
      const answer = await browser.visit(page, { method: 'POST', body: new URLSearchParams({ login }) });
      await answer.body?.cancel();
      return (await browser.follow(new URL(answer.headers.get('location')!, page), toApp)).url;
    },
  };
  return browser;
}

function keep(jar: Map<string, string>, line: string): void {
  const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
  const name = pair.slice(0, pair.indexOf('='));
  const expired = attributes.some((attribute) => {
    const [key = '', value = ''] = attribute.split('=');
    return (key.toLowerCase() === 'max-age' && Number(value) <= 0) || (key.toLowerCase() === 'expires' && Date.parse(value) <= Date.now());
  });
  if (expired) jar.delete(name);
  else jar.set(name, pair.slice(pair.indexOf('=') + 1));
}
