/**
 * Browser sessions for `node:http`, `node:https` and `node:http2`.
 *
 * @module
 */
import type { BrowserSession } from './browser-session.js';
import type { BrowserSessionOptions } from './browser-session-options.js';
import { createBrowserSession as createSession } from './create-browser-session.js';
import type { NodeRequest, NodeResponse } from './node/native.js';
import { requireNoArguments } from './node/mount-check.js';
import { proxied, targetUnderMount } from './node/mounted.js';
import { parsedOf } from './node/parsed-body.js';
import { respond } from './node/respond.js';
import { sendResponse } from './node/send-response.js';
import { createProxy } from './proxy/create-proxy.js';
import type { ProxyOptions } from './proxy/proxy-options.js';
import type { ProxyUpgrade } from './proxy/session-proxy.js';

export * from './index.js';

/** Answers a request, and returns true. If the request is not for this handler, leaves it alone and returns false. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => Promise<boolean>;

/** Browser sessions with handlers for servers of Node. */
export interface NodeBrowserSession extends Omit<BrowserSession, 'proxy'> {
  /**
   * Returns the handler of the session's routes.
   *
   * @example createServer(async (req, res) => { if (await routes(req, res)) return; ... });
   */
  routes(): NodeHandler;
  /**
   * Returns a handler that passes requests under `mountPath` to an API.
   *
   * @throws ConfigurationError that lists all invalid options
   */
  proxy(options: ProxyOptions): NodeHandler & ProxyUpgrade;
}

/**
 * Creates the browser sessions of an app.
 *
 * @throws ConfigurationError that lists all invalid options
 */
export function createBrowserSession(options: BrowserSessionOptions): NodeBrowserSession {
  return nodeSession(createSession(options));
}

/** Gives sessions the handlers for servers of Node. */
export function nodeSession(session: BrowserSession): NodeBrowserSession {
  const { origin } = session;
  return Object.freeze({
    ...session,
    routes(...given: readonly unknown[]): NodeHandler {
      requireNoArguments(given, 'const routes = session.routes(), and await routes(req, res)');
      return async (request, response) => {
        const target = originalTarget(request);
        if (!session.isSessionRoute(target)) return false;
        await sendResponse(await respond({ request, response, parsed: parsedOf(request) }, origin, target, session.handle), response, request.method);
        return true;
      };
    },
    proxy(options: ProxyOptions) {
      const proxy = createProxy(session, options);
      const handler: NodeHandler = async (request, response) => {
        const original = originalTarget(request);
        const target = targetUnderMount(proxy, original);
        if (target === undefined) return false;
        const mounted = { original, target, clientAddress: request.socket.remoteAddress };
        await sendResponse(await proxied(proxy, origin, { request, response, parsed: parsedOf(request) }, mounted), response, request.method);
        return true;
      };
      return Object.assign(handler, { upgrade: proxy.upgrade });
    },
  });
}

/** Routers of middleware change `url`, and keep what the client sent. */
function originalTarget(request: NodeRequest & { readonly originalUrl?: unknown }): string {
  // an own member: with a polluted prototype, every request would have the same target
  return Object.hasOwn(request, 'originalUrl') && typeof request.originalUrl === 'string' ? request.originalUrl : (request.url ?? '/');
}
