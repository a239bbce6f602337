import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, connect as connectHttp2 } from 'node:http2';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { createGuard, refuseUpgrade, scope, type FetchGuard, type FetchGuardOptions } from '@tokenward/fetch';
import { applyHeaders, sendDenial } from '@tokenward/core/adapter';
import { createTestIssuer, parseChallenges } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
afterAll(() => issuer.close());
const good = await issuer.issueToken({ scopes: ['feed'], subject: 'ada', claims: { sid: 'session-1' } });
const wrong = await issuer.issueToken({ scopes: ['other'] });

function newGuard(options: FetchGuardOptions = {}): FetchGuard {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

async function originOf(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The recipe of the guide "WebSockets and plain servers". */
async function startFeed(guard: FetchGuard): Promise<string> {
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('feed.v1') ? 'feed.v1' : false) });
  const server = createServer();
  // eslint-disable-next-line typescript/no-misused-promises -- as in the recipe
  server.on('upgrade', async (req, socket, head) => {
    socket.on('error', () => socket.destroy());
    const decision = await guard.check(req, scope('feed'));
    if (decision.outcome === 'deny') return refuseUpgrade(socket, decision);
    return sockets.handleUpgrade(req, socket, head, (client) => {
      decision.auth.signal.addEventListener('abort', () => client.close(1008));
      client.send(`hello ${decision.auth.subject}`);
    });
  });
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
  });
  return `ws://${await originOf(server)}`;
}

/** Opens a socket, and returns its first message, or the refusal. */
async function open(url: string, protocols: string[] = [], headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, protocols, { headers });
  onTestFinished(() => socket.terminate());
  let upgrade: IncomingMessage | undefined;
  socket.once('upgrade', (response) => (upgrade = response));
  return new Promise<{ socket: WebSocket; message?: string; protocol?: string; upgrade?: IncomingMessage; refusal?: IncomingMessage }>((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve({ socket, message: data.toString(), protocol: socket.protocol, upgrade: upgrade! }));
    socket.once('unexpected-response', (_request, refusal) => resolve({ socket, refusal }));
    socket.once('error', reject);
  });
}

describe('a WebSocket with ws', () => {
  test('opens with a token in the header, and is refused with a challenge otherwise', async () => {
    const url = await startFeed(newGuard());
    expect((await open(url, [], { authorization: `Bearer ${good}` })).message).toBe('hello ada');
    for (const [headers, status, error] of [
      [{}, 401, undefined],
      [{ authorization: 'Bearer bad' }, 401, 'invalid_token'],
      [{ authorization: `Bearer ${wrong}` }, 403, 'insufficient_scope'],
    ] as const) {
      const { refusal } = await open(url, [], headers);
      expect(refusal!.statusCode).toBe(status);
      expect(parseChallenges(refusal!.headers['www-authenticate']!)[0].parameters['error']).toBe(error);
      expect(refusal!.rawHeaders.filter((name) => name === 'www-authenticate')).toHaveLength(2);
      expect([refusal!.headers['content-type'], refusal!.headers['cache-control'], refusal!.headers.connection]).toEqual([
        'application/problem+json',
        'no-store',
        'close',
      ]);
      expect((JSON.parse(await text(refusal!)) as { status: number }).status).toBe(status);
    }
  });

  test('rule 226: opens with a token among the subprotocols, which the response does not repeat', async () => {
    const url = await startFeed(newGuard({ credentials: { webSocketProtocol: 'bearer.' } }));
    for (const protocols of [
      ['feed.v1', `bearer.${good}`],
      [`bearer.${good}`, 'feed.v1'],
    ]) {
      // prettier-ignore
      const { message, protocol, upgrade } = await open(url, protocols);
      expect([message, protocol]).toEqual(['hello ada', 'feed.v1']);
      expect(JSON.stringify(upgrade!.rawHeaders)).not.toContain(good.slice(0, 20));
    }
    expect((await open(url, ['feed.v1', `bearer.${wrong}`])).refusal!.statusCode).toBe(403);
    expect((await open(url, ['feed.v1', 'bearer.bad'])).refusal!.statusCode).toBe(401);
    expect((await open(url, ['feed.v1'])).refusal!.statusCode).toBe(401);
  });

  test('rule 226: takes one token only, from the places that the option names', async () => {
    const url = await startFeed(newGuard({ credentials: { webSocketProtocol: 'bearer.' } }));
    const bearer = { authorization: `Bearer ${good}` };
    expect((await open(url, ['feed.v1', `bearer.${good}`], bearer)).refusal!.statusCode).toBe(400);
    expect((await open(url, [`bearer.${good}`, `bearer.${wrong}`])).refusal!.statusCode).toBe(400);
    expect((await open(`${url}/?access_token=${good}`, ['feed.v1', `bearer.${good}`])).refusal!.statusCode).toBe(400);
    expect((await open(url, ['feed.v1'], bearer)).message).toBe('hello ada');
    const withoutOption = await startFeed(newGuard());
    expect((await open(withoutOption, ['feed.v1', `bearer.${good}`])).refusal!.statusCode).toBe(401);
    expect((await open(`${withoutOption}/?access_token=${good}`)).refusal!.statusCode).toBe(401);
  });

  test('rule 226: however a handshake is written, it opens with one whole token in the right place only, and no refusal repeats it', async () => {
    const { host, port, hostname } = new URL(await startFeed(newGuard({ credentials: { webSocketProtocol: 'bearer.', header: 'x-token' } })));
    const bound = await issuer.issueToken({ scopes: ['feed'], claims: { cnf: { jkt: 'A'.repeat(43) } } });
    const offer = `Sec-WebSocket-Protocol: feed.v1, bearer.${good}`;
    const cases: [status: number, ...lines: string[]][] = [
      [101, offer],
      [101, 'Cookie: __Host-session=x', offer.toUpperCase().slice(0, 23) + offer.slice(23)],
      [101, `x-TOKEN:  ${good}  `],
      [400, offer, offer],
      [400, offer, `X-Token: ${good}`],
      [400, offer, 'X-Token:'],
      [400, offer, 'Authorization:'],
      [400, offer, 'Authorization: Basic YTpi'],
      [400, offer, `Authorization: DPoP ${bound}`],
      [400, `X-Token: ${good}`, `X-Token: ${wrong}`],
      [400, `X-Token: ${good},`],
      [400, 'X-Token:'],
      [400, 'Sec-WebSocket-Protocol: feed.v1, bearer.'],
      [400, `Sec-WebSocket-Protocol: bearer., bearer.${good}`],
      [400, `Sec-WebSocket-Protocol: feed.v1, bearer."${good}"`],
      [401, `Sec-WebSocket-Protocol: feed.v1, bearer.bearer.${good}`],
      [401, `Sec-WebSocket-Protocol: feed.v1, Bearer.${good}`],
      [401, `Sec-WebSocket-Protocol: feed.v1, bearer.${bound}`],
      [401, `Sec_WebSocket_Protocol: feed.v1, bearer.${good}`],
      [401, `X_Token: ${good}`],
      [401, `X-Token: Bearer${good}`],
      [401, `X-Token: ${bound}`, 'DPoP: x'],
    ];
    for (const [status, ...lines] of cases) {
      const raw = connect(Number(port), hostname);
      const key = ['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
      raw.write(['GET / HTTP/1.1', `Host: ${host}`, 'Connection: Upgrade', 'Upgrade: websocket', ...key, ...lines, '', ''].join('\r\n'));
      const [answer] = (await once(raw, 'data')) as [Buffer];
      raw.destroy();
      expect(answer.toString().slice(0, 12), lines.join(' | ')).toBe(`HTTP/1.1 ${status}`);
      for (const token of [good, wrong, bound]) expect(answer.toString()).not.toContain(token.slice(-20));
    }
  });

  test('closes when its token is revoked', async () => {
    const guard = newGuard();
    const { socket } = await open(await startFeed(guard), [], { authorization: `Bearer ${good}` });
    await guard.revocations.revoke({ sessionId: 'session-1' }, { reason: 'logout' });
    const [code] = (await once(socket, 'close')) as [number];
    expect(code).toBe(1008);
  });

  test('a client that resets its connection while the guard waits ends no process', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const url = await startFeed(newGuard({ fetch: (...given) => promise.then(() => fetch(...given)) }));
    const { host, port, hostname } = new URL(url);
    for (const token of [good, wrong]) {
      const raw: Socket = connect(Number(port), hostname);
      raw.write(
        `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nAuthorization: Bearer ${token}\r\n\r\n`,
      );
      await once(raw, 'connect');
      await new Promise(setImmediate);
      raw.resetAndDestroy();
    }
    resolve();
    expect((await open(url, [], { authorization: `Bearer ${good}` })).message).toBe('hello ada');
  });
});

/** The other recipe of the guide "WebSockets and plain servers". */
function listenerWith(guard: FetchGuard) {
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const decision = await guard.check(req, scope('feed'));
    if (decision.outcome === 'deny') return sendDenial(res, decision);
    applyHeaders(res, decision.headers);
    res.end(decision.auth.subject);
  };
}

test('check() guards a plain server of node:http, and answers nothing itself', async () => {
  const listener = listenerWith(newGuard());
  const server = createServer((req, res) => void listener(req, res));
  onTestFinished(() => void server.close());
  const url = `http://${await originOf(server)}/`;
  const ask = (headers: Record<string, string> = {}) => fetch(url, { headers });
  expect((await ask()).headers.get('www-authenticate')).toContain('scope="feed"');
  expect((await ask({ authorization: `Bearer ${wrong}` })).status).toBe(403);
  expect(await (await ask({ authorization: `Bearer ${good}` })).text()).toBe('ada');
});

test('check() guards a plain HTTP/2 server', async () => {
  const listener = listenerWith(newGuard());
  const server = createHttp2Server((req, res) => void listener(req as never, res as never));
  onTestFinished(() => void server.close());
  const client = connectHttp2(`http://${await originOf(server)}`);
  onTestFinished(() => client.destroy());
  const ask = async (authorization?: string): Promise<[number, string]> => {
    const stream = client.request({ ':path': '/', ...(authorization !== undefined && { authorization }) });
    const [headers] = (await once(stream, 'response')) as [{ ':status': number }];
    return [headers[':status'], await text(stream)];
  };
  expect(await ask(`Bearer ${good}`)).toEqual([200, 'ada']);
  expect((await ask())[0]).toBe(401);
  expect((await ask(`Bearer ${wrong}`))[0]).toBe(403);
});
