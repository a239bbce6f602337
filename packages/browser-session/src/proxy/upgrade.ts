import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { failureWords, SESSION_CREDENTIALS } from '@tokenward/core/store';
import { CSRF_HEADER } from '../csrf.js';
import { isCrossSiteUpgrade } from '../routes/cross-site.js';
import { warnAboutOrigin } from '../routes/origin-warning.js';
import { SESSION_LINK } from '../session-link.js';
import { originForm } from '../node/request-of.js';
import type { ApiWarnings } from './api-warnings.js';
import { apiHeaders, browserHeaders } from './header-rules.js';
import type { ProxyConfig } from './proxy-options.js';
import { setCookiesOf } from './refusals.js';
import type { ProxiedSession, ProxyUpgrade } from './session-proxy.js';
import { isClearTarget, isListed, withoutMount } from './target.js';
import { join } from './join-sockets.js';
import type { Upstream } from './upstream.js';

interface UpgradeParts {
  readonly session: ProxiedSession;
  readonly config: ProxyConfig;
  readonly upstream: Upstream;
  readonly apiWarnings: ApiWarnings;
}

/** An open connection to the API, or the status that refuses the client. */
type Opened = { readonly socket: Duplex; readonly head: Buffer; readonly answer: IncomingMessage } | number;

/** Creates `proxy.upgrade`. */
export function createUpgrade({ session, config, upstream, apiWarnings }: UpgradeParts): ProxyUpgrade['upgrade'] {
  return async function upgrade(request, socket, head) {
    const path = originForm(request.url ?? '');
    const target = path === undefined ? undefined : withoutMount(path, config.mountPath);
    if (target === undefined) return false;
    // an error of a socket without listener ends the process
    socket.on('error', () => socket.destroy());
    if (!config.webSockets) {
      // an exception would end the process, and anybody can send a handshake
      session[SESSION_LINK].warn('tokenward: proxy.upgrade() refused a WebSocket, since the proxy needs the option webSockets: true');
      refuse(socket, 400, []);
      return true;
    }
    try {
      await connect(request, target, socket, head);
    } catch {
      refuse(socket, 502, []);
    }
    return true;
  };

  async function connect(request: IncomingMessage, target: string, socket: Duplex, head: Buffer): Promise<void> {
    const headers = headersOf(request);
    const status = statusOf(request, headers, target);
    if (status !== undefined) {
      if (status === 403) warnAboutOrigin(headers, session, session[SESSION_LINK].warn);
      return refuse(socket, status, []);
    }
    // the check of the origin above stands in for the custom header, which pages cannot send with a WebSocket
    const credentials = { cookie: headers.get('cookie') ?? undefined, origin: session.origin, [CSRF_HEADER]: '1' };
    const found = await session[SESSION_CREDENTIALS]({ method: 'GET', target, headers: credentials });
    const setCookies = setCookiesOf(found);
    if (found?.token === undefined) return refuse(socket, found?.reason === 'session_unavailable' ? 503 : 401, setCookies);
    const own = { accessToken: found.token, origin: session.origin, mountPath: config.mountPath, clientAddress: request.socket.remoteAddress };
    headers.delete('content-length');
    const opened = await open(target, { ...apiHeaders(headers, own, config), connection: 'Upgrade', upgrade: 'websocket' }, socket);
    if (typeof opened === 'number') return refuse(socket, opened, setCookies);
    socket.write(head101(opened.answer, setCookies, config), 'latin1');
    // what arrived together with the handshakes
    if (opened.head.length > 0) socket.write(opened.head);
    if (head.length > 0) opened.socket.write(head);
    const part = join(socket, opened.socket);
    const forget = await session[SESSION_LINK].follow(credentials.cookie, part);
    if (socket.destroyed) forget();
    else socket.once('close', forget);
  }

  /** Returns the status with which a handshake is refused; undefined if it may go on. */
  function statusOf({ method, httpVersionMajor }: IncomingMessage, headers: Headers, target: string): number | undefined {
    if (method !== 'GET' || httpVersionMajor !== 1 || headers.get('upgrade')?.trim().toLowerCase() !== 'websocket') return 400;
    // a body would be read as the first bytes of the WebSocket, or as another request
    if (headers.has('transfer-encoding') || Number(headers.get('content-length') ?? 0) !== 0 || !isClearTarget(target)) return 400;
    if (isCrossSiteUpgrade(target, headers, session.origin)) return 403;
    return isListed(target, config.paths) ? undefined : 404;
  }

  function open(target: string, headers: Record<string, string>, client: Duplex): Promise<Opened> {
    return new Promise((resolve) => {
      let failure = 502;
      let isSettled = false;
      const sent = upstream.open({ method: 'GET', path: `${config.basePath}${target}`, headers });
      const timer = setTimeout(() => {
        failure = 504;
        apiWarnings.late();
        sent.destroy();
      }, config.timeoutMs).unref();
      function settle(opened: Opened): void {
        isSettled = true;
        clearTimeout(timer);
        client.off('close', leave);
        resolve(opened);
      }
      function leave(): void {
        sent.destroy();
      }
      client.once('close', leave);
      sent.on('error', (error) => {
        if (!isSettled && failure === 502 && !client.destroyed) apiWarnings.unreachable(failureWords(error, config.origin));
        settle(failure);
      });
      sent.once('close', () => settle(failure));
      sent.once('response', (answer) => {
        const { statusCode = 502 } = answer;
        // a redirect is not followed, and a body is of no use to a page
        sent.destroy();
        settle(statusCode >= 400 && statusCode < 500 ? statusCode : 502);
      });
      sent.once('upgrade', (answer, socket, head) => {
        socket.on('error', () => socket.destroy());
        const isOpen = answer.headers.upgrade?.toLowerCase() === 'websocket' && !client.destroyed;
        if (!isOpen) socket.destroy();
        settle(isOpen ? { socket, head, answer } : 502);
      });
      sent.end();
    });
  }
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
  return headers;
}

/** Returns the answer that opens the WebSocket for the browser. Node has checked that no header contains a line break. */
function head101({ rawHeaders }: IncomingMessage, setCookies: readonly string[], config: ProxyConfig): string {
  const headers = [...browserHeaders(rawHeaders, setCookies, config)].map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n${headers.join('')}\r\n`;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

function refuse(socket: Duplex, status: number, setCookies: readonly string[]): void {
  if (socket.destroyed || !socket.writable) return;
  const lines = setCookies.map((line) => `set-cookie: ${line}\r\n`).join('');
  socket.end(`HTTP/1.1 ${status} ${TITLES[status] ?? 'Refused'}\r\n${lines}connection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}
