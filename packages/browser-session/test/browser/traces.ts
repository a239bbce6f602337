import type { Page } from 'playwright-core';
import type { IssuedToken } from '../world.ts';

/** Returns what would give a token away: its parts as they are, in base64 at any offset, and in hexadecimal. No part of a token changes in a URL. */
export function tracesOf({ token }: IssuedToken): readonly string[] {
  const parts = token.split('.');
  // the header of a JWT is no secret: all tokens of the issuer begin with the same characters
  return (parts.length === 1 ? parts : parts.slice(1)).flatMap((part) => [
    part,
    ...[0, 1, 2].map((offset) => base64At(part, offset)),
    Buffer.from(part).toString('hex'),
  ]);
}

/** The characters that a text gives in base64, after so many bytes of another text. Those that depend on its neighbours are left out. */
function base64At(text: string, offset: number): string {
  const encoded = Buffer.from(' '.repeat(offset) + text).toString('base64url');
  return encoded.slice(offset === 0 ? 0 : 4, Math.floor(((offset + text.length) * 8) / 24) * 4);
}

/** Returns all that scripts of a page can read: storage, cookies, the document, caches with their contents, addresses, and global names. */
export function readableIn(page: Page): Promise<string> {
  return page.evaluate(async () => {
    const cached: string[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const response = (await cache.match(request))!;
        cached.push(request.url, JSON.stringify([...request.headers, ...response.headers]), await response.text());
      }
    }
    const globals = Object.getOwnPropertyNames(window).map((name) => {
      try {
        return JSON.stringify((window as unknown as Record<string, unknown>)[name]);
      } catch {
        return '';
      }
    });
    return [
      ...Object.entries({ ...localStorage }).flat(),
      ...Object.entries({ ...sessionStorage }).flat(),
      document.cookie,
      document.documentElement.outerHTML,
      JSON.stringify([history.state, location.href, document.referrer, performance.getEntries(), await indexedDB.databases()]),
      ...cached,
      ...globals,
    ].join('\n');
  });
}
