/**
 * Browser sessions for Fastify 5.
 *
 * @module
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { misuse } from '@tokenward/core/store';
import type { BrowserSession } from './browser-session.js';
import type { BrowserSessionOptions } from './browser-session-options.js';
import { createBrowserSession as createSession } from './create-browser-session.js';
import { proxied } from './node/mounted.js';
import { originForm } from './node/request-of.js';
import { respond } from './node/respond.js';
import { requireNoArguments } from './node/mount-check.js';
import { bodyFor, discard } from './node/send-response.js';
import { createProxy } from './proxy/create-proxy.js';
import type { ProxyOptions } from './proxy/proxy-options.js';
import type { ProxyUpgrade } from './proxy/session-proxy.js';

export * from './index.js';

/** Browser sessions with plugins for Fastify. */
export interface FastifyBrowserSession extends Omit<BrowserSession, 'proxy'> {
  /**
   * Returns a plugin with the session's routes. Register it without a prefix.
   *
   * @example await app.register(session.routes());
   */
  routes(): FastifyPluginAsync;
  /**
   * Returns a plugin that passes requests to an API, with the session's access token.
   *
   * @throws ConfigurationError that lists all invalid options
   *
   * @example await app.register(session.proxy({ to: 'https://orders.internal', methods: ['GET', 'POST'], paths: ['/orders'] }), { prefix: '/api' });
   */
  proxy(options: ProxyOptions): FastifyPluginAsync & ProxyUpgrade;
}

/**
 * Creates the browser sessions of an app.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const session = createBrowserSession({ issuer, clientId, clientSecret, origin: 'https://app.example.com', secrets: [process.env.SESSION_SECRET] });
 * await app.register(session.routes());
 */
export function createBrowserSession(options: BrowserSessionOptions): FastifyBrowserSession {
  const session = createSession(options);
  const { origin, path } = session;
  return Object.freeze({
    ...session,
    routes(...given: readonly unknown[]): FastifyPluginAsync {
      requireNoArguments(given, 'app.register(session.routes())');
      return async (app) => {
        if (app.prefix !== '')
          throw misuse(
            'app.register(session.routes())',
            'must have no prefix, since the issuer knows the address of the callback. Set the option path instead',
          );
        addRoutes(app, [`${path}/*`], ({ request, reply }) => respond(exchangeOf(request, reply), origin, request.url, session.handle));
      };
    },
    proxy(options: ProxyOptions) {
      const proxy = createProxy(session, options);
      const plugin: FastifyPluginAsync = async (app) => {
        const segments = app.prefix.split('/').filter(Boolean).length;
        addRoutes(app, ['/', '/*'], async ({ request, reply }) => {
          const { originalUrl: original, url, ip: clientAddress } = request;
          return proxied(proxy, origin, exchangeOf(request, reply), {
            original,
            target: withoutSegments(originForm(url) ?? url, segments),
            clientAddress,
          });
        });
      };
      return Object.assign(plugin, { upgrade: proxy.upgrade });
    },
  });
}

interface Call {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Adds routes for every method, in a scope without body parsers: bodies are passed on, or read later. */
function addRoutes(app: FastifyInstance, urls: readonly string[], answer: (call: Call) => Promise<Response>): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  for (const url of urls) {
    app.route({
      method: app.supportedMethods,
      url,
      // the session decides on these requests, so the guard of a whole app lets them pass
      config: { tokenward: 'public' } as object,
      handler: async (request, reply) => send(await answer({ request, reply }), request, reply),
    });
  }
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply) {
  return { request: request.raw, response: reply.raw, parsed: { body: request.body } };
}

/** Returns a target without its first segments. Only their number is certain: a router may match them in another case or encoding, or as parameters. */
function withoutSegments(target: string, count: number): string {
  const [start = ''] = new RegExp(`^(?:/[^/?#]*){${count}}`).exec(target) ?? [];
  const rest = target.slice(start.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/** Answers through Fastify, so that hooks around it see the answer. */
function send(answer: Response, { method }: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.code(answer.status);
  for (const [name, value] of answer.headers) {
    // Fastify itself adds to Set-Cookie, and replaces others
    const before = name === 'vary' ? reply.getHeader(name) : undefined;
    reply.header(name, before === undefined ? value : [before, value].flat().join(', '));
  }
  if (!answer.body || method === 'HEAD') {
    discard(answer);
    return reply.send();
  }
  return reply.send(bodyFor(answer, reply.raw));
}
