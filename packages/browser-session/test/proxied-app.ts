import { once } from 'node:events';
import { createServer, request as requestHttp, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { BrowserSessionOptions } from '@tokenward/browser-session';
import { createBrowserSession, type NodeBrowserSession, type NodeHandler, type ProxyOptions, type ProxyUpgrade } from '@tokenward/browser-session/node';
import { createTestClock, type TestClock } from '@tokenward/testing';
import { createBrowser } from './browser.ts';
import { API, startProvider, type ProviderOptions, type RunningProvider } from './provider.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const CSRF = { 'x-tokenward-csrf': '1' };

/** An app on `node:http` with proxies, in which a user is logged in, and the API behind them. */
export interface ProxiedApp {
  readonly origin: string;
  readonly port: number;
  readonly server: Server;
  readonly session: NodeBrowserSession;
  readonly provider: RunningProvider;
  readonly upstream: Upstream;
  readonly clock: TestClock;
  /** The `Cookie` header of the browser. */
  readonly cookie: string;
  /** Mounts one more proxy to the API. */
  proxy(options: Partial<ProxyOptions> & { readonly mountPath: string }): NodeHandler & ProxyUpgrade;
  /** Calls the app as its own page does. `headers` come on top; those that are undefined are left out. */
  call(method: string, path: string, options?: Call): Promise<Answer>;
  /** The same, but resolves with the beginning of the answer. */
  begin(method: string, path: string, options?: Call): Promise<IncomingMessage>;
  /** Sends text over a connection of its own, and returns all that comes back until the end. */
  exchange(text: string): Promise<string>;
  connect(): Socket;
  close(): Promise<void>;
}

export interface Call {
  readonly headers?: NodeJS.Dict<string | readonly string[]> | undefined;
  readonly body?: string | Readable | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export async function startProxiedApp(options: Partial<BrowserSessionOptions> = {}, providerOptions: Partial<ProviderOptions> = {}): Promise<ProxiedApp> {
  const handlers: NodeHandler[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      // one after the other, as middleware runs
      // eslint-disable-next-line no-await-in-loop
      for (const handler of handlers) if (await handler(request, response)) return;
      response.writeHead(404).end('not mounted');
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${port}`;
  const [provider, upstream] = await Promise.all([startProvider({ appOrigin: origin, ...providerOptions }), startUpstream()]);
  const { issuer, clientId, clientSecret } = provider;
  const clock = createTestClock();
  const session = createBrowserSession({
    issuer,
    clientId,
    clientSecret,
    origin,
    clock,
    resource: API,
    scope: 'openid offline_access orders:read',
    secrets: ['a secret of a test that has more than 32 characters'],
    ...options,
  });
  handlers.push(session.routes());

  const browser = createBrowser();
  const started = await browser.visit(`${origin}/session/login`);
  const callback = await browser.logInAt(started.headers.get('location')!, origin);
  const landing = await browser.visit(callback);
  if (landing.status !== 200) throw new Error(`the login failed: ${landing.status} ${await landing.text()}`);
  const cookie = [...browser.cookies(origin)].map(([name, value]) => `${name}=${value}`).join('; ');

  function begin(method: string, path: string, { headers = {}, body }: Call = {}): Promise<IncomingMessage> {
    const sentHeaders = Object.fromEntries(Object.entries({ cookie, ...CSRF, ...headers }).filter(([, value]) => value !== undefined));
    return new Promise((resolve, reject) => {
      const sent = requestHttp({ port, host: '127.0.0.1', method, path, agent: false, headers: sentHeaders });
      sent.once('response', resolve).once('error', reject);
      if (typeof body === 'object') body.pipe(sent);
      else sent.end(body);
    });
  }

  return {
    origin,
    port,
    server,
    session,
    provider,
    upstream,
    clock,
    cookie,
    begin,
    proxy(proxyOptions) {
      const handler = session.proxy({
        to: upstream.origin,
        methods: ['GET', 'POST', 'PUT', 'DELETE'],
        paths: ['/'],
        ...proxyOptions,
      });
      handlers.push(handler);
      return handler;
    },
    async call(method, path, call) {
      const answer = await begin(method, path, call);
      const text = Buffer.concat(await answer.toArray()).toString();
      return {
        status: answer.statusCode!,
        headers: answer.headers,
        text,
      };
    },
    async exchange(text) {
      const socket = connect(port, '127.0.0.1');
      socket.write(text);
      return Buffer.concat(await socket.toArray()).toString('latin1');
    },
    connect: () => connect(port, '127.0.0.1'),
    async close() {
      await session.close();
      server.closeAllConnections();
      server.close();
      await Promise.all([once(server, 'close'), provider.close(), upstream.close()]);
    },
  };
}
