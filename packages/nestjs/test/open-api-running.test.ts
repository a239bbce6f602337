// Documents compared with what the running application answers.
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Controller, Get, Head, Module, Post, RequestMethod, Version, VERSION_NEUTRAL, VersioningType, type INestApplication, type Type } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { ApiExtraModels, ApiProperty, DocumentBuilder, SwaggerModule, type OpenAPIObject, type SwaggerDocumentOptions } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { allOf, anyOf, anyScope, OptionalAuth, Policies, Public, Require, role, Scopes, scope } from '@tokenward/nestjs';
import { createTestIssuer } from '@tokenward/testing';
import { answersNotDocumented, expectProblem, expectValidDocument, type OpenApiDocument } from '../../testing/test/open-api.js';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

type Parts = Omit<Parameters<World['start']>[0], 'prepare'>;

interface Asked extends Parts {
  readonly prepare?: (app: INestApplication) => void;
  readonly builder?: DocumentBuilder;
  readonly documented?: SwaggerDocumentOptions;
  readonly headers?: Record<string, string>;
}

/** Starts an application, and returns its document once it is valid and every answer is as it says. */
async function documentOf({ prepare, builder = new DocumentBuilder(), documented, headers, ...parts }: Asked): Promise<OpenApiDocument> {
  let document: OpenAPIObject;
  const { origin } = await world.start({
    ...parts,
    prepare(app) {
      prepare?.(app);
      document = SwaggerModule.createDocument(app, builder.build(), documented);
    },
  });
  const valid = await expectValidDocument(document!);
  const tokenWith = (scopes: readonly string[]) => world.token({ claims: { scope: scopes.join(' ') } });
  expect(await answersNotDocumented(valid, origin, { tokenWith, ...(headers && { headers }) })).toEqual([]);
  return valid;
}

const needs = ({ paths }: OpenApiDocument) =>
  Object.entries(paths).flatMap(([path, item]) => Object.entries(item).map(([method, { security }]) => `${method} ${path} ${JSON.stringify(security)}`));

describe.each(['express', 'fastify'] as const)('%s', (platform) => {
  test('rule 290: prefixes with exceptions, several modules, and modules below a path', async () => {
    @Controller('health')
    class HealthController {
      @Get()
      @Public()
      health() {
        return 'ok';
      }

      @Get('deep')
      deep() {
        return 'ok';
      }
    }

    @Controller('orders')
    @Scopes('orders:read')
    class OrdersController {
      @Get()
      list() {
        return [];
      }

      @Post()
      @Scopes('orders:write')
      create() {
        return {};
      }

      @Head('head')
      head() {
        return undefined;
      }
    }

    @Module({ controllers: [OrdersController] })
    class OrdersModule {}

    const imports = [OrdersModule, RouterModule.register([{ path: 'shop', module: OrdersModule }])];
    const exclude = ['health', { path: 'health/deep', method: RequestMethod.GET }];
    const prepare = (app: INestApplication) => void app.setGlobalPrefix('api', { exclude });
    expect(needs(await documentOf({ platform, controllers: [HealthController], imports, prepare }))).toEqual([
      'get /health undefined',
      'get /health/deep [{"oauth2":[]}]',
      'get /api/shop/orders [{"oauth2":["orders:read"]}]',
      'post /api/shop/orders [{"oauth2":["orders:read","orders:write"]}]',
      'head /api/shop/orders/head [{"oauth2":["orders:read"]}]',
    ]);
    const part = await documentOf({ platform, controllers: [HealthController], imports: [OrdersModule], documented: { include: [OrdersModule] } });
    expect(Object.keys(part.paths)).toEqual(['/orders', '/orders/head']);
  });

  test('rule 290: any of several scopes, inherited handlers, optional ones, and policies from each request', async () => {
    function crud(name: string) {
      class Crud {
        @Get()
        list() {
          return [];
        }

        @Post()
        @Scopes(`${name}:write`)
        create() {
          return {};
        }
      }
      return Crud;
    }

    @Controller('teas')
    @Scopes('teas:read')
    class TeasController extends crud('teas') {}

    @Controller('cups')
    class CupsController extends crud('cups') {
      @Get()
      @OptionalAuth()
      override list() {
        return [];
      }
    }

    @Controller('any')
    class AnyController {
      @Get('scope')
      @Require(anyScope('a', 'b'))
      scope() {
        return {};
      }

      @Get('nested')
      @Require(anyOf(scope('a', 'b'), allOf(scope('c'), anyScope('d', 'e'))))
      nested() {
        return {};
      }

      @Get('role')
      @Require(anyOf(scope('a'), role('auditor')))
      role() {
        return {};
      }

      @Get('computed')
      @Policies((request) => scope(request.method))
      computed() {
        return {};
      }

      @Get('maybe')
      @OptionalAuth()
      @Scopes('m')
      maybe() {
        return {};
      }
    }

    expect(needs(await documentOf({ platform, controllers: [TeasController, CupsController, AnyController] }))).toEqual([
      'get /teas [{"oauth2":["teas:read"]}]',
      'post /teas [{"oauth2":["teas:read","teas:write"]}]',
      'get /cups [{},{"oauth2":[]}]',
      'post /cups [{"oauth2":["cups:write"]}]',
      'get /any/scope [{"oauth2":["a"]},{"oauth2":["b"]}]',
      'get /any/nested [{"oauth2":["a","b"]},{"oauth2":["c","d"]},{"oauth2":["c","e"]}]',
      'get /any/role [{"oauth2":["a"]},{"oauth2":[]}]',
      'get /any/computed [{"oauth2":[]}]',
      'get /any/maybe [{},{"oauth2":["m"]}]',
    ]);
  });

  test('rule 290: beside GraphQL', async () => {
    @Resolver()
    class HelloResolver {
      @Query(() => String)
      @Scopes('hello')
      hello() {
        return 'hello';
      }
    }

    @Controller('rest')
    @Scopes('rest')
    class RestController {
      @Get()
      get() {
        return {};
      }
    }

    const graphql = GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true });
    const document = await documentOf({ platform, controllers: [RestController], providers: [HelloResolver], imports: [graphql] });
    expect(needs(document)).toEqual(['get /rest [{"oauth2":["rest"]}]']);
  });

  test('rule 290: an outage is answered as documented', async () => {
    const issuer = await createTestIssuer();
    issuer.misbehave('error');

    @Controller('orders')
    class OrdersController {
      @Get()
      @Scopes('orders:read')
      list() {
        return [];
      }

      @Get('maybe')
      @OptionalAuth()
      maybe() {
        return {};
      }
    }

    let document: OpenAPIObject;
    const { origin } = await world.start({
      platform,
      controllers: [OrdersController],
      options: { issuer: issuer.issuer, audience: issuer.audience },
      prepare: (app) => void (document = SwaggerModule.createDocument(app, new DocumentBuilder().build())),
    });
    for (const path of Object.keys(document!.paths)) {
      const answer = await fetch(origin + path, { headers: { authorization: `Bearer ${await issuer.issueToken()}` } });
      expect([answer.status, document!.paths[path]!.get!.responses]).toEqual([503, expect.objectContaining({ 503: expect.anything() })]);
      await expectProblem(document! as unknown as OpenApiDocument, answer);
    }
    await issuer.close();
  });

  describe('handlers that share an operation', () => {
    function versions(): [Type, Type] {
      @Controller({ path: 'cats', version: '1' })
      @Public()
      class FirstController {
        @Get()
        list() {
          return [];
        }

        @Post()
        @Scopes('cats:create')
        create() {
          return {};
        }
      }

      @Controller({ path: 'cats', version: '2' })
      @Scopes('cats:read')
      class SecondController {
        @Get()
        list() {
          return [];
        }

        @Post()
        @Scopes('cats:write')
        create() {
          return {};
        }

        @Get('neutral')
        @Version(VERSION_NEUTRAL)
        neutral() {
          return {};
        }
      }

      return [FirstController, SecondController];
    }

    test.each([
      ['a header', { type: VersioningType.HEADER, header: 'x-version' }, { 'x-version': '2' }],
      ['a media type', { type: VersioningType.MEDIA_TYPE, key: 'v=' }, { accept: 'application/json;v=2' }],
      ['code of the app', { type: VersioningType.CUSTOM, extractor: () => '2' }, undefined],
    ] as const)('rule 291: in versions that %s names, whatever their order', async (_name, versioning, headers) => {
      for (const controllers of [versions(), versions().toReversed()]) {
        const { paths } = await documentOf({
          platform,
          controllers,
          prepare: (app) => void app.enableVersioning(versioning),
          ...(headers && { headers }),
        });
        expect(paths['/cats']!['get']!.security).toEqual([{ oauth2: ['cats:read'] }]);
        expect(paths['/cats']!['get']!.description).toMatch(/^Several handlers share this operation: .* Not all of them need a token\.$/);
        expect(paths['/cats']!['post']!.security).toEqual(expect.arrayContaining([{ oauth2: ['cats:create'] }, { oauth2: ['cats:read', 'cats:write'] }]));
        expect(paths['/cats']!['post']!.description).toMatch(/^Several handlers share this operation: .* what it needs\.$/);
        expect(paths['/cats']!['post']!.responses['403']!.description).toMatch(/`cats:create`.* Or: .*`cats:write`|`cats:write`.* Or: .*`cats:create`/);
        expect(paths['/cats/neutral']!['get']!.description).toBeUndefined();
      }
    });

    test('rule 291: versions in the path share none', async () => {
      const prepare = (app: INestApplication) => void app.enableVersioning({ type: VersioningType.URI });
      expect(needs(await documentOf({ platform, controllers: versions().toReversed(), prepare }))).toEqual([
        'get /v2/cats [{"oauth2":["cats:read"]}]',
        'post /v2/cats [{"oauth2":["cats:read","cats:write"]}]',
        'get /cats/neutral [{"oauth2":["cats:read"]}]',
        'get /v1/cats undefined',
        'post /v1/cats [{"oauth2":["cats:create"]}]',
      ]);
    });

    // Fastify takes no second route with a path, whatever its host
    test.skipIf(platform === 'fastify')('rule 291: on several hosts', async () => {
      @Controller({ host: '127.0.0.1', path: 'settings' })
      @Scopes('admin')
      class AdminController {
        @Get()
        get() {
          return {};
        }
      }

      @Controller('settings')
      @Public()
      class PublicController {
        @Get()
        get() {
          return {};
        }
      }

      const { paths } = await documentOf({ platform, controllers: [AdminController, PublicController] });
      expect(paths['/settings']!['get']!.security).toEqual([{ oauth2: ['admin'] }]);
    });
  });

  test('rule 292: names that the document uses for something else stay, and ours gets another', async () => {
    class AccessProblem {
      @ApiProperty()
      mine!: string;
    }

    @Controller('orders')
    @ApiExtraModels(AccessProblem)
    class OrdersController {
      @Get()
      @Scopes('orders:read')
      list() {
        return [];
      }
    }

    const builder = new DocumentBuilder().addApiKey({ type: 'apiKey', name: 'x-api-key', in: 'header' }, 'oauth2');
    const { paths, components } = await documentOf({ platform, controllers: [OrdersController], builder });
    const { security, responses } = paths['/orders']!['get']!;
    expect(security).toEqual([{ 'oauth2.2': ['orders:read'] }]);
    expect(components!.securitySchemes).toMatchObject({ oauth2: { name: 'x-api-key' }, 'oauth2.2': { type: 'openIdConnect' } });
    expect(responses['401']!.content).toEqual({ 'application/problem+json': { schema: { $ref: '#/components/schemas/AccessProblem.2' } } });
    expect(components!.schemas).toMatchObject({ AccessProblem: { required: ['mine'] }, 'AccessProblem.2': { required: expect.arrayContaining(['status']) } });
  });
});
