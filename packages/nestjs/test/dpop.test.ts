import { once } from 'node:events';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver, Subscription } from '@nestjs/graphql';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { createClient } from 'graphql-ws';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { CurrentAuth, Scopes, type Auth } from '@tokenward/nestjs';
import { createDpopClient, type DpopClient } from '@tokenward/testing';
import { createWorld, type Started, type World } from './app.js';

let world: World;
let client: DpopClient;
let token: string;

beforeAll(async () => {
  world = await createWorld();
  client = await createDpopClient();
  token = await world.token({ scopes: ['orders:read'], claims: client.claims });
});
afterAll(() => world.close());

@Resolver()
class OrdersResolver {
  @Query(() => String)
  @Scopes('orders:read')
  first(@CurrentAuth() auth: Auth): string {
    return `first for ${auth.subject}`;
  }

  @Query(() => String)
  second(): string {
    return 'second';
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  async *ticks(): AsyncGenerator<string> {
    yield 'tick';
  }
}

describe.each(['express', 'fastify'] as const)('GraphQL over HTTP on %s', (platform) => {
  let app: Started;

  beforeAll(async () => {
    const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      autoSchemaFile: true,
      graphiql: false,
      subscriptions: { 'graphql-ws': true },
    });
    app = await world.start({ platform, imports: [graphql], providers: [OrdersResolver] });
  });

  async function query(headers: Readonly<Record<string, string>>): Promise<{ data?: unknown; errors?: { extensions: Record<string, unknown> }[] }> {
    const { body } = await app.ask({ path: '/graphql', method: 'POST', json: { query: '{ first second }' }, headers });
    return body as object;
  }

  test('rules 87 and 89: one proof serves all resolvers of a request, and no second request', async () => {
    const headers = client.authorizationHeaders({ method: 'POST', url: `${app.origin}/graphql` }, token);
    expect((await query(headers)).data).toEqual({ first: 'first for user-1', second: 'second' });
    const { errors } = await query(headers);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', status: 401, error: 'invalid_dpop_proof' });
    expect(JSON.stringify(errors![0]!.extensions['challenge'])).toMatch(/DPoP .*algs=.*ES256/);
  });

  test('rules 83 and 88: a proof for GET, and a bound token as a bearer token, are refused', async () => {
    const forGet = client.authorizationHeaders({ url: `${app.origin}/graphql` }, token);
    expect((await query(forGet)).errors?.[0]?.extensions).toMatchObject({ status: 401, error: 'invalid_dpop_proof' });
    expect((await query({ authorization: `Bearer ${token}` })).errors?.[0]?.extensions).toMatchObject({ status: 401, error: 'invalid_token' });
  });

  test('rule 88: graphql-ws takes the proof of the upgrade, and connection parameters alone cannot carry one', async () => {
    const subscribe = async (headers: Readonly<Record<string, string>>, connectionParams: Record<string, unknown> = {}): Promise<unknown> => {
      class WithHeaders extends WebSocket {
        constructor(address: string, protocols: string[]) {
          super(address, protocols, { headers });
        }
      }
      const subscriptions = createClient({
        url: `${app.origin.replace('http', 'ws')}/graphql`,
        webSocketImpl: WithHeaders,
        connectionParams,
        retryAttempts: 0,
      });
      onTestFinished(() => void subscriptions.dispose());
      const { value } = await subscriptions.iterate({ query: 'subscription { ticks }' }).next();
      return value;
    };
    const url = `${app.origin}/graphql`;
    const { authorization, dpop } = client.authorizationHeaders({ url }, token);
    expect(await subscribe({ authorization, dpop })).toMatchObject({ data: { ticks: 'tick' } });
    expect(await subscribe({ authorization, dpop })).toMatchObject({ errors: [{ extensions: { error: 'invalid_dpop_proof' } }] });
    expect(await subscribe({ dpop: client.createProof({ url }, token) }, { authorization })).toMatchObject({ data: { ticks: 'tick' } });
    expect(await subscribe({}, { authorization, dpop: client.createProof({ url }, token) })).toMatchObject({
      errors: [{ extensions: { error: 'invalid_dpop_proof' } }],
    });
    expect(await subscribe({}, { authorization: `Bearer ${token}` })).toMatchObject({ errors: [{ extensions: { error: 'invalid_token' } }] });
  });
});

@WebSocketGateway()
class ChatGateway {
  @SubscribeMessage('me')
  me(@CurrentAuth() auth: Auth) {
    return { event: 'me', data: auth.subject };
  }
}

describe('gateways of ws', () => {
  /** Connects and sends two messages. Returns what comes back, or the refusal of the handshake. */
  async function talk(origin: string, headers: Readonly<Record<string, string>>): Promise<unknown[]> {
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/?room=1`, { headers });
    onTestFinished(() => socket.terminate());
    const refused = new Promise<unknown[]>((resolve) => {
      socket
        .once('error', () => {})
        .once('unexpected-response', (_request, { statusCode, rawHeaders }) => {
          resolve([statusCode, rawHeaders.filter((_value, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === 'www-authenticate')]);
        });
    });
    const talked = once(socket, 'open').then(async () => {
      const answers: unknown[] = [];
      for (let message = 0; message < 2; message++) {
        socket.send(JSON.stringify({ event: 'me' }));
        const [data] = (await once(socket, 'message')) as [Buffer];
        answers.push(JSON.parse(data.toString()));
      }
      return answers;
    });
    return Promise.race([refused, talked]);
  }

  test('rules 84 and 89: a proof for the http address opens one socket, whose messages go on without another', async () => {
    const { origin } = await world.start({ providers: [ChatGateway], prepare: (app) => void app.useWebSocketAdapter(new WsAdapter(app)) });
    const headers = client.authorizationHeaders({ url: `${origin}/` }, token);
    const me = { event: 'me', data: 'user-1' };
    expect(await talk(origin, headers)).toEqual([me, me]);
    const [status, challenges] = await talk(origin, headers);
    expect([status, challenges]).toEqual([401, [expect.stringMatching(/^DPoP .*error="invalid_dpop_proof"/), expect.stringMatching(/^Bearer realm=/)]]);
    for (const url of [`${origin.replace('http', 'ws')}/`, `${origin}/other`])
      expect((await talk(origin, client.authorizationHeaders({ url }, token)))[0]).toBe(401);
    expect((await talk(origin, { authorization: `Bearer ${token}` }))[0]).toBe(401);
  });

  test('rule 85: with publicOrigin, the proof names it', async () => {
    const publicOrigin = 'https://api.example.test';
    const { origin } = await world.start({
      providers: [ChatGateway],
      options: { publicOrigin },
      prepare: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
    });
    const me = { event: 'me', data: 'user-1' };
    expect(await talk(origin, client.authorizationHeaders({ url: `${publicOrigin}/` }, token))).toEqual([me, me]);
    expect((await talk(origin, client.authorizationHeaders({ url: `${origin}/` }, token)))[0]).toBe(401);
  });
});

describe('gateways of socket.io', () => {
  async function connect(origin: string, options: object): Promise<unknown> {
    const socket = io(origin, { transports: ['websocket'], reconnection: false, forceNew: true, ...options });
    onTestFinished(() => void socket.disconnect());
    const outcome = await new Promise((resolve) => {
      socket.once('connect', () => resolve('connected')).once('connect_error', (error: Error & { data?: unknown }) => resolve(error.data));
    });
    if (outcome !== 'connected') return outcome;
    const answer = new Promise((resolve) => socket.onAny((event: string, data: unknown) => resolve([event, data])));
    socket.emit('me');
    return answer;
  }

  test('rule 88: takes the proof of the handshake, and refuses a bound token in auth, which cannot carry one', async () => {
    const { origin } = await world.start({ providers: [ChatGateway], prepare: (app) => void app.useWebSocketAdapter(new IoAdapter(app)) });
    const extraHeaders = client.authorizationHeaders({ url: `${origin}/socket.io/` }, token);
    expect(await connect(origin, { extraHeaders })).toEqual(['me', 'user-1']);
    expect(await connect(origin, { extraHeaders })).toMatchObject({ status: 401, error: 'invalid_dpop_proof' });
    expect(await connect(origin, { auth: { token } })).toMatchObject({ status: 401, error: 'invalid_token' });
    const dpop = client.createProof({ url: `${origin}/socket.io/` }, token);
    expect(await connect(origin, { auth: { token }, extraHeaders: { dpop } })).toMatchObject({ status: 401, error: 'invalid_token' });
  });
});
