import type { Page } from 'playwright-core';

/** What a site learns about addresses of another one, by their paths. */
export type Learned = Readonly<Record<string, unknown>>;

/**
 * Loads addresses into a page of an attacker in every way, and returns all that its scripts learn, by address: events of elements, frames in frames, fetch,
 * resource timing without times, reports of the page's policy, and WebSockets.
 */
export async function learnFrom(page: Page, app: string, paths: readonly string[]): Promise<Learned> {
  return page.evaluate(
    async ([origin, all]) => {
      const reports: string[] = [];
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI }) => reports.push(`${effectiveDirective} ${blockedURI}`));

      function load(tag: string, attribute: string, url: string, fields: Record<string, string> = {}): Promise<unknown> {
        const element = document.createElement(tag);
        for (const [name, value] of Object.entries(fields)) element.setAttribute(name, value);
        const loaded = new Promise<unknown>((resolve) => {
          for (const type of ['load', 'loadedmetadata', 'error']) element.addEventListener(type, () => resolve(type));
        });
        element.setAttribute(attribute, url);
        document.body.append(element);
        return loaded.then((type) => [type, (element as HTMLIFrameElement).contentWindow?.length, element.clientWidth > 0]);
      }

      async function call(url: string, init: RequestInit): Promise<unknown> {
        try {
          const { type, status, redirected, url: shown } = await fetch(url, { credentials: 'include', ...init });
          return [type, status, redirected, shown];
        } catch (error) {
          return (error as Error).name;
        }
      }

      function openSocket(url: string): Promise<unknown> {
        const socket = new WebSocket(url.replace('https', 'wss'));
        return new Promise((resolve) => {
          socket.addEventListener('open', () => resolve('open'));
          socket.addEventListener('close', ({ code }) => resolve(code));
        });
      }

      const learned: Record<string, unknown> = {};
      for (const path of all) {
        const url = (way: string): string => `${origin}${path}${path.includes('?') ? '&' : '?'}${way}`;
        // the same address as the app's own page uses, so that a cache may have it
        const own = origin + path;
        const events = await Promise.all([
          load('script', 'src', own),
          load('img', 'src', url('img')),
          load('link', 'href', url('stylesheet'), { rel: 'stylesheet' }),
          load('link', 'href', own, { rel: 'prefetch' }),
          load('link', 'href', url('preload'), { rel: 'preload', as: 'script' }),
          load('iframe', 'src', url('iframe')),
          load('object', 'data', url('object')),
          load('video', 'src', url('video')),
          call(own, { mode: 'no-cors' }),
          call(own, { mode: 'no-cors', cache: 'force-cache' }),
          call(url('cors'), { mode: 'cors' }),
          call(url('manual'), { redirect: 'manual' }),
          // one alone: the browser makes those wait that come after failures
          path.startsWith('/api/') ? openSocket(url('socket')) : undefined,
        ]);
        learned[path] = [events, reports.splice(0).toSorted()];
      }
      // once each: an entry may be late
      const timings = performance.getEntriesByType('resource').map((entry) => {
        const { initiatorType, transferSize, encodedBodySize, decodedBodySize, nextHopProtocol, responseStatus, redirectStart } =
          entry as PerformanceResourceTiming;
        const { contentType, deliveryType } = entry as unknown as Record<string, string>;
        return [
          initiatorType,
          transferSize,
          encodedBodySize,
          decodedBodySize,
          nextHopProtocol,
          responseStatus,
          redirectStart,
          contentType,
          deliveryType,
        ].join();
      });
      return { ...learned, timings: [...new Set(timings)].toSorted() };
    },
    [app, paths] as const,
  );
}

/** How long an opener looks at its windows. A window that it loses seems closed a moment after the page in it has loaded. */
const LOOKS_MS = 2000;

/** Opens addresses in windows, and returns what their opener learns: whether it still has them, and the number of their frames. */
export async function learnFromWindows(page: Page, app: string, paths: readonly string[]): Promise<Learned> {
  const popups: Page[] = [];
  for (const path of paths) {
    const opening = page.waitForEvent('popup');
    // eslint-disable-next-line no-await-in-loop -- an event does not say which window it is about
    await page.evaluate(
      ([url, name]) => {
        const opener = window as unknown as { popups?: Record<string, Window | null> };
        (opener.popups ??= {})[name] = window.open(url);
      },
      [app + path, path] as const,
    );
    // eslint-disable-next-line no-await-in-loop
    popups.push(await opening);
  }
  await Promise.all(popups.map((popup) => popup.waitForURL(({ protocol }) => protocol !== 'about:')));
  const learned = await page.evaluate(async (looksMs) => {
    const { popups: opened } = window as unknown as { popups: Record<string, Window> };
    const endsAt = performance.now() + looksMs;
    while (performance.now() < endsAt && !Object.values(opened).every(({ closed }) => closed)) await new Promise((resolve) => void setTimeout(resolve, 50));
    return Object.fromEntries(Object.entries(opened).map(([path, { closed, length }]) => [path, { closed, length }]));
  }, LOOKS_MS);
  await Promise.all(popups.map((popup) => popup.close()));
  return learned;
}
