import { once } from 'node:events';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { Provider } from '@nestjs/common';
import { io, type Socket } from 'socket.io-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { CurrentAuth, getAuth, GuardedBy, listHandlers, OptionalAuth, Public, Scopes, TokenwardModule, type Auth } from '@tokenward/nestjs';
import { createWorld, guardInHaste, type Started, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const connected: string[] = [];
beforeEach(() => void connected.splice(0));

@WebSocketGateway()
class ChatGateway {
  handleConnection() {
    connected.push('chat');
  }

  @SubscribeMessage('me')
  me(@CurrentAuth() auth: Auth, @ConnectedSocket() _client: unknown) {
    return { event: 'me', data: auth.subject };
  }

  @SubscribeMessage('move')
  @Scopes('moves:write')
  move(@MessageBody() body: unknown) {
    return { event: 'moved', data: body };
  }
}

@WebSocketGateway({ namespace: 'open', path: '/open' })
@Public()
class OpenGateway {
  handleConnection() {
    connected.push('open');
  }

  @SubscribeMessage('ping')
  ping() {
    return { event: 'pong', data: 1 };
  }

  @SubscribeMessage('move')
  @Scopes('moves:write')
  move(@CurrentAuth('subject') subject: string) {
    return { event: 'moved', data: subject };
  }
}

/** One way of talking to a gateway: both kinds of servers show the same. */
interface Talk {
  /** Rejects with what the handshake was refused with. */
  connect(origin: string, place: 'chat' | 'open', token?: string): Promise<void>;
  ask(event: string, data?: unknown): Promise<{ event: string; data: unknown }>;
  ended(): Promise<unknown>;
  close(): void;
}

function socketIo(): Talk & { connectWith(origin: string, place: string, options: object): Promise<void> } {
  let socket: Socket;
  let end: Promise<unknown>;

  function connectWith(origin: string, place: string, options: object): Promise<void> {
    socket = io(place === 'open' ? `${origin}/open` : origin, {
      transports: ['websocket'],
      reconnection: false,
      forceNew: true,
      ...(place === 'open' && { path: '/open' }),
      ...options,
    });
    end = new Promise((resolve) => socket.once('disconnect', resolve));
    return new Promise((resolve, reject) => {
      socket.once('connect', resolve).once('connect_error', (error: Error & { data?: unknown }) => reject(Object.assign(error, error.data)));
    });
  }

  return {
    connectWith,
    connect: (origin, place, token) => connectWith(origin, place, token === undefined ? {} : { auth: { token } }),
    async ask(event, data) {
      const answer = new Promise<{ event: string; data: unknown }>((resolve) => socket.onAny((event: string, data: unknown) => resolve({ event, data })));
      socket.emit(event, data);
      return answer;
    },
    ended: () => end,
    close: () => void socket?.disconnect(),
  };
}

function ws(): Talk {
  let socket: WebSocket;
  return {
    async connect(origin, place, token) {
      socket = new WebSocket(
        `${origin.replace('http', 'ws')}/${place === 'open' ? 'open' : ''}`,
        token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
      );
      await new Promise<void>((resolve, reject) => {
        socket
          .once('open', resolve)
          .once('error', reject)
          .once('unexpected-response', (_request, response) => {
            const chunks: Buffer[] = [];
            response
              .on('data', (chunk: Buffer) => chunks.push(chunk))
              .once('end', () => {
                const { headers, statusCode: status } = response;
                reject(Object.assign(new Error('refused'), { headers, ...(JSON.parse(Buffer.concat(chunks).toString()) as object), status }));
              });
          });
      });
    },
    async ask(event, data) {
      const answer = once(socket, 'message') as Promise<[Buffer]>;
      socket.send(JSON.stringify({ event, data }));
      return JSON.parse((await answer)[0].toString()) as { event: string; data: unknown };
    },
    ended: () => once(socket, 'close').then(([code]) => code as unknown),
    close: () => socket?.close(),
  };
}

/** `ws` has no namespaces, so a gateway has a path there. */
@WebSocketGateway({ path: '/open' })
@Public()
class OpenPathGateway extends OpenGateway {}

describe.each([
  ['socket.io', socketIo, IoAdapter, OpenGateway],
  ['ws', ws, WsAdapter, OpenPathGateway],
] as const)('gateways of %s', (name, talk, Adapter, Open) => {
  let app: Started;
  let client: Talk;

  async function start(providers: Provider[], options: object = {}): Promise<Started> {
    return world.start({ providers, options: { clockSkewSeconds: 0, ...options }, prepare: (app) => void app.useWebSocketAdapter(new Adapter(app)) });
  }

  beforeAll(async () => {
    app = await start([ChatGateway, Open]);
  });
  beforeEach(() => {
    client = talk();
  });
  afterEach(() => client.close());

  test('rule 146: refuses the handshake, and handleConnection does not run', async () => {
    await expect(client.connect(app.origin, 'chat')).rejects.toMatchObject({ status: 401, title: 'Unauthorized' });
    await expect(client.connect(app.origin, 'chat', 'bad')).rejects.toMatchObject({ status: 401, error: 'invalid_token' });
    expect(connected).toEqual([]);
    if (name === 'ws') {
      const refused = (await client.connect(app.origin, 'chat', 'bad').catch((error: unknown) => error)) as { headers: Record<string, string> };
      expect(refused.headers).toMatchObject({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
      expect(refused.headers['www-authenticate']).toMatch(/^Bearer realm="api", error="invalid_token"/);
    }
  });

  test('rule 146: opens the socket for a valid token, and its messages have the caller', async () => {
    await client.connect(app.origin, 'chat', await world.token());
    expect(connected).toEqual(['chat']);
    expect(await client.ask('me')).toEqual({ event: 'me', data: 'user-1' });
  });

  test('rule 146: requires of a message what its decorators say', async () => {
    await client.connect(app.origin, 'chat', await world.token());
    expect(await client.ask('move', 1)).toMatchObject({ event: 'exception', data: { status: 403, error: 'insufficient_scope', scope: 'moves:write' } });
    client.close();
    await client.connect(app.origin, 'chat', await world.token({ scopes: ['moves:write'] }));
    expect(await client.ask('move', 1)).toEqual({ event: 'moved', data: 1 });
  });

  test('rule 157: a guard of the app that does not wait for this one opens no message', async () => {
    const haste = guardInHaste();
    const hasty = await world.start({
      providers: [ChatGateway],
      options: { onDenied: (decision) => Promise.resolve(decision) },
      prepare(started) {
        started.useWebSocketAdapter(new Adapter(started));
        haste.install(started);
      },
    });
    await client.connect(hasty.origin, 'chat', await world.token());
    expect(await client.ask('move', 1)).toMatchObject({ event: 'exception', data: { status: 403, scope: 'moves:write' } });
    expect(await client.ask('me')).toEqual({ event: 'me', data: 'user-1' });
    expect(haste.admitted()).toBe(2);
  });

  test('rule 102: the refusal of a message names what the handshake requires, but nothing that another message requires', async () => {
    @WebSocketGateway()
    @Scopes('chat:join')
    class MovesGateway {
      @SubscribeMessage('read')
      @Scopes('moves:read')
      read() {
        return { event: 'read', data: 1 };
      }

      @SubscribeMessage('move')
      @Scopes('moves:write')
      move() {
        return { event: 'moved', data: 1 };
      }
    }

    const { origin } = await start([MovesGateway]);
    await client.connect(origin, 'chat', await world.token({ scopes: ['chat:join', 'moves:read'] }));
    expect(await client.ask('read')).toEqual({ event: 'read', data: 1 });
    expect(await client.ask('move')).toMatchObject({ event: 'exception', data: { status: 403, scope: 'chat:join moves:write' } });
  });

  test('@Public() on the gateway opens its handshake, not its messages', async () => {
    await client.connect(app.origin, 'open');
    expect(connected).toEqual(['open']);
    expect(await client.ask('ping')).toEqual({ event: 'pong', data: 1 });
    client.close();
    await client.connect(app.origin, 'open');
    expect(await client.ask('move')).toMatchObject({ event: 'exception', data: { status: 401 } });
    client.close();
    await client.connect(app.origin, 'open', await world.token({ scopes: ['moves:write'] }));
    expect(await client.ask('move')).toEqual({ event: 'moved', data: 'user-1' });
  });

  test('closes the socket when the token expires', async () => {
    await client.connect(app.origin, 'chat', await world.token({ lifetimeSeconds: 2 }));
    expect(await client.ask('me')).toEqual({ event: 'me', data: 'user-1' });
    expect(await client.ended()).toBe(name === 'ws' ? 1008 : 'io server disconnect');
  });

  test('lists gateways', () => {
    expect(listHandlers(app.app).map(({ kind, at, credentials }) => [kind, at, credentials])).toEqual([
      ['ws', 'message "me"', 'required'],
      ['ws', 'message "move"', 'required'],
      ['ws', 'message "ping"', 'public'],
      ['ws', 'message "move"', 'required'],
    ]);
  });

  test('@OptionalAuth() on the gateway does not admit a wrong token', async () => {
    @WebSocketGateway()
    @OptionalAuth()
    class OptionalGateway {
      @SubscribeMessage('who')
      who(@CurrentAuth('subject', 'optional') subject: string | undefined) {
        return { event: 'who', data: subject ?? null };
      }
    }

    const { origin } = await start([OptionalGateway]);
    await client.connect(origin, 'chat');
    expect(await client.ask('who')).toEqual({ event: 'who', data: null });
    client.close();
    await expect(client.connect(origin, 'chat', 'bad')).rejects.toMatchObject({ status: 401 });
    await client.connect(origin, 'chat', await world.token());
    expect(await client.ask('who')).toEqual({ event: 'who', data: 'user-1' });
  });

  test('adds up the requirements of two gateways on one socket', async () => {
    @WebSocketGateway()
    @Scopes('chat:join')
    class ScopedGateway {
      handleConnection(socket: object) {
        connected.push(typeof getAuth(socket));
      }
    }

    const { origin } = await start([ChatGateway, ScopedGateway, Open]);
    await expect(client.connect(origin, 'chat', await world.token())).rejects.toMatchObject({ status: 403, scope: 'chat:join' });
    expect(connected).toEqual([]);
    await client.connect(origin, 'open');
  });

  test('two guards on one socket stop the start', async () => {
    @WebSocketGateway()
    @GuardedBy('partner')
    class PartnerGateway {}

    const { issuer: url, audience } = world.issuer;
    const partner = TokenwardModule.forRoot({ name: 'partner', issuer: url, audience });
    const started = world.start({
      providers: [ChatGateway, PartnerGateway],
      imports: [partner],
      prepare: (app) => void app.useWebSocketAdapter(new Adapter(app)),
    });
    await expect(started).rejects.toThrow(/ChatGateway, PartnerGateway.*default, partner/);
  });

  test('answers 503 to a handshake while the keys cannot be fetched', async () => {
    const gone = await createWorld();
    const token = await gone.token();
    const { issuer: url, audience } = gone.issuer;
    await gone.issuer.close();
    const { origin } = await start([ChatGateway], { issuer: url, audience });
    await expect(client.connect(origin, 'chat', token)).rejects.toMatchObject({ status: 503 });
    expect(connected).toEqual([]);
  });
});

describe('socket.io', () => {
  test('takes a token from the handshake header too, and refuses two of them', async () => {
    const { origin } = await world.start({ providers: [ChatGateway] });
    const token = await world.token();
    const client = socketIo();
    await client.connectWith(origin, 'chat', { extraHeaders: { authorization: `Bearer ${token}` } });
    expect(await client.ask('me')).toEqual({ event: 'me', data: 'user-1' });
    client.close();
    await expect(client.connectWith(origin, 'chat', { extraHeaders: { authorization: `Bearer ${token}` }, auth: { token } })).rejects.toMatchObject({
      status: 400,
    });
    for (const token of [{}, 7, '', ['a']])
      await expect(client.connectWith(origin, 'chat', { auth: { token } })).rejects.toMatchObject({ error: expect.stringMatching(/invalid/) });
    client.close();
  });

  test('guards the default adapter too, and a namespace with requirements of its own', async () => {
    @WebSocketGateway({ namespace: 'admin' })
    @Scopes('admin')
    class AdminGateway {
      handleConnection() {
        connected.push('admin');
      }
    }

    const { origin } = await world.start({ providers: [ChatGateway, AdminGateway] });
    const client = socketIo();
    await expect(client.connectWith(`${origin}/admin`, 'chat', { auth: { token: await world.token() } })).rejects.toMatchObject({ status: 403 });
    expect(connected).toEqual([]);
    await client.connectWith(`${origin}/admin`, 'chat', { auth: { token: await world.token({ scopes: ['admin'] }) } });
    expect(connected).toEqual(['admin']);
    client.close();
  });
});
