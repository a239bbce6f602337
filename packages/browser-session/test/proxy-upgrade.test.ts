import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { promisify } from 'node:util';
import type { BrowserSessionOptions } from '@tokenward/browser-session';
import { memorySessions } from '@tokenward/core';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { startProxiedApp, type ProxiedApp } from './proxied-app.ts';

let app: ProxiedApp;
let api: Server;
let to: string;
/** Headers of the handshakes that reached the API. */
const seen: { readonly url: string; readonly headers: NodeJS.Dict<string | string[]>; readonly socket: Socket }[] = [];
/** What the API answers instead of opening a WebSocket. */
let refusal: string | undefined;

beforeAll(async () => {
  app = await startProxiedApp();
  const echo = new WebSocketServer({ noServer: true, handleProtocols: () => 'chat' });
  api = createServer().on('upgrade', (request, socket, head) => {
    socket.on('error', () => {});
    seen.push({ url: request.url!, headers: request.headers, socket: socket as Socket });
    if (refusal !== undefined) return void socket.end(refusal);
    echo.handleUpgrade(request, socket, head, (client) => client.on('message', (data, isBinary) => client.send(data, { binary: isBinary })));
    return undefined;
  });
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  to = `http://127.0.0.1:${(api.address() as AddressInfo).port}/v1`;
  const feeds = app.proxy({ mountPath: '/feeds', to, webSockets: true, paths: ['/live'] });
  const slow = app.proxy({ mountPath: '/slow', to: app.upstream.origin, webSockets: true, timeoutSeconds: 0.3 });
  const down = app.proxy({ mountPath: '/down', to: 'http://127.0.0.1:1', webSockets: true });
  app.server.on('upgrade', (request, socket, head) => {
    void (async () => {
      // eslint-disable-next-line no-await-in-loop
      for (const proxy of [feeds, slow, down]) if (await proxy.upgrade(request, socket, head)) return;
      socket.end('HTTP/1.1 418 Not Here\r\n\r\n');
    })();
  });
});

afterAll(async () => {
  api.closeAllConnections();
  api.close();
  for (const { socket } of seen) socket.destroy();
  await app.close();
});

interface Handshake {
  readonly origin?: string;
  readonly cookie?: string;
  /** Default: the browser does not send `Sec-Fetch-Site`. */
  readonly site?: string;
}

function open(path: string, { origin = app.origin, cookie = app.cookie, site }: Handshake = {}): WebSocket {
  const headers = { cookie, ...(origin !== '' && { origin }), ...(site !== undefined && { 'sec-fetch-site': site }) };
  const socket = new WebSocket(`${app.origin.replace('http', 'ws')}${path}`, 'chat', { headers });
  onTestFinished(() => socket.terminate());
  return socket;
}

async function statusOf(socket: WebSocket): Promise<number> {
  socket.on('error', () => {});
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { readonly statusCode: number }];
  return response.statusCode;
}

test('a WebSocket of the app reaches the API with the access token, and without the cookie', async () => {
  const socket = open('/feeds/live?x=1');
  await once(socket, 'open');
  expect(socket.protocol).toBe('chat');
  const big = 'x'.repeat(300_000);
  for (const text of ['hello', big]) {
    socket.send(text);
    // eslint-disable-next-line no-await-in-loop
    expect(String((await once(socket, 'message'))[0])).toBe(text);
  }
  const { url, headers } = seen.at(-1)!;
  expect([url, headers.host, headers.cookie, headers.authorization?.slice(0, 9)]).toEqual(['/v1/live?x=1', new URL(to).host, undefined, 'Bearer ey']);
  socket.close(4000, 'bye');
  expect((await once(socket, 'close'))[0]).toBe(4000);
});

test('rule 129: a page of another origin opens no WebSocket, and neither does a request without Origin', async () => {
  const before = seen.length;
  for (const origin of ['https://evil.example', 'null', `${new URL(app.origin).protocol}//localhost`, '']) {
    // eslint-disable-next-line no-await-in-loop
    expect(await statusOf(open('/feeds/live', { origin })), origin).toBe(403);
  }
  expect(seen).toHaveLength(before);
});

test('rule 129: a WebSocket opens only if Sec-Fetch-Site, where the browser sends it, is same-origin', async () => {
  const before = seen.length;
  for (const site of ['cross-site', 'same-site', 'none', '', 'same-origin, cross-site', 'SAME-ORIGIN']) {
    // eslint-disable-next-line no-await-in-loop -- with a session and without: the answer tells nothing
    for (const cookie of [app.cookie, '']) expect(await statusOf(open('/feeds/live', { site, cookie })), site).toBe(403);
  }
  expect(seen).toHaveLength(before);
  await once(open('/feeds/live', { site: 'same-origin' }), 'open');
  expect(seen).toHaveLength(before + 1);
});

test('without a session the answer is 401, and for paths that are not listed 404', async () => {
  const before = seen.length;
  expect(await statusOf(open('/feeds/live', { cookie: '' }))).toBe(401);
  expect(await statusOf(open('/feeds/live', { cookie: '__Host-session=x' }))).toBe(401);
  expect(await statusOf(open('/feeds/admin'))).toBe(404);
  expect(await statusOf(open('/feeds/live/%2e%2e%2fadmin'))).toBe(400);
  expect(await statusOf(open('/elsewhere'))).toBe(418);
  expect(seen).toHaveLength(before);
});

test.each([
  ['another protocol', 'upgrade: h2c\r\nconnection: upgrade'],
  ['a body', 'upgrade: websocket\r\nconnection: upgrade\r\ncontent-length: 40'],
  ['chunks', 'upgrade: websocket\r\nconnection: upgrade\r\ntransfer-encoding: chunked'],
])('an upgrade with %s is refused, and opens no tunnel to the API', async (_title, headers) => {
  const before = seen.length;
  const smuggled = 'GET /v1/admin HTTP/1.1\r\nhost: x\r\n\r\n';
  const answer = await app.exchange(`GET /feeds/live HTTP/1.1\r\nhost: x\r\norigin: ${app.origin}\r\ncookie: ${app.cookie}\r\n${headers}\r\n\r\n${smuggled}`);
  expect(answer).toMatch(/^HTTP\/1.1 400 /);
  expect(seen).toHaveLength(before);
});

test.each([
  ['HTTP/1.1 403 Forbidden\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n', 403],
  ['HTTP/1.1 302 Found\r\nlocation: ws://evil.example\r\ncontent-length: 0\r\n\r\n', 502],
  ['HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n', 502],
  ['HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n', 502],
  ['HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n', 502],
  ['nonsense', 502],
])('an API that answers %j gives the client %i', async (answer, status) => {
  refusal = answer;
  onTestFinished(() => void (refusal = undefined));
  expect(await statusOf(open('/feeds/live'))).toBe(status);
});

test('an API that hangs is 504, and one that cannot be reached is 502', async () => {
  app.upstream.server.on('upgrade', (_request, socket) => onTestFinished(() => void socket.destroy()));
  onTestFinished(() => void app.upstream.server.removeAllListeners('upgrade'));
  expect(await statusOf(open('/slow/x'))).toBe(504);
  expect(await statusOf(open('/down/x'))).toBe(502);
});

test('a client that leaves ends the connection to the API, and an API that leaves that of the client', async () => {
  const one = open('/feeds/live');
  await once(one, 'open');
  const { socket } = seen.at(-1)!;
  one.terminate();
  await once(socket, 'close');

  const other = open('/feeds/live');
  await once(other, 'open');
  seen.at(-1)!.socket.destroy();
  await once(other, 'close');
});

test('half a connection does not stay open', async () => {
  const socket = app.connect();
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const headers = `origin: ${app.origin}\r\ncookie: ${app.cookie}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}`;
  socket.write(`GET /feeds/live HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n`);
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 101 [^]*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  socket.end();
  await once(socket, 'close');
  expect(seen.at(-1)!.socket.destroyed || (await once(seen.at(-1)!.socket, 'close'))).toBeTruthy();
});

test('callback address behind proxies: a handshake that a proxy made an ordinary request is told in one sentence', async () => {
  const warnings: string[] = [];
  const listener = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', listener);
  onTestFinished(() => void process.off('warning', listener));
  const headers = { 'x-tokenward-csrf': undefined, origin: app.origin, 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==', 'sec-websocket-version': '13' };
  const { status, text } = await app.call('GET', '/feeds/live', { headers });
  expect([status, JSON.parse(text)]).toMatchObject([400, { detail: 'The handshake of a WebSocket came without the headers Upgrade and Connection' }]);
  await vi.waitFor(() => expect(warnings).toEqual([expect.stringContaining('let a proxy in front of this app pass the headers Upgrade and Connection')]));
});

test('without the option webSockets, an upgrade is refused with a warning, and ends no process', async () => {
  const warnings: string[] = [];
  const listener = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', listener);
  onTestFinished(() => void process.off('warning', listener));
  const proxy = app.session.proxy({ to, methods: ['GET'], paths: ['/'] });
  const socket = new PassThrough();
  expect(await proxy.upgrade({ url: '/', headers: {}, rawHeaders: [] } as never, socket, Buffer.alloc(0))).toBe(true);
  expect(String(socket.read())).toMatch(/^HTTP\/1\.1 400 /);
  await vi.waitFor(() => expect(warnings).toEqual([expect.stringContaining('needs the option webSockets: true')]));
  expect(() => app.session.proxy({ to, methods: ['GET'], paths: ['/'], webSockets: true })).toThrow('mountPath: is missing');
});

describe('the end of the session', () => {
  /** An app of its own, with an open WebSocket and an open stream of events. */
  async function openBoth(options: Partial<BrowserSessionOptions> = {}) {
    const own = await startProxiedApp({ idleSeconds: 1000, ...options });
    onTestFinished(() => own.close());
    const proxy = own.proxy({ mountPath: '/api', to: own.upstream.origin, webSockets: true });
    own.server.on('upgrade', (request, socket, head) => void proxy.upgrade(request, socket, head));
    const echo = new WebSocketServer({ server: own.upstream.server });
    const arrived = once(echo, 'connection') as Promise<[WebSocket]>;
    const socket = new WebSocket(`${own.origin.replace('http', 'ws')}/api/feed`, { headers: { cookie: own.cookie, origin: own.origin } });
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    const [atApi] = await arrived;
    own.upstream.answer = (_request, response) => void response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).write('data: 1\n\n');
    const events = await own.begin('GET', '/api/events');
    await once(events, 'data');
    own.upstream.answer = undefined;
    // an answer that is cut
    const ofEvents = new Promise((resolve) => {
      events.once('error', resolve);
    });
    return { app: own, ends: Promise.all([once(socket, 'close'), once(atApi, 'close'), ofEvents]) };
  }

  const MODES = { 'encrypted cookies': () => ({}), 'a store in memory': () => ({ store: memorySessions() }) };

  describe.each(Object.entries(MODES))('with %s', (_mode, options) => {
    test('rule 186: a logout ends the WebSockets and streams of events of the session, and no other calls', async () => {
      const { app: own, ends } = await openBoth(options());
      let finish!: () => void;
      own.upstream.answer = (_request, response) => {
        response.writeHead(200).write('half');
        finish = () => response.end(', whole');
      };
      const download = await own.begin('GET', '/api/download');
      const answer = await fetch(`${own.origin}/session/logout`, { method: 'POST', headers: { cookie: own.cookie, 'x-tokenward-csrf': '1' } });
      expect(answer.status).toBe(200);
      await ends;
      finish();
      expect(Buffer.concat(await download.toArray()).toString()).toBe('half, whole');
    });

    test('rule 186: a revocation ends them, and so does their idle end', async () => {
      const { app: own, ends } = await openBoth(options());
      await own.session.revocations.revoke({ subject: 'alice' });
      await ends;

      const idle = await openBoth(options());
      idle.app.clock.advance(1001);
      // any revocation has the others looked at, too
      await idle.app.session.revocations.revoke({ subject: 'somebody else' });
      await idle.ends;
    });
  });

  test('rule 186: close() closes WebSockets, streams of events and kept connections, and waits for calls under way', async () => {
    const { app: own, ends } = await openBoth();
    let finish!: () => void;
    const arrived = new Promise<void>((resolve) => {
      own.upstream.answer = (_request, response) => {
        finish = () => response.end('whole');
        resolve();
      };
    });
    const call = own.call('GET', '/api/slow');
    await arrived;
    let isClosed = false;
    const closing = own.session.close().then(() => (isClosed = true));
    await ends;
    expect(isClosed).toBe(false);
    finish();
    expect((await call).text).toBe('whole');
    await closing;
    const connections = promisify(own.upstream.server.getConnections.bind(own.upstream.server));
    await vi.waitFor(async () => expect(await connections()).toBe(0));
    // a server that is not closed yet still answers
    own.upstream.answer = undefined;
    expect((await own.call('GET', '/api/orders')).status).toBe(200);
    await vi.waitFor(async () => expect(await connections()).toBe(0));
  });
});
