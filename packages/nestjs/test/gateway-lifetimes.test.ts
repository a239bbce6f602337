import { once } from 'node:events';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { ConnectedSocket, SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import type { INestApplicationContext } from '@nestjs/common';
import type { Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { CurrentAuth, memoryRevocations } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';
import { connected, socketIoClient } from './socket-io.js';

let world: World;
let socket: Socket;
beforeAll(async () => {
  world = await createWorld();
});
afterEach(() => void socket?.disconnect());
afterAll(() => world.close());

@WebSocketGateway()
class NewsGateway {
  @WebSocketServer() readonly server!: { emit(event: string, data: unknown): void };

  @SubscribeMessage('who')
  who(@CurrentAuth('subject') subject: string, @ConnectedSocket() _client: unknown) {
    return { event: 'who', data: subject };
  }
}

const shortLived = () => world.token({ lifetimeSeconds: 2 });
const ended = () => new Promise((resolve) => socket.once('disconnect', resolve));
const heard = (event: string) => new Promise((resolve) => socket.once(event, resolve));

test.each(['close', 'error'])("rule 146: disconnects a client that sends '%s' when its token expires, like any other", async (event) => {
  const { origin } = await world.start({ providers: [NewsGateway], options: { clockSkewSeconds: 0 } });
  socket = socketIoClient(origin, { auth: { token: await shortLived() } });
  await connected(socket);
  socket.emit(event);
  expect(await ended()).toBe('io server disconnect');
});

test("rule 146: disconnects a client that sends 'disconnect', which socket.io's own client cannot", async () => {
  const { origin } = await world.start({ providers: [NewsGateway] });
  const raw = new WebSocket(`${origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  const closed = once(raw, 'close');
  await once(raw, 'message');
  raw.send(`40${JSON.stringify({ token: await world.token() })}`);
  expect(String((await once(raw, 'message'))[0])).toMatch(/^40\{"sid"/);
  raw.send('42["disconnect"]');
  await closed;
});

test('closes the socket of a revoked token, and no other', async () => {
  const store = memoryRevocations();
  const { origin } = await world.start({ providers: [NewsGateway], options: { revocations: { store } } });
  const other = socketIoClient(origin, { auth: { token: await world.token({ subject: 'user-2' }) } });
  socket = socketIoClient(origin, { auth: { token: await world.token({ claims: { sid: 'session-1' } }) } });
  await Promise.all([connected(socket), connected(other)]);
  const gone = ended();
  const now = Math.floor(Date.now() / 1000);
  void store.add({ kind: 'session', issuer: world.issuer.issuer, value: 'session-1', issuedUntil: now, until: now + 60, isFinal: false, reason: 'logout' });
  expect(await gone).toBe('io server disconnect');
  const answer = new Promise((resolve) => other.once('who', resolve));
  other.emit('who');
  expect(await answer).toBe('user-2');
  other.disconnect();
});

describe('with connectionStateRecovery', () => {
  class RecoveringAdapter extends IoAdapter {
    override createIOServer(port: number, options: Parameters<IoAdapter['createIOServer']>[1]): ReturnType<IoAdapter['createIOServer']> {
      return super.createIOServer(port, { ...options!, connectionStateRecovery: { maxDisconnectionDuration: 60_000 } });
    }
  }

  /** A connection that broke off, and can be taken up again. */
  async function brokenOff(token: string) {
    const { app, origin } = await world.start({
      providers: [NewsGateway],
      options: { clockSkewSeconds: 0 },
      prepare: (app) => void app.useWebSocketAdapter(new RecoveringAdapter(app)),
    });
    const shown: { token?: string } = { token };
    socket = socketIoClient(origin, { auth: (tell) => tell(shown) });
    await connected(socket);
    // what is there to recover starts with a message
    const first = heard('news');
    tell(app, 'first');
    await first;
    const gone = ended();
    (socket.io.engine as { close(): void }).close();
    await gone;
    tell(app, 'missed');
    return { app, shown };
  }

  function tell(app: INestApplicationContext, news: string): void {
    app.get(NewsGateway).server.emit('news', news);
  }

  test('rule 146: replays nothing to a client that comes back without a token or with an expired one', async () => {
    const { shown } = await brokenOff(await world.token());
    const news: unknown[] = [];
    socket.on('news', (one) => news.push(one));
    for (const token of [undefined, 'bad', await world.token({ lifetimeSeconds: -10 })]) {
      if (token === undefined) delete shown.token;
      else shown.token = token;
      const refused = connected(socket);
      socket.connect();
      await expect(refused).rejects.toMatchObject({ status: 401 });
      expect([socket.connected, news]).toEqual([false, []]);
    }
  });

  test('replays what was missed to a client that comes back with a valid token, and knows it', async () => {
    const { app, shown } = await brokenOff(await world.token({ subject: 'ada' }));
    shown.token = await world.token({ subject: 'ada' });
    const [missed, back] = [heard('news'), connected(socket)];
    socket.connect();
    await back;
    expect([await missed, socket.recovered]).toEqual(['missed', true]);
    const who = heard('who');
    socket.emit('who', {});
    expect(await who).toBe('ada');
    const more = heard('news');
    tell(app, 'more');
    expect([await more, socket.connected]).toEqual(['more', true]);
  });

  test('rule 146: knows a client that came back by its new token, and disconnects it when that ends', async () => {
    const { shown } = await brokenOff(await world.token({ subject: 'ada' }));
    shown.token = await world.token({ subject: 'bob', lifetimeSeconds: 2 });
    const back = connected(socket);
    socket.connect();
    await back;
    expect(socket.recovered).toBe(true);
    const who = heard('who');
    socket.emit('who', {});
    expect(await who).toBe('bob');
    expect(await ended()).toBe('io server disconnect');
  });
});
