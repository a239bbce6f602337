import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { BrowserSessionOptions } from '@tokenward/browser-session';
import { createBrowserSession, type NodeHandler } from '@tokenward/browser-session/node';
import { createResourceGuard, memorySessions } from '@tokenward/core';
import { API, startProvider, type RunningProvider } from '../provider.ts';
import { createPages } from './told-pages.ts';
import { startUpstream, type Upstream } from '../upstream.ts';

/** Arguments with which Chromium finds the sites. */
export const HOSTS = ['--host-resolver-rules=MAP *.test 127.0.0.1'];

/** An app over https, an attacker's site under the same registrable domain, and another one elsewhere. */
export interface Sites {
  /** `https://app.example.test:<port>`: the session's routes, a proxy at `/api`, the pages of `createPages`, and an empty page. */
  readonly app: string;
  /** `https://evil.example.test:<port>`: same-site with the app. */
  readonly sibling: string;
  /** `https://evil.test:<port>`: cross-site. */
  readonly stranger: string;
  readonly provider: RunningProvider;
  readonly upstream: Upstream;
  /** Requests that reached the app's session and proxy: `GET /session/user 403`. */
  readonly answered: string[];
  /** The `Set-Cookie` lines of the attacker's pages. */
  evilCookies: readonly string[];
  /** Takes the next callback away from the app, and returns its address. */
  stealCallback(): Promise<string>;
  close(): Promise<void>;
}

export async function startSites(options: Partial<BrowserSessionOptions> = {}): Promise<Sites> {
  const pem = (name: string): string => readFileSync(new URL(`../../../core/test/self-signed/${name}.pem`, import.meta.url), 'utf8');
  const handlers: NodeHandler[] = [];
  const answered: string[] = [];
  let thief: ((url: string) => void) | undefined;
  // a sibling's cookies must reach the app, however many there are
  const server = createServer({ cert: pem('cert'), key: pem('key'), maxHeaderSize: 131_072 }, (request, response) => {
    void (request.headers.host!.startsWith('app.') ? serveApp(request, response) : serveEvil(response));
  });

  async function serveApp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (thief && request.url!.startsWith('/session/callback')) {
      response.writeHead(204).end();
      return thief(app + request.url!);
    }
    response.once('close', () => {
      if (/^\/(?:session|api)\//.test(request.url!)) answered.push(`${request.method} ${request.url!.split('?')[0]} ${response.statusCode}`);
    });
    // eslint-disable-next-line no-await-in-loop -- one after the other, as middleware runs
    for (const handler of handlers) if (await handler(request, response)) return;
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>App</title>');
  }

  function serveEvil(response: ServerResponse): void {
    // reports where the app redirects to
    const headers = { 'content-type': 'text/html', 'content-security-policy-report-only': `default-src ${app}`, 'set-cookie': [...sites.evilCookies] };
    response.writeHead(200, headers).end('<!doctype html><title>Evil</title>');
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const app = `https://app.example.test:${port}`;
  const [provider, upstream] = await Promise.all([startProvider({ appOrigin: app }), startUpstream()]);
  const { issuer, clientId, clientSecret } = provider;
  const session = createBrowserSession({
    issuer,
    clientId,
    clientSecret,
    origin: app,
    scope: 'openid offline_access orders:read',
    resource: API,
    secrets: ['a secret of a test that has more than 32 characters'],
    mode: 'token-mediating',
    // small cookies: many of them fit into a request
    store: memorySessions(),
    ...options,
  });
  const guard = createResourceGuard({ issuer, audience: API, session });
  await guard.warm();
  const proxy = session.proxy({ to: upstream.origin, methods: ['GET', 'POST'], paths: ['/'], mountPath: '/api', webSockets: true });
  server.on('upgrade', (request, socket, head) => void proxy.upgrade(request, socket, head).then((isProxied) => isProxied || socket.destroy()));
  handlers.push(session.routes(), proxy, createPages(session, guard) as NodeHandler);
  const sites: Sites = {
    app,
    sibling: `https://evil.example.test:${port}`,
    stranger: `https://evil.test:${port}`,
    provider,
    upstream,
    answered,
    evilCookies: [],
    async stealCallback() {
      const url = await new Promise<string>((resolve) => (thief = resolve));
      thief = undefined;
      return url;
    },
    async close() {
      await Promise.all([session.close(), guard.close()]);
      server.closeAllConnections();
      server.close();
      await Promise.all([once(server, 'close'), provider.close(), upstream.close()]);
    },
  };
  return sites;
}
