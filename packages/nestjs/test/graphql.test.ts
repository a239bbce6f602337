import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import type { DynamicModule, Provider } from '@nestjs/common';
import { Args, Field, GraphQLModule, ObjectType, Parent, Query, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { createClient, type Client } from 'graphql-ws';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { CurrentAuth, GuardedBy, listHandlers, OptionalAuth, Public, Roles, Scopes, TokenwardModule, type Auth, type Deny } from '@tokenward/nestjs';
import { createWorld, guardInHaste, type Started, type World } from './app.js';

@ObjectType()
class Order {
  @Field()
  id!: string;
}

/** Without which the schema's classes are not loaded in order. */
const order = { id: '1' };

@Resolver(() => Order)
class OrdersResolver {
  @Query(() => [Order])
  @Scopes('orders:read')
  orders(): Order[] {
    return [order];
  }

  @Query(() => String)
  me(@CurrentAuth() auth: Auth): string {
    return auth.subject!;
  }

  @Query(() => String, { nullable: true })
  @OptionalAuth()
  maybe(@CurrentAuth('subject', 'optional') subject: string | undefined): string | null {
    return subject ?? null;
  }

  @Query(() => Order)
  @Public()
  open(): Order {
    return order;
  }

  @Query(() => String)
  echo(@Args('text') text: string): string {
    return text;
  }

  @Query(() => String)
  @Scopes('audit:read')
  audit(): string {
    return 'audit';
  }

  @ResolveField(() => String)
  @Roles('auditor')
  secret(@Parent() parent: Order): string {
    return `secret of ${parent.id}`;
  }

  @ResolveField(() => String)
  plain(): string {
    return 'plain';
  }

  @Subscription(() => String, { resolve: (value: string) => value })
  @Scopes('orders:read')
  async *ticks(@CurrentAuth() auth: Auth): AsyncGenerator<string> {
    for (let tick = 0; ; tick++) {
      yield `${auth.subject} ${tick}`;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function graphql(options: Partial<ApolloDriverConfig> = {}): DynamicModule {
  return GraphQLModule.forRoot<ApolloDriverConfig>({
    driver: ApolloDriver,
    autoSchemaFile: true,
    graphiql: false,
    fieldResolverEnhancers: ['guards'],
    subscriptions: { 'graphql-ws': true },
    ...options,
  });
}

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

interface GraphqlAnswer {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: { readonly message: string; readonly extensions: Record<string, unknown> }[];
}

async function query({ ask }: Started, text: string, token?: string): Promise<GraphqlAnswer> {
  const { body } = await ask({ path: '/graphql', method: 'POST', json: { query: text }, ...(token !== undefined && { token }) });
  return body as GraphqlAnswer;
}

describe.each(['express', 'fastify'] as const)('GraphQL on %s', (platform) => {
  let app: Started;
  beforeAll(async () => {
    app = await world.start({ platform, imports: [graphql()], providers: [OrdersResolver] });
  });

  test('rule 146: requires of a query what its decorators say, or a token without any', async () => {
    expect((await query(app, '{ me }')).errors?.[0]?.extensions).toMatchObject({
      code: 'UNAUTHENTICATED',
      status: 401,
      challenge: ['Bearer realm="api"', expect.stringMatching(/^DPoP realm="api", algs=/)],
    });
    expect((await query(app, '{ me }', 'bad')).errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED', error: 'invalid_token' });
    expect((await query(app, '{ me }', await world.token())).data).toEqual({ me: 'user-1' });
    const lacking = await query(app, '{ orders { id } }', await world.token());
    expect(lacking.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', error: 'insufficient_scope', scope: 'orders:read' });
    expect((await query(app, '{ orders { id } }', await world.token({ scopes: ['orders:read'] }))).data).toEqual({ orders: [{ id: '1' }] });
  });

  test('@Public() and @OptionalAuth() work as they do over HTTP', async () => {
    expect((await query(app, '{ open { id } }', 'bad')).data).toEqual({ open: { id: '1' } });
    expect((await query(app, '{ maybe }')).data).toEqual({ maybe: null });
    expect((await query(app, '{ maybe }', await world.token())).data).toEqual({ maybe: 'user-1' });
    expect((await query(app, '{ maybe }', 'bad')).errors).toHaveLength(1);
  });

  test('rule 157: a guard of the app that does not wait for this one opens no query and no field', async () => {
    const onDenied = (decision: Deny) => Promise.resolve(decision);
    const haste = guardInHaste();
    const hasty = await world.start({ platform, imports: [graphql()], providers: [OrdersResolver], options: { onDenied }, prepare: haste.install });
    for (const text of ['{ orders { id } }', '{ open { secret } }']) {
      const refused = await query(hasty, text, await world.token());
      expect([refused.data, refused.errors?.map(({ extensions }) => extensions['status'])]).toEqual([null, [403]]);
    }
    expect((await query(hasty, '{ orders { secret } }', await world.token({ scopes: ['orders:read'], roles: ['auditor'] }))).data).toEqual({
      orders: [{ secret: 'secret of 1' }],
    });
    // each query and each field that a query reached
    expect(haste.admitted()).toBe(5);
  });

  test('rule 148: guards fields with requirements, and refuses them one by one', async () => {
    const token = await world.token();
    expect((await query(app, '{ open { secret } }', token)).errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' });
    expect((await query(app, '{ open { secret } }', await world.token({ roles: ['auditor'] }))).data).toEqual({ open: { secret: 'secret of 1' } });
    expect((await query(app, '{ open { plain } }')).errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('never takes arguments of a query for a request', async () => {
    expect((await query(app, '{ echo(text: "{\\"req\\":{}}") }')).errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('a refusal contains only fixed texts', async () => {
    const token = await world.token({ subject: 'a-secret-subject' });
    const answer = JSON.stringify(await query(app, '{ orders { id } }', token));
    for (const secret of ['a-secret-subject', token]) expect(answer).not.toContain(secret);
  });
});

describe('subscriptions over graphql-ws', () => {
  let app: Started;
  beforeAll(async () => {
    app = await world.start({ imports: [graphql()], providers: [OrdersResolver], options: { clockSkewSeconds: 0 } });
  });

  function connect(connectionParams: Record<string, unknown>, headers: Record<string, string> = {}): { client: Client; closed: Promise<{ code: number }> } {
    let tell: (event: { code: number }) => void;
    const closed = new Promise<{ code: number }>((resolve) => (tell = resolve));
    class Socket extends WebSocket {
      constructor(url: string, protocols: string) {
        super(url, protocols, { headers });
      }
    }
    const client = createClient({
      url: `${app.origin.replace('http', 'ws')}/graphql`,
      connectionParams,
      webSocketImpl: Socket,
      retryAttempts: 0,
      lazy: false,
      on: { closed: (event) => tell(event as { code: number }) },
    });
    return { client, closed };
  }

  async function first(client: Client, operation = 'subscription { ticks }'): Promise<GraphqlAnswer> {
    for await (const answer of client.iterate({ query: operation })) return answer as unknown as GraphqlAnswer;
    throw new Error('the subscription ended without an answer');
  }

  test('rule 146: uses the token of the connection', async () => {
    const good = await world.token({ scopes: ['orders:read'] });
    for (const [params, headers] of [
      [{ Authorization: `Bearer ${good}` }],
      [{ authorization: `Bearer ${good}` }],
      [{}, { authorization: `Bearer ${good}` }],
    ] as const) {
      const { client } = connect(params ?? {}, headers);
      expect((await first(client)).data).toEqual({ ticks: 'user-1 0' });
      await client.dispose();
    }
  });

  test.each([
    ['none', async () => ({}), 'UNAUTHENTICATED'],
    ['a bad one', async () => ({ authorization: 'Bearer bad' }), 'UNAUTHENTICATED'],
    ['one that lacks the scope', async () => ({ authorization: `Bearer ${await world.token()}` }), 'FORBIDDEN'],
    ['two', async () => ({ authorization: `Bearer ${await world.token()}`, Authorization: `Bearer ${await world.token()}` }), 'BAD_REQUEST'],
    ['what is no string', async () => ({ authorization: { toString: 'x' } }), 'BAD_REQUEST'],
  ])('rule 146: %s is refused', async (_name, params, code) => {
    const { client } = connect(await params());
    expect((await first(client)).errors).toMatchObject([{ extensions: { code } }]);
    await client.dispose();
  });

  test('rule 1: refuses a token in the header beside one at connection', async () => {
    const token = `Bearer ${await world.token({ scopes: ['orders:read'] })}`;
    const { client } = connect({ authorization: token }, { authorization: token });
    expect((await first(client)).errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    await client.dispose();
  });

  test('rule 102: the refusal of an operation names nothing that another operation on its socket requires', async () => {
    const { client } = connect({ authorization: `Bearer ${await world.token({ scopes: ['orders:read'] })}` });
    expect((await first(client)).data).toEqual({ ticks: 'user-1 0' });
    expect((await first(client, '{ audit }')).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scope: 'audit:read' } }]);
    await client.dispose();
  });

  test('closes the socket when the token expires', async () => {
    const { client, closed } = connect({ authorization: `Bearer ${await shortLived()}` });
    expect((await first(client)).data).toEqual({ ticks: 'user-1 0' });
    expect((await closed).code).toBe(4403);
    await client.dispose();
  });
});

function shortLived(): Promise<string> {
  return world.issuer.issueToken({ scopes: ['orders:read'], lifetimeSeconds: 2 });
}

describe('what stops the start', () => {
  function start(resolver: Provider, options: Partial<ApolloDriverConfig> = {}) {
    return world.start({ providers: [resolver], imports: [graphql({ fieldResolverEnhancers: [], ...options })] });
  }

  test('rule 148: a field with requirements, if Nest runs no guards for fields', async () => {
    await expect(start(OrdersResolver)).rejects.toThrow(/OrdersResolver\.secret.*fieldResolverEnhancers: \['guards'\]/);
  });

  test('rule 148: a resolver that a factory or other code made, with such a field', async () => {
    for (const provider of [
      { provide: 'resolver', useFactory: () => new OrdersResolver() },
      { provide: 'resolver', useValue: new OrdersResolver() },
      { provide: 'resolver', useFactory: async () => new OrdersResolver() },
    ]) {
      await expect(start(provider)).rejects.toThrow(/OrdersResolver\.secret.*fieldResolverEnhancers: \['guards'\]/);
    }
  });

  test('rule 148: an undecorated field is guarded as its parent is', async () => {
    @Resolver(() => Order)
    class PlainResolver {
      @Query(() => Order)
      one(): Order {
        return order;
      }

      @ResolveField(() => String)
      plain(): string {
        return 'plain';
      }
    }

    const app = await start(PlainResolver);
    expect((await query(app, '{ one { plain } }')).errors).toHaveLength(1);
    expect((await query(app, '{ one { plain } }', await world.token())).data).toEqual({ one: { plain: 'plain' } });
  });
});

test('guards and lists resolvers that are values or come from a factory', async () => {
  for (const provider of [
    { provide: 'resolver', useFactory: async () => new OrdersResolver() },
    { provide: 'resolver', useValue: new OrdersResolver() },
  ]) {
    const app = await world.start({ providers: [provider], imports: [graphql()] });
    expect((await query(app, '{ me }')).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    expect((await query(app, '{ open { secret } }', await world.token())).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }]);
    expect(listHandlers(app.app).map(({ at, credentials }) => `${credentials} ${at}`)).toEqual([
      'required Query orders',
      'required Query me',
      'optional Query maybe',
      'public Query open',
      'required Query echo',
      'required Query audit',
      'required field secret',
      'with its parent field plain',
      'required Subscription ticks',
    ]);
  }
});

describe('a context of your own', () => {
  /** Express' driver hands on an object with the request, Fastify's the request itself. */
  const requestIn = (given: { req?: object }) => given.req ?? given;

  test.each([
    ['a copy of the request', (given: object) => ({ req: { ...requestIn(given) } })],
    ['its headers alone', (given: object) => ({ req: { headers: Reflect.get(requestIn(given), 'headers') as object } })],
  ])('rule 146: with %s is refused like a request without credentials, and the answer shows nothing of it', async (_name, context) => {
    for (const platform of ['express', 'fastify'] as const) {
      const app = await world.start({ platform, providers: [OrdersResolver], imports: [graphql({ context: context as never })] });
      for (const token of [undefined, await world.token()]) {
        for (const field of ['me', 'maybe']) {
          const { data, errors } = await query(app, `{ ${field} }`, token);
          expect(errors, `${platform} ${field}`).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', status: 401 } }]);
          expect(data?.[field] ?? null).toBeNull();
          expect(JSON.stringify(errors)).not.toMatch(/TypeError|Cannot|undefined|is not/);
        }
      }
      expect((await query(app, '{ open { id } }')).data).toEqual({ open: { id: '1' } });
    }
  });

  test.each([
    ['the request as it is, and more beside it', (given: object) => ({ req: requestIn(given), loaders: {} })],
    ['no request, which Nest then adds', () => ({ loaders: {} })],
  ])('with %s is understood', async (_name, context) => {
    for (const platform of ['express', 'fastify'] as const) {
      const app = await world.start({ platform, providers: [OrdersResolver], imports: [graphql({ context: context as never })] });
      expect((await query(app, '{ me }', await world.token())).data).toEqual({ me: 'user-1' });
      expect((await query(app, '{ me }')).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
    }
  });
});

test('several guards: fields of one request get only the caller that their own guard found', async () => {
  const partner = await createWorld();

  @Resolver()
  class BothResolver {
    @Query(() => String)
    own(@CurrentAuth('issuer') issuer: string): string {
      return issuer;
    }

    @Query(() => String, { nullable: true })
    @GuardedBy('partner')
    partners(@CurrentAuth('issuer') issuer: string): string {
      return issuer;
    }
  }

  const { issuer: url, audience } = partner.issuer;
  const app = await world.start({ imports: [graphql(), TokenwardModule.forRoot({ name: 'partner', issuer: url, audience })], providers: [BothResolver] });
  const answer = await query(app, '{ own partners }', await world.token());
  expect([answer.data, answer.errors?.[0]?.extensions['code']]).toEqual([{ own: world.issuer.issuer, partners: null }, 'UNAUTHENTICATED']);
  await partner.close();
});
