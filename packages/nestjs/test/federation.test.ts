import { ApolloServerPluginInlineTraceDisabled } from '@apollo/server/plugin/disabled';
import { ApolloFederationDriver, type ApolloFederationDriverConfig } from '@nestjs/apollo';
import { Directive, Field, GraphQLModule, ID, ObjectType, Parent, Query, ResolveReference, Resolver } from '@nestjs/graphql';
import type { DynamicModule, Type } from '@nestjs/common';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CurrentAuth, listHandlers, Public, Scopes } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

@ObjectType()
@Directive('@key(fields: "id")')
class User {
  @Field(() => ID)
  id!: string;

  @Field(() => String)
  seenBy!: string;
}

@ObjectType()
@Directive('@key(fields: "id")')
class Product {
  @Field(() => ID)
  id!: string;
}

@Resolver(() => User)
class UsersResolver {
  @Query(() => String)
  @Public()
  health(): string {
    return 'ok';
  }

  @ResolveReference()
  reference(@Parent() { id }: { id: string }, @CurrentAuth('subject') subject: string): User {
    return { id, seenBy: subject };
  }
}

@Resolver(() => Product)
class ProductsResolver {
  @Query(() => String)
  @Public()
  health(): string {
    return 'ok';
  }

  @ResolveReference()
  @Scopes('products:read')
  reference({ id }: { id: string }): Product {
    return { id };
  }
}

function federated(types: (Type | (new () => object))[], fieldResolverEnhancers: 'guards'[]): DynamicModule {
  return GraphQLModule.forRoot<ApolloFederationDriverConfig>({
    driver: ApolloFederationDriver,
    autoSchemaFile: { federation: 2 },
    buildSchemaOptions: { orphanedTypes: types },
    graphiql: false,
    fieldResolverEnhancers,
    plugins: [ApolloServerPluginInlineTraceDisabled()],
  });
}

interface Answer {
  readonly data?: { readonly _entities: unknown[] } | null;
  readonly errors?: { readonly extensions: Record<string, unknown> }[];
}

test('rule 146: requires of a reference resolver what its decorators say, or a token without any', async () => {
  const { app, ask } = await world.start({ providers: [UsersResolver, ProductsResolver], imports: [federated([User, Product], ['guards'])] });

  async function entity(type: string, fields: string, token?: string): Promise<Answer> {
    const query = `query ($of: [_Any!]!) { _entities(representations: $of) { ... on ${type} { ${fields} } } }`;
    const json = { query, variables: { of: [{ __typename: type, id: '1', req: { headers: {} } }] } };
    return (await ask({ path: '/graphql', method: 'POST', json, ...(token !== undefined && { token }) })).body as Answer;
  }

  const token = await world.token();
  expect((await entity('User', 'id seenBy')).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED' } }]);
  expect((await entity('User', 'id seenBy', 'bad')).errors).toMatchObject([{ extensions: { code: 'UNAUTHENTICATED', error: 'invalid_token' } }]);
  expect((await entity('User', 'id seenBy', token)).data).toEqual({ _entities: [{ id: '1', seenBy: 'user-1' }] });
  expect((await entity('Product', 'id', token)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', scope: 'products:read' } }]);
  expect((await entity('Product', 'id', await world.token({ scopes: ['products:read'] }))).data).toEqual({ _entities: [{ id: '1' }] });
  expect(listHandlers(app).map(({ name, at, credentials }) => [name, at, credentials])).toContainEqual(['ProductsResolver.reference', 'reference', 'required']);
});

test('rule 148: a reference that is not @Public() stops the start, if Nest runs no guards for references', async () => {
  for (const [resolver, type] of [
    [UsersResolver, User],
    [ProductsResolver, Product],
  ] as const) {
    const started = world.start({ providers: [resolver], imports: [federated([type], [])] });
    await expect(started).rejects.toThrow(new RegExp(`${resolver.name}\\.reference.*fieldResolverEnhancers: \\['guards'\\]`));
  }
});

test('resolves a @Public() reference without a token', async () => {
  @Resolver(() => Product)
  class OpenResolver {
    @Query(() => String)
    @Public()
    health(): string {
      return 'ok';
    }

    @ResolveReference()
    @Public()
    reference({ id }: { id: string }): Product {
      return { id };
    }
  }

  const { ask } = await world.start({ providers: [OpenResolver], imports: [federated([Product], [])] });
  const json = { query: '{ _entities(representations: [{ __typename: "Product", id: "1" }]) { ... on Product { id } } }' };
  expect((await ask({ path: '/graphql', method: 'POST', json })).body).toEqual({ data: { _entities: [{ id: '1' }] } });
});
