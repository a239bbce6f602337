import { ApplicationConfig } from '@nestjs/core';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Authenticated, CurrentAuth, Public, Scopes, type Auth } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

/** NestJS 11 runs no global guards for the messages of gateways. */
const hasGlobalGuards = 'getGlobalPreRequestHooks' in ApplicationConfig.prototype;

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

const startWith = (gateway: new () => object) =>
  world.start({
    providers: [gateway],
    prepare: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
  });

/** Returns the first answer to these messages. */
async function ask(origin: string, token: string, ...events: string[]): Promise<{ readonly event: string; readonly data: unknown }> {
  const socket = new WebSocket(origin.replace('http', 'ws'), { headers: { authorization: `Bearer ${token}` } });
  try {
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const answer = new Promise((resolve, reject) => socket.once('message', resolve).once('close', () => reject(new Error('closed'))));
    for (const event of events) socket.send(JSON.stringify({ event, data: {} }));
    return JSON.parse(String(await answer)) as never;
  } finally {
    socket.terminate();
  }
}

test('rule 293: a gateway without decorators needs a token for its messages, or stops the start on NestJS 11, where no global guard runs for them', async () => {
  @WebSocketGateway()
  class BareGateway {
    @SubscribeMessage('me')
    me(@CurrentAuth() auth: Auth) {
      return { event: 'me', data: auth.subject };
    }

    @SubscribeMessage('open')
    @Public()
    open() {
      return { event: 'open', data: 1 };
    }
  }

  if (!hasGlobalGuards)
    return void (await expect(startWith(BareGateway)).rejects.toThrow(
      /BareGateway\.me: handles messages of a gateway, for which NestJS 11 runs no global guards\. Put @Authenticated\(\)/,
    ));
  const { origin } = await startWith(BareGateway);
  expect(await ask(origin, await world.token(), 'me')).toEqual({ event: 'me', data: 'user-1' });
});

test('rule 293: a gateway with decorators is guarded, each message by its own', async () => {
  @WebSocketGateway()
  @Authenticated()
  class MarkedGateway {
    @SubscribeMessage('me')
    me(@CurrentAuth() auth: Auth) {
      return { event: 'me', data: auth.subject };
    }

    @SubscribeMessage('move')
    @Scopes('moves:write')
    move(@MessageBody() _body: unknown) {
      return { event: 'moved', data: 1 };
    }
  }

  const { origin } = await startWith(MarkedGateway);
  const weak = await world.token();
  expect(await ask(origin, weak, 'me')).toEqual({ event: 'me', data: 'user-1' });
  const refused = { event: 'exception', data: expect.objectContaining({ status: 403, error: 'insufficient_scope' }) as object };
  // NestJS 11 tells clients of `ws` nothing about exceptions
  expect(await ask(origin, weak, 'move', 'me')).toEqual(hasGlobalGuards ? refused : { event: 'me', data: 'user-1' });
  expect(await ask(origin, await world.token({ claims: { scope: 'moves:write' } }), 'move')).toEqual({ event: 'moved', data: 1 });
  await expect(ask(origin, 'a.b.c', 'me')).rejects.toThrow();
});
