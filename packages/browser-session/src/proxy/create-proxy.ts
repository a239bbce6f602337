import type { IncomingMessage } from 'node:http';
import { misuse, SESSION_CREDENTIALS } from '@tokenward/core/store';
import { SESSION_LINK } from '../session-link.js';
import { notFoundAnswer, problemAnswer } from '../routes/answers.js';
import { crossSiteRefusal } from '../routes/cross-site.js';
import { warnAboutOrigin } from '../routes/origin-warning.js';
import { apiAnswer } from './api-answer.js';
import { createApiWarnings } from './api-warnings.js';
import { apiHeaders } from './header-rules.js';
import { readProxyOptions, type ProxyConfig, type ProxyOptions } from './proxy-options.js';
import { failureAnswer, sessionRefusal, setCookiesOf } from './refusals.js';
import type { ProxiedSession, ProxyUpgrade, SessionProxy } from './session-proxy.js';
import { isClearTarget, isListed, withoutMount } from './target.js';
import { createUpgrade } from './upgrade.js';
import { createUpstream } from './upstream.js';

/** A request on its way through the proxy, as adapters know it. */
export interface ProxiedRequest {
  readonly request: Request;
  /** Path and query as the client sent them, without the mount path. */
  readonly target: string;
  /** Without a slash at its end. */
  readonly mountPath: string;
  readonly clientAddress: string | undefined;
}

/** A proxy, as adapters use it. */
export interface CreatedProxy {
  readonly config: ProxyConfig;
  forward(proxied: ProxiedRequest): Promise<Response>;
  readonly upgrade: ProxyUpgrade['upgrade'];
}

/** @throws ConfigurationError that lists all invalid options */
export function createProxy(session: ProxiedSession, options: ProxyOptions): CreatedProxy {
  const config = readProxyOptions(options);
  const { methods, paths } = config;
  const allow = [...methods].join(', ');
  const { follow, onClose, warn } = session[SESSION_LINK];
  const apiWarnings = createApiWarnings(config, warn);
  const upstream = createUpstream(config, apiWarnings.unreachable);
  onClose(upstream.close);

  async function forward(proxied: ProxiedRequest): Promise<Response> {
    const { request, target } = proxied;
    const { method, headers } = request;
    if (!isClearTarget(target)) return problemAnswer({ status: 400, detail: 'The path of the request is ambiguous' });
    if (!isListed(target, paths)) return notFoundAnswer();
    // Node has undone the chunks, and leaves other codings in the body (RFC 9112 s6.1)
    if (!/^(?:chunked)?$/i.test(headers.get('transfer-encoding') ?? ''))
      return problemAnswer({ status: 400, detail: 'The body has a Transfer-Encoding that is not supported' });
    if (headers.has('sec-websocket-key')) return lostUpgrade();
    // without Access-Control headers, so a preflight of another site ends here
    if (method === 'OPTIONS' && !methods.has(method)) return new Response(null, { status: 204, headers: { allow } });
    if (!methods.has(method)) return problemAnswer({ status: 405, detail: `This address takes only ${allow}`, headers: { allow } });
    // on every request, whatever its method, path and body (GHSA-4j63-5v5f-xcc4)
    const refusal = crossSiteRefusal(request, session.origin);
    if (refusal) {
      warnAboutOrigin(headers, session, warn);
      return refusal;
    }
    // once: `Headers` sorts its fields each time
    const fields = [...headers];
    const found = await session[SESSION_CREDENTIALS]({ method, target, headers: Object.fromEntries(fields) });
    if (found?.token === undefined) return sessionRefusal(found);
    const setCookies = setCookiesOf(found);
    const answer = await upstream.call({
      method,
      path: `${config.basePath}${target}`,
      headers: apiHeaders(fields, { ...proxied, accessToken: found.token, origin: session.origin }, config),
      request,
    });
    if (answer === 'timeout') apiWarnings.late();
    if (typeof answer === 'string') return failureAnswer(answer, setCookies);
    const passed = apiAnswer(answer, { ...proxied, config, setCookies });
    if (isEventStream(answer)) void endWithSession(answer, headers.get('cookie') ?? undefined);
    return passed;
  }

  /** Answers the handshake of a WebSocket that came as an ordinary request. Otherwise it would be refused for another, misleading reason. */
  function lostUpgrade(): Response {
    warn(
      `tokenward: the handshake of a WebSocket under ${config.mountPath || '/'} came as an ordinary request. Set webSockets: true, write server.on('upgrade', proxy.upgrade), and let a proxy in front of this app pass the headers Upgrade and Connection`,
    );
    return problemAnswer({ status: 400, detail: 'The handshake of a WebSocket came without the headers Upgrade and Connection' });
  }

  /** An event stream may go on for hours, as a WebSocket does. Other answers belong to their request, and are finished. */
  async function endWithSession(answer: IncomingMessage, cookieHeader: string | undefined): Promise<void> {
    const forget = await follow(cookieHeader, () => void answer.destroy());
    if (answer.destroyed) forget();
    else answer.once('close', forget);
  }

  return { config, forward, upgrade: createUpgrade({ session, config, upstream, apiWarnings }) };
}

function isEventStream({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.trim().toLowerCase().startsWith('text/event-stream') === true;
}

/** Gives a proxy the form that is independent of frameworks. */
export function createSessionProxy(session: ProxiedSession, options: ProxyOptions): SessionProxy {
  const { config, forward, upgrade } = createProxy(session, options);
  async function proxy(request: Request, mountPath: string = config.mountPath): Promise<Response> {
    // the API would get an empty body in its place
    if (request.bodyUsed) throw misuse('session.proxy(...)(request)', 'got a request whose body was read before. Let other code read request.clone()');
    const { pathname, search } = new URL(request.url);
    const mount = mountPath.endsWith('/') ? mountPath.slice(0, -1) : mountPath;
    const target = withoutMount(`${pathname}${search}`, mount);
    if (target === undefined) return notFoundAnswer();
    return forward({ request, target, mountPath: mount, clientAddress: undefined });
  }
  return Object.assign(proxy, { upgrade });
}
