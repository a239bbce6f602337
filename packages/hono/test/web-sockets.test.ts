import { once } from 'node:events';
import type { Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createAdaptorServer, upgradeWebSocket } from '@hono/node-server';
import { createGuard, scope, type HonoGuardOptions } from '@tokenward/hono';
import { createTestIssuer } from '@tokenward/testing';
import { Hono } from 'hono';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
afterAll(() => issuer.close());
const good = await issuer.issueToken({ scopes: ['feed'], subject: 'ada', claims: { sid: 'session-1' } });
const wrong = await issuer.issueToken({ scopes: ['other'] });

async function start(options: HonoGuardOptions = {}) {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  const app = new Hono();
  app.get(
    '/feed',
    guard(scope('feed')),
    upgradeWebSocket((c) => ({
      onOpen(_event, socket) {
        const { subject, signal } = c.get('auth') as { subject: string; signal: AbortSignal };
        signal.addEventListener('abort', () => socket.close(1008));
        socket.send(`hello ${subject}`);
      },
    })),
  );
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => (offered.has('feed.v1') ? 'feed.v1' : false) });
  const server = createAdaptorServer({ fetch: app.fetch, websocket: { server: sockets as never } }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const client of sockets.clients) client.terminate();
    server.close();
    return guard.close();
  });
  return { guard, port: (server.address() as AddressInfo).port };
}

async function open(port: number, protocols: string[], headers: Record<string, string> = {}): Promise<[socket: WebSocket, answer: string | number]> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/feed`, protocols, { headers });
  onTestFinished(() => socket.terminate());
  return new Promise((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve([socket, data.toString()]));
    socket.once('unexpected-response', (_request, refusal) => resolve([socket, refusal.statusCode!]));
    socket.once('error', reject);
  });
}

test('a guard in front of upgradeWebSocket admits by the header, and closes the socket when the token ends', async () => {
  const { guard, port } = await start();
  expect((await open(port, []))[1]).toBe(401);
  expect((await open(port, [], { authorization: `Bearer ${wrong}` }))[1]).toBe(403);
  const [socket, message] = await open(port, [], { authorization: `Bearer ${good}` });
  expect(message).toBe('hello ada');
  await guard.revocations.revoke({ sessionId: 'session-1' }, { reason: 'logout' });
  const [code] = (await once(socket, 'close')) as [number];
  expect(code).toBe(1008);
});

test('rule 226: a guard in front of upgradeWebSocket admits by a subprotocol, which is not the chosen one', async () => {
  const { port } = await start({ credentials: { webSocketProtocol: 'bearer.' } });
  const [socket, message] = await open(port, [`bearer.${good}`, 'feed.v1']);
  expect([message, socket.protocol]).toEqual(['hello ada', 'feed.v1']);
  expect((await open(port, ['feed.v1', `bearer.${wrong}`]))[1]).toBe(403);
  expect((await open(port, ['feed.v1']))[1]).toBe(401);
});

test('rule 1: answers 400 to two Authorization lines of an upgrade, of which the Request has the first only', async () => {
  const { port } = await start();
  for (const lines of [
    [good, wrong],
    [wrong, good],
    [good, good],
  ]) {
    // prettier-ignore
    const socket = connect(port, '127.0.0.1');
    const fields = lines.map((token) => `Authorization: Bearer ${token}\r\n`).join('');
    socket.write(
      `GET /feed HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n${fields}\r\n`,
    );
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 400 /);
  }
});
