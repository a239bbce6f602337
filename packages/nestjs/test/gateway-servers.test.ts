import { once } from 'node:events';
import { Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Public, Scopes, TokenwardModule } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';
import { freePort } from '../../testing/test/free-port.js';
import { connected, socketIoClient } from './socket-io.js';

let world: World;
const ran: string[] = [];
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => void ran.splice(0));
afterAll(() => world.close());

@WebSocketGateway({ path: '/open' })
@Public()
class OpenGateway {
  handleConnection() {
    ran.push('open');
  }

  @SubscribeMessage('ping')
  ping() {
    return { event: 'ping', data: 'open' };
  }
}

@WebSocketGateway({ path: '/secret' })
@Scopes('admin')
class SecretGateway {
  handleConnection() {
    ran.push('secret');
  }

  @SubscribeMessage('tell')
  tell() {
    ran.push('told');
    return { event: 'tell', data: 'secret' };
  }
}

describe.each([
  ['open', [OpenGateway, SecretGateway]],
  ['secret', [SecretGateway, OpenGateway]],
])('an adapter that gives one server to several gateways, of which the first is %s', (_name, providers) => {
  class OneWsAdapter extends WsAdapter {
    #server: unknown;

    override create(port: number, options: object): unknown {
      return (this.#server ??= super.create(port, { ...options, path: '/one' }) as unknown);
    }
  }

  class OneIoAdapter extends IoAdapter {
    #server: ReturnType<IoAdapter['createIOServer']> | undefined;

    override create(port: number): ReturnType<IoAdapter['createIOServer']> {
      return (this.#server ??= this.createIOServer(port));
    }
  }

  test('rule 146: of ws, requires at the handshake what any gateway requires', async () => {
    const { origin } = await world.start({ providers, prepare: (app) => void app.useWebSocketAdapter(new OneWsAdapter(app)) });

    async function statusOf(token?: string): Promise<number> {
      const client = new WebSocket(`${origin.replace('http', 'ws')}/one`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
      const status = await Promise.race([
        once(client, 'open').then(() => 101),
        once(client, 'unexpected-response').then(([, response]) => (response as { statusCode: number }).statusCode),
      ]);
      client.on('error', () => {}).terminate();
      return status;
    }

    expect(await statusOf()).toBe(401);
    expect(await statusOf(await world.token())).toBe(403);
    expect(ran).toEqual([]);
    expect(await statusOf(await world.token({ scopes: ['admin'] }))).toBe(101);
    expect(ran).toEqual(expect.arrayContaining(['open', 'secret']));
  });

  test('rule 146: of socket.io, requires at the handshake what any gateway requires', async () => {
    const { origin } = await world.start({ providers, prepare: (app) => void app.useWebSocketAdapter(new OneIoAdapter(app)) });

    async function connect(auth: object): Promise<void> {
      const client = socketIoClient(origin, { auth: { ...auth } });
      try {
        await connected(client);
      } finally {
        client.disconnect();
      }
    }

    await expect(connect({})).rejects.toMatchObject({ status: 401 });
    await expect(connect({ token: await world.token() })).rejects.toMatchObject({ status: 403 });
    expect(ran).toEqual([]);
    await connect({ token: await world.token({ scopes: ['admin'] }) });
    expect(ran).toEqual(expect.arrayContaining(['open', 'secret']));
  });
});

test('runs middleware from afterInit before the handshake is checked, and decides the same', async () => {
  type Next = (error?: Error) => void;

  @WebSocketGateway()
  class EagerGateway {
    afterInit(server: { use(middleware: (client: unknown, next: Next) => void): void }) {
      server.use((_client, next) => {
        ran.push('its own');
        next();
      });
    }

    handleConnection() {
      ran.push('connected');
    }
  }

  const { origin } = await world.start({ providers: [EagerGateway] });
  await expect(connected(socketIoClient(origin))).rejects.toMatchObject({ status: 401 });
  expect(ran.splice(0)).toEqual(['its own']);
  const client = socketIoClient(origin, { auth: { token: await world.token() } });
  await connected(client);
  client.disconnect();
  expect(ran).toEqual(['its own', 'connected']);
});

describe('connectMicroservice with deferInitialization, which starts the gateways once more', () => {
  /** Everywhere that a server of the gateway listens. */
  interface Servers {
    readonly app: INestApplication;
    readonly origins: string[];
  }

  type Order = 'the server first' | 'the microservices first';

  async function start(order: Order, inheritAppConfig: boolean | undefined, isPublic = false): Promise<Servers> {
    const servers: { readonly httpServer: { address(): { port: number } | null } }[] = [];

    @WebSocketGateway()
    class ChatGateway {
      afterInit(server: (typeof servers)[number]) {
        servers.push(server);
      }

      handleConnection() {
        ran.push('connected');
      }

      @SubscribeMessage('tell')
      tell() {
        ran.push('told');
        return { event: 'tell', data: 'secret' };
      }
    }
    if (isPublic) Public()(ChatGateway);

    @Module({ imports: [TokenwardModule.forRoot({ issuer: world.issuer.issuer, audience: world.issuer.audience })], providers: [ChatGateway] })
    class ChatModule {}

    const app = await NestFactory.create(ChatModule, { logger: false, abortOnError: false });
    app.connectMicroservice(
      { transport: Transport.TCP, options: { port: await freePort(), host: '127.0.0.1' } },
      { deferInitialization: true, ...(inheritAppConfig !== undefined && { inheritAppConfig }) },
    );
    try {
      if (order === 'the microservices first') await app.startAllMicroservices();
      await app.listen(0, '127.0.0.1');
      if (order === 'the server first') await app.startAllMicroservices();
    } catch (error) {
      await app.close().catch(() => {});
      throw error;
    }
    const ports = servers.flatMap(({ httpServer }) => httpServer.address()?.port ?? []);
    return { app, origins: [...new Set(ports)].map((port) => `http://127.0.0.1:${port}`) };
  }

  test.each(['the server first', 'the microservices first'] as const)('rule 148: stops the start without inheritAppConfig, %s', async (order) => {
    for (const inheritAppConfig of [undefined, false]) {
      await expect(start(order, inheritAppConfig)).rejects.toThrow(/ChatGateway.*without guards.*inheritAppConfig: true/);
    }
    const { app } = await start(order, false, true);
    await app.close();
  });

  test.each(['the server first', 'the microservices first'] as const)('rule 148: is guarded with inheritAppConfig, %s', async (order) => {
    const { app, origins } = await start(order, true);
    expect(origins.length).toBeGreaterThan(0);
    // two servers of socket.io may share one of HTTP then, where one upgrade would be answered by both
    const transports = ['polling'];
    for (const origin of origins) {
      const refused = socketIoClient(origin, { transports });
      await expect(connected(refused)).rejects.toMatchObject({ status: 401 });
      expect(ran).toEqual([]);
      const client = socketIoClient(origin, { transports, auth: { token: await world.token() } });
      await connected(client);
      const told = new Promise((resolve) => client.once('tell', resolve));
      client.emit('tell', {});
      expect(await told).toBe('secret');
      client.disconnect();
      ran.splice(0);
    }
    await app.close();
  });
});
