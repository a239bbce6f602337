import { Controller, Get, Logger, Post, type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiSecurity, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { anyOf, GuardedBy, OptionalAuth, Public, Require, role, Scopes, scope, TokenwardModule, type NestGuardOptions } from '@tokenward/nestjs';
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

const WITH_OAUTH2 = new DocumentBuilder().addOAuth2({ type: 'oauth2', flows: {} });

async function documentOf(
  options: Partial<NestGuardOptions> = {},
  controllers: Type[] = controller(),
  imports: DynamicModule[] = [],
  builder: DocumentBuilder = WITH_OAUTH2,
): Promise<OpenAPIObject> {
  let document: OpenAPIObject;
  await world.start({
    controllers,
    imports,
    options,
    prepare(app: INestApplication) {
      document = SwaggerModule.createDocument(app, builder.build());
    },
  });
  return document!;
}

test('OpenAPI has the requirements of each handler, by class and handler, decorated or not', async () => {
  const { paths } = await documentOf();
  expect(paths['/orders']!.get!.security).toEqual([{ oauth2: ['orders:read'] }]);
  expect(paths['/orders']!.post!.security).toEqual([{ oauth2: ['orders:read', 'orders:write'] }]);
  expect(paths['/plain']!.get!.security).toEqual([{ oauth2: [] }]);
  expect(paths['/orders/health']!.get!.security).toBeUndefined();
  expect(paths['/orders/maybe']!.get!.security).toEqual(expect.arrayContaining([{}, { oauth2: ['orders:read'] }]));
  expect(paths['/orders/reports']!.get!.security).toEqual([{ oauth2: ['orders:read'] }]);
});

test('OpenAPI has the responses of refusals', async () => {
  const { paths } = await documentOf();
  expect(Object.keys(paths['/orders']!.get!.responses)).toEqual(expect.arrayContaining(['200', '401', '403']));
  expect(Object.keys(paths['/orders']!.post!.responses)).toEqual(expect.arrayContaining(['201', '401', '403']));
  expect(paths['/plain']!.get!.responses).toEqual({ 200: expect.objectContaining({ content: expect.anything() }), 401: expect.anything() });
  expect(Object.keys(paths['/orders/health']!.get!.responses)).toEqual(['200']);
  expect(paths['/orders/reports']!.get!.responses['403']).toMatchObject({
    description: expect.stringContaining('anyOf(scope("reports:read"), role("auditor"))'),
  });
});

test("a handler's own swagger decorators take precedence", async () => {
  const { get } = (await documentOf()).paths['/orders/own']!;
  expect([get!.security, get!.responses['401']]).toEqual([[{ mine: [] }], { description: 'mine' }]);
});

test('security from a class takes precedence, and the responses of refusals are added', async () => {
  @Controller('orders')
  @ApiBearerAuth('mine')
  @Scopes('orders:read')
  class BearerController {
    @Get()
    list() {
      return [];
    }

    @Post()
    @ApiSecurity('other', ['own'])
    create() {
      return {};
    }
  }

  const { get, post } = (await documentOf({}, [BearerController])).paths['/orders']!;
  expect(get!.security).toEqual([{ mine: [] }]);
  expect(post!.security).toEqual(expect.arrayContaining([{ other: ['own'] }]));
  for (const { security, responses } of [get!, post!]) {
    expect(JSON.stringify(security)).not.toContain('oauth2');
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '403']));
  }
});

describe('of a method that several controllers inherit', () => {
  class Base {
    @Get()
    list() {
      return [];
    }
  }

  @Controller('teas')
  @Scopes('teas:read')
  class TeasController extends Base {}

  @Controller('cups')
  @Scopes('cups:read')
  class CupsController extends Base {}

  @Controller('open')
  @Public()
  class OpenController extends Base {}

  @Controller('black-teas')
  @Scopes('teas:read')
  class BlackTeasController extends Base {}

  test('says nothing if their requirements differ', async () => {
    for (const controllers of [
      [TeasController, CupsController],
      [CupsController, TeasController],
      [TeasController, OpenController],
      [OpenController, TeasController],
    ]) {
      const { paths } = await documentOf({}, controllers);
      for (const { get } of Object.values(paths)) expect([get!.security, Object.keys(get!.responses)]).toEqual([undefined, ['200']]);
    }
  });

  test('describes their requirements if they are the same', async () => {
    const { paths } = await documentOf({}, [TeasController, BlackTeasController]);
    for (const path of ['/teas', '/black-teas']) {
      const { security, responses } = paths[path]!.get!;
      expect([security, Object.keys(responses)]).toEqual([[{ oauth2: ['teas:read'] }], ['200', '401', '403']]);
    }
  });

  test('says nothing if different guards decide', async () => {
    @Controller('partners')
    @Scopes('teas:read')
    @GuardedBy('partner')
    class PartnersController extends Base {}

    const { issuer, audience } = world.issuer;
    const partner = TokenwardModule.forRoot({ name: 'partner', issuer, audience, openApiScheme: 'partner' });
    const { paths } = await documentOf({}, [TeasController, PartnersController], [partner]);
    for (const { get } of Object.values(paths)) expect([get!.security, Object.keys(get!.responses)]).toEqual([undefined, ['200']]);
  });

  test('a later application describes its own requirements, not those of an earlier one', async () => {
    expect((await documentOf({ openApiScheme: 'first' }, [TeasController])).paths['/teas']!.get!.security).toEqual([{ first: ['teas:read'] }]);
    expect((await documentOf({ openApiScheme: 'second' }, [TeasController])).paths['/teas']!.get!.security).toEqual([{ second: ['teas:read'] }]);
    expect((await documentOf({ openApiScheme: 'third' }, [CupsController])).paths['/cups']!.get!.security).toEqual([{ third: ['cups:read'] }]);
    expect((await documentOf({}, [OpenController])).paths['/open']!.get!.security).toBeUndefined();
    await documentOf({}, [TeasController]);
    for (const { get } of Object.values((await documentOf({}, [TeasController, CupsController])).paths)) expect(get!.security).toBeUndefined();
  });
});

test("uses the document's name for the scheme, and none for open handlers", async () => {
  const { paths } = await documentOf({ openApiScheme: 'login', leaveUnmarkedHandlersOpen: true });
  expect(paths['/orders']!.get!.security).toEqual([{ login: ['orders:read'] }]);
  expect(paths['/plain']!.get!.security).toBeUndefined();
});

describe('a document whose security scheme has another name', () => {
  const of = (builder: DocumentBuilder, options: Partial<NestGuardOptions> = {}) => documentOf(options, controller(), [], builder);

  test('refers to its own scheme: that of addBearerAuth() without scopes, that of addOAuth2() with them', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const bearer = (await of(new DocumentBuilder().addBearerAuth())).paths;
    expect(bearer['/orders']!.get!.security).toEqual([{ bearer: [] }]);
    expect(bearer['/orders/maybe']!.get!.security).toEqual(expect.arrayContaining([{}, { bearer: [] }]));
    expect(bearer['/orders/own']!.get!.security).toEqual([{ mine: [] }]);
    const named = (await of(new DocumentBuilder().addOAuth2({ type: 'oauth2', flows: {} }, 'login'))).paths;
    expect(named['/orders']!.post!.security).toEqual([{ login: ['orders:read', 'orders:write'] }]);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  test.each<[string, DocumentBuilder, Partial<NestGuardOptions>, RegExp]>([
    ['none', new DocumentBuilder().addCookieAuth(), {}, /no security scheme "oauth2".*addBearerAuth\(\)/],
    [
      'several',
      new DocumentBuilder().addBearerAuth().addOAuth2({ type: 'oauth2', flows: {} }, 'login'),
      {},
      /several that could take its place. Name one in openApiScheme/,
    ],
  ])('if the document has %s for it, a warning says what to write', async (_name, builder, options, message) => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    expect((await of(builder, options)).paths['/orders']!.get!.security).toEqual([{ oauth2: ['orders:read'] }]);
    expect(warn.mock.calls.map(([line]) => String(line))).toEqual([expect.stringMatching(message)]);
    warn.mockRestore();
  });
});
