import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BrowserSession } from '@tokenward/browser-session';
import type { ResourceGuard } from '@tokenward/core';

/** Addresses of the app at which another site may try to learn whether somebody is logged in. The app caches what it may. */
export const PAGES = ['/guarded', '/optional', '/page'] as const;
/** An address that tells everybody. It shows that the attacks work. */
export const TELLING = '/telling';

/** Creates the app's own handlers: one that needs a login, one for which it is optional, and a page that leads to the login. */
export function createPages(
  session: Pick<BrowserSession, 'get'>,
  guard: ResourceGuard,
): (request: IncomingMessage, response: ServerResponse) => Promise<boolean> {
  return async (request, response) => {
    const path = request.url!.split('?')[0]!;
    const { method = 'GET', headers } = request;
    const page = { 'content-type': 'text/html', 'cross-origin-opener-policy': 'same-origin' };
    const frames = '<!doctype html><iframe srcdoc="a"></iframe><iframe srcdoc="b"></iframe>';
    if (path === '/guarded' || path === '/optional') {
      const decision = await guard.check({ method, target: request.url!, headers }, { credentials: path === '/optional' ? 'optional' : 'required' });
      if (decision.outcome === 'deny') {
        response.writeHead(decision.status, { ...decision.headers, 'content-type': 'application/problem+json' }).end(JSON.stringify(decision.body));
      } else {
        const caching = { 'cache-control': 'private, max-age=600', vary: 'Cookie, x-tokenward-csrf' };
        response.writeHead(200, { ...decision.headers, ...caching, 'content-type': 'text/javascript' }).end(`/* ${decision.auth?.subject} */`);
      }
      return true;
    }
    if (path === '/page') {
      if (await session.get(request)) response.writeHead(200, page).end(frames);
      else response.writeHead(302, { location: '/session/login' }).end();
      return true;
    }
    if (path !== TELLING) return false;
    if (headers.cookie?.includes('__Host-session=')) response.writeHead(200, { 'content-type': 'text/html' }).end(frames);
    else response.writeHead(302, { location: 'https://elsewhere.test/' }).end();
    return true;
  };
}
