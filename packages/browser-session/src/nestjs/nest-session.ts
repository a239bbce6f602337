import type { BrowserSession } from '../browser-session.js';
import type { BrowserSessionOptions } from '../browser-session-options.js';
import { createBrowserSession as createSession } from '../create-browser-session.js';
import { nodeSession, type NodeHandler } from '../node.js';
import { requireNoArguments } from '../node/mount-check.js';
import type { NodeRequest, NodeResponse } from '../node/native.js';
import type { ProxyOptions } from '../proxy/proxy-options.js';
import type { ProxyUpgrade } from '../proxy/session-proxy.js';

/** Functional middleware of NestJS, for both of its HTTP engines. */
export type NestMiddleware = (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void) => void;

/** Browser sessions with middleware for NestJS. `BrowserSessionModule` mounts it. */
export interface NestBrowserSession extends Omit<BrowserSession, 'proxy'> {
  /** Returns middleware that answers the session's routes. Guards do not run for them. */
  routes(): NestMiddleware;
  /**
   * Returns middleware that passes requests under `mountPath` to an API.
   *
   * @throws ConfigurationError that lists all invalid options
   */
  proxy(options: ProxyOptions): NestMiddleware & ProxyUpgrade;
}

/**
 * Creates the browser sessions of an app, for the module and for the option `session` of a guard.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const session = createBrowserSession({ issuer, clientId, clientSecret, origin: 'https://app.example.com', secrets: [process.env.SESSION_SECRET] });
 * @Module({ imports: [BrowserSessionModule.forRoot({ session }), TokenwardModule.forRoot({ issuer, audience, session })] })
 * class AppModule {}
 */
export function createBrowserSession(options: BrowserSessionOptions): NestBrowserSession {
  const session = createSession(options);
  const native = nodeSession(session);
  return Object.freeze({
    ...session,
    routes(...given: readonly unknown[]): NestMiddleware {
      requireNoArguments(given, 'app.use(session.routes())');
      return middlewareOf(native.routes());
    },
    proxy(options: ProxyOptions) {
      const handler = native.proxy(options);
      return Object.assign(middlewareOf(handler), { upgrade: handler.upgrade });
    },
  });
}

function middlewareOf(handler: NodeHandler): NestMiddleware {
  return (request, response, next) => {
    handler(request, response).then((isAnswered) => {
      if (!isAnswered) next();
    }, next);
  };
}
