import 'reflect-metadata';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Controller, Sse, type INestApplication, type MessageEvent } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { of, type Observable } from 'rxjs';
import { OptionalAuth, Scopes, type NestGuardOptions } from '@tokenward/nestjs';
import { SESSION_CREDENTIALS, type SessionToken } from '@tokenward/core/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { createWorld, type World } from './app.js';

const COOKIES = ['__Host-session=1; Path=/; Secure', '__Host-session.1=2; Path=/; Secure'];
const headers = { cookie: '__Host-session=0' };

@Resolver()
class Answers {
  @Query(() => String)
  one(): string {
    return 'one';
  }

  @Query(() => String)
  @OptionalAuth()
  two(): string {
    return 'two';
  }

  @Query(() => String)
  @Scopes('never')
  never(): string {
    return 'never';
  }
}

@Controller()
class EventsController {
  @Sse('events')
  events(): Observable<MessageEvent> {
    return of({ data: 'one' });
  }
}

@WebSocketGateway()
class Gateway {
  @SubscribeMessage('one')
  one(): string {
    return 'one';
  }
}

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

function sessionOptions(): Partial<NestGuardOptions> {
  const answer = async (): Promise<SessionToken> => ({ token: await world.token(), headers: { 'set-cookie': COOKIES } });
  return { session: { [SESSION_CREDENTIALS]: answer } };
}

describe.each(['express', 'fastify'] as const)('the cookies of a session on %s', (platform) => {
  test('go with the answer of GraphQL once, whatever its fields make of the request', async () => {
    // Fastify's request does not lead to its reply
    const context = platform === 'fastify' && { context: (_request: object, reply: object) => ({ reply }) };
    const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true, graphiql: false, ...context });
    const app = await world.start({ platform, imports: [graphql], providers: [Answers], options: sessionOptions() });
    const answer = await app.ask({ path: '/graphql', method: 'POST', headers, json: { query: '{ one two }' } });
    expect(answer.body).toEqual({ data: { one: 'one', two: 'two' } });
    expect(answer.headers.getSetCookie()).toEqual(COOKIES);
    const refused = await app.ask({ path: '/graphql', method: 'POST', headers, json: { query: '{ never }' } });
    expect(refused.body).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
    expect(refused.headers.get('content-type')).toMatch(/^application\/(graphql-response\+)?json/);
    expect(refused.headers.getSetCookie()).toEqual(COOKIES);
  });

  test('go with an event stream of @Sse()', async () => {
    const app = await world.start({ platform, controllers: [EventsController], options: sessionOptions() });
    const answer = await app.ask({ path: '/events', headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()).toEqual(COOKIES);
  });
});

test('a refused handshake of a WebSocket has no broken Set-Cookie', async () => {
  const prepare = (app: INestApplication) => void app.useWebSocketAdapter(new WsAdapter(app));
  const app = await world.start({ providers: [Gateway], options: { ...sessionOptions(), allowedClients: ['nobody'] }, prepare });
  const socket = new WebSocket(app.origin.replace('http', 'ws'), { headers });
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage];
  expect(response.statusCode).toBe(401);
  expect(response.headers).not.toHaveProperty('set-cookie');
  expect(response.headers['www-authenticate']).toMatch(/invalid_token/);
  response.resume();
});
