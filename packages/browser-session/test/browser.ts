import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';

/** A browser as far as logins need it: a cookie jar per origin, and redirects that are followed one by one. */
export interface Browser {
  /** Requests a URL with the cookies of its origin, and keeps those of the answer. It follows no redirect. */
  visit(url: string | URL, init?: Visit): Promise<Response>;
  /** Visits a URL and what it redirects to. `stop` says which address is not visited any more. */
  follow(url: string | URL, stop?: (url: URL) => boolean): Promise<{ readonly url: URL; readonly response: Response | undefined }>;
  /** Logs in at the provider's page, which begins at `url`, and returns the address of the app's callback without visiting it. */
  logInAt(url: string | URL, appOrigin: string, login?: string): Promise<URL>;
  cookies(origin: string): Map<string, string>;
}

export interface Visit {
  readonly method?: string | undefined;
  /** `fetch` would replace some, such as `sec-fetch-mode`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly form?: Readonly<Record<string, string>> | undefined;
}

/** @param ca the authority that it trusts, in PEM */
export function createBrowser(ca?: string): Browser {
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
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await send(target, { ...init, headers: { ...init.headers, ...(cookie !== '' && { cookie }) } }, ca);
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
      const toApp = ({ origin, pathname }: URL): boolean => origin === appOrigin && pathname.endsWith('/callback');
      const { url: page, response } = await browser.follow(url, toApp);
      if (response === undefined) return page;
      if (!page.pathname.startsWith('/interaction/')) throw new Error(`no login page, but ${response.status} ${(await response.text()).slice(0, 500)}`);
      await response.body?.cancel();
      const answer = await browser.visit(page, { method: 'POST', form: { login } });
      await answer.body?.cancel();
      return (await browser.follow(new URL(answer.headers.get('location')!, page), toApp)).url;
    },
  };
  return browser;
}

function send(url: URL, { method = 'GET', headers = {}, form }: Visit, ca: string | undefined): Promise<Response> {
  const type = form && { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...headers, ...type } };
    const sent = url.protocol === 'https:' ? requestHttps(url, { ...options, ca }) : requestHttp(url, options);
    sent.once('response', (incoming) => void responseOf(incoming, method).then(resolve, reject));
    sent.once('error', reject);
    sent.end(form && new URLSearchParams(form).toString());
  });
}

async function responseOf(incoming: IncomingMessage, method: string): Promise<Response> {
  const body = Buffer.concat(await incoming.toArray());
  const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values]) => (values ?? []).map((value): [string, string] => [name, value]));
  const status = incoming.statusCode!;
  return new Response(method === 'HEAD' || status === 204 || status === 304 ? null : body, { status, headers });
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
