/**
 * Browser sessions for Express 4 and 5.
 *
 * @module
 */
import type { Request as ExpressRequest, RequestHandler, Response as ExpressResponse } from 'express';
import type { BrowserSession } from './browser-session.js';
import type { BrowserSessionOptions } from './browser-session-options.js';
import { createBrowserSession as createSession } from './create-browser-session.js';
import { createMountWarning, requireNoArguments } from './node/mount-check.js';
import { proxied } from './node/mounted.js';
import { parsedOf } from './node/parsed-body.js';
import { respond } from './node/respond.js';
import { sendResponse } from './node/send-response.js';
import { createProxy } from './proxy/create-proxy.js';
import type { ProxyOptions } from './proxy/proxy-options.js';
import type { ProxyUpgrade } from './proxy/session-proxy.js';

export * from './index.js';

/** Browser sessions with middleware for Express. */
export interface ExpressBrowserSession extends Omit<BrowserSession, 'proxy'> {
  /** Returns middleware that answers the session's routes. Mount it without a path, before guards that protect the whole app. */
  routes(): RequestHandler;
  /**
   * Returns middleware that passes requests to an API, with the session's access token.
   *
   * @throws ConfigurationError that lists all invalid options
   *
   * @example app.use('/api', session.proxy({ to: 'https://orders.internal', methods: ['GET', 'POST'], paths: ['/orders'] }));
   */
  proxy(options: ProxyOptions): RequestHandler & ProxyUpgrade;
}

/**
 * Creates the browser sessions of an app.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const session = createBrowserSession({ issuer, clientId, clientSecret, origin: 'https://app.example.com', secrets: [process.env.SESSION_SECRET] });
 * app.use(session.routes());
 */
export function createBrowserSession(options: BrowserSessionOptions): ExpressBrowserSession {
  const session = createSession(options);
  const { origin } = session;
  return Object.freeze({
    ...session,
    routes(...given: readonly unknown[]): RequestHandler {
      requireNoArguments(given, 'app.use(session.routes())');
      const checkMount = createMountWarning(session.path);
      return (request, response, next) => {
        if (!session.isSessionRoute(request.originalUrl)) {
          checkMount(request.baseUrl);
          return next();
        }
        const answer = respond({ request, response, parsed: parsedOf(request) }, origin, request.originalUrl, session.handle);
        return void send(answer, request, response).catch(next);
      };
    },
    proxy(options: ProxyOptions) {
      const proxy = createProxy(session, options);
      const handler: RequestHandler = (request, response, next) => {
        const { originalUrl: original, url: target, ip: clientAddress } = request;
        void send(proxied(proxy, origin, { request, response, parsed: parsedOf(request) }, { original, target, clientAddress }), request, response).catch(next);
      };
      return Object.assign(handler, { upgrade: proxy.upgrade });
    },
  });
}

async function send(answer: Promise<Response>, { method }: ExpressRequest, response: ExpressResponse): Promise<void> {
  await sendResponse(await answer, response, method);
}
