/**
 * Browser sessions for Koa 2 and 3.
 *
 * @module
 */
import type { Context, Middleware } from 'koa';
import type { BrowserSession } from './browser-session.js';
import type { BrowserSessionOptions } from './browser-session-options.js';
import { createBrowserSession as createSession } from './create-browser-session.js';
import { createMountWarning, requireNoArguments } from './node/mount-check.js';
import { proxied, targetUnderMount } from './node/mounted.js';
import type { Exchange } from './node/request-of.js';
import { parsedOf } from './node/parsed-body.js';
import { respond } from './node/respond.js';
import { ADDED, bodyFor, discard } from './node/send-response.js';
import { createProxy } from './proxy/create-proxy.js';
import type { ProxyOptions } from './proxy/proxy-options.js';
import type { ProxyUpgrade } from './proxy/session-proxy.js';

export * from './index.js';

/** Browser sessions with middleware for Koa. */
export interface KoaBrowserSession extends Omit<BrowserSession, 'proxy'> {
  /** Returns middleware that answers the session's routes. Use it before guards that protect the whole app. */
  routes(): Middleware;
  /**
   * Returns middleware that passes requests under `mountPath` to an API, with the session's access token. Behind `koa-mount` it needs no `mountPath`.
   *
   * @throws ConfigurationError that lists all invalid options
   *
   * @example app.use(session.proxy({ mountPath: '/api', to: 'https://orders.internal', methods: ['GET', 'POST'], paths: ['/orders'] }));
   */
  proxy(options: ProxyOptions): Middleware & ProxyUpgrade;
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
export function createBrowserSession(options: BrowserSessionOptions): KoaBrowserSession {
  const session = createSession(options);
  const { origin } = session;
  return Object.freeze({
    ...session,
    routes(...given: readonly unknown[]): Middleware {
      requireNoArguments(given, 'app.use(session.routes())');
      const checkMount = createMountWarning(session.path);
      return async (context, next) => {
        if (!session.isSessionRoute(context.originalUrl)) {
          // koa-mount tells where
          checkMount((context as { readonly mountPath?: string }).mountPath);
          return next() as Promise<void>;
        }
        return send(await respond(exchangeOf(context), origin, context.originalUrl, session.handle), context);
      };
    },
    proxy(options: ProxyOptions) {
      const proxy = createProxy(session, options);
      const middleware: Middleware = async (context, next) => {
        // koa-mount has removed its own part of `url` already
        const target = targetUnderMount(proxy, context.url);
        if (target === undefined) return next() as Promise<void>;
        return send(await proxied(proxy, origin, exchangeOf(context), { original: context.originalUrl, target, clientAddress: context.ip }), context);
      };
      return Object.assign(middleware, { upgrade: proxy.upgrade });
    },
  });
}

/** Body parsers for Koa leave their results at Koa's request. */
function exchangeOf({ req: request, res: response, request: parsed }: Context): Exchange {
  return { request, response, parsed: parsedOf(parsed) };
}

/** Answers through Koa, so that middleware around it sees the answer. */
function send(answer: Response, context: Context): void {
  if (!answer.body || context.method === 'HEAD') {
    discard(answer);
    context.body = null;
  } else {
    context.body = bodyFor(answer, context.res);
    // Koa's guess
    context.remove('content-type');
  }
  context.status = answer.status;
  for (const [name, value] of answer.headers) {
    if (ADDED.has(name)) context.append(name, value);
    else context.set(name, value);
  }
}
