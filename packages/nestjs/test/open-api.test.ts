import { Controller, Get, Post, type INestApplication } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyOf, OptionalAuth, Public, Require, role, Scopes, scope, type NestGuardOptions } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** Each test has classes of its own, since what is said of a method stays on it. */
function controller() {
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

    @Get('health')
    @Public()
    health() {
      return 'ok';
    }

    @Get('maybe')
    @OptionalAuth()
    maybe() {
      return {};
    }

    @Get('reports')
    @Require(anyOf(scope('reports:read'), role('auditor')))
    reports() {
      return {};
    }

    @Get('own')
    @ApiBearerAuth('mine')
    @ApiResponse({ status: 401, description: 'mine' })
    own() {
      return {};
    }
  }

  @Controller('plain')
  class PlainController {
    @Get()
    get() {
      return {};
    }
  }

  // what the compiler plugin of swagger writes
  Object.assign(PlainController, { _OPENAPI_METADATA_FACTORY: () => ({ get: { type: String } }) });
  return [OrdersController, PlainController];
}

async function documentOf(options: Partial<NestGuardOptions> = {}): Promise<OpenAPIObject> {
  let document: OpenAPIObject;
  await world.start({
    controllers: controller(),
    options,
    prepare(app: INestApplication) {
      document = SwaggerModule.createDocument(app, new DocumentBuilder().addOAuth2({ type: 'oauth2', flows: {} }).build());
    },
  });
  return document!;
}

test('OpenAPI tells what each handler needs, by class and handler, decorated or not', async () => {
  const { paths } = await documentOf();
  expect(paths['/orders']!.get!.security).toEqual([{ oauth2: ['orders:read'] }]);
  expect(paths['/orders']!.post!.security).toEqual([{ oauth2: ['orders:read', 'orders:write'] }]);
  expect(paths['/plain']!.get!.security).toEqual([{ oauth2: [] }]);
  expect(paths['/orders/health']!.get!.security).toBeUndefined();
  expect(paths['/orders/maybe']!.get!.security).toEqual(expect.arrayContaining([{}, { oauth2: ['orders:read'] }]));
  expect(paths['/orders/reports']!.get!.security).toEqual([{ oauth2: ['orders:read'] }]);
});

test('OpenAPI tells the answers of refusals', async () => {
  const { paths } = await documentOf();
  expect(Object.keys(paths['/orders']!.get!.responses)).toEqual(expect.arrayContaining(['200', '401', '403']));
  expect(Object.keys(paths['/orders']!.post!.responses)).toEqual(expect.arrayContaining(['201', '401', '403']));
  expect(paths['/plain']!.get!.responses).toEqual({ 200: expect.objectContaining({ content: expect.anything() }), 401: expect.anything() });
  expect(Object.keys(paths['/orders/health']!.get!.responses)).toEqual(['200']);
  expect(paths['/orders/reports']!.get!.responses['403']).toMatchObject({
    description: expect.stringContaining('anyOf(scope("reports:read"), role("auditor"))'),
  });
});

test("what a handler's own decorators of swagger say stays", async () => {
  const { get } = (await documentOf()).paths['/orders/own']!;
  expect([get!.security, get!.responses['401']]).toEqual([[{ mine: [] }], { description: 'mine' }]);
});

test('the scheme has the name that the document gives it, and what is left open needs nothing', async () => {
  const { paths } = await documentOf({ openApiScheme: 'login', leaveUnmarkedHandlersOpen: true });
  expect(paths['/orders']!.get!.security).toEqual([{ login: ['orders:read'] }]);
  expect(paths['/plain']!.get!.security).toBeUndefined();
});
