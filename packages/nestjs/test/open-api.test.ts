import { All, Controller, Get, Logger, Param, Post, UseGuards, VersioningType, type DynamicModule, type INestApplication, type Type } from '@nestjs/common';
import { ApiBearerAuth, ApiResponse, ApiSecurity, DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  acr,
  anyOf,
  claim,
  GuardedBy,
  OptionalAuth,
  Policies,
  Public,
  Require,
  role,
  Scopes,
  scope,
  TokenwardModule,
  type NestGuardOptions,
} from '@tokenward/nestjs';
import { expectNoneLooksOpen, expectValidDocument, type OpenApiDocument } from '../../testing/test/open-api.js';
import { createWorld, type World } from './app.js';
import type { Platform } from './start-nest.js';

// as an app may do at its start
const { createDocument } = SwaggerModule;

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
  { platform, prepare, looksProtected = [] }: { platform?: Platform; prepare?: (app: INestApplication) => void; looksProtected?: string[] } = {},
): Promise<OpenAPIObject> {
  let document: OpenAPIObject;
  const { origin } = await world.start({
    controllers,
    imports,
    options,
    ...(platform && { platform }),
    prepare(app: INestApplication) {
      prepare?.(app);
      document = SwaggerModule.createDocument(app, builder.build());
    },
  });
  const { paths } = await expectValidDocument(withSchemes(document!));
  expect(await expectNoneLooksOpen({ ...(document! as unknown as OpenApiDocument), paths }, origin)).toEqual(looksProtected);
  return document!;
}

/** Some tests refer to schemes by decorators of swagger, and define none. For `@All()`, swagger documents a method that OpenAPI does not know. */
function withSchemes({ paths, ...document }: OpenAPIObject): object {
  const securitySchemes = { mine: { type: 'oauth2', flows: {} }, other: { type: 'oauth2', flows: {} }, ...document.components?.securitySchemes };
  const known = Object.entries(paths).map(([path, item]) => [path, Object.fromEntries(Object.entries(item).filter(([method]) => method !== 'search'))]);
  return { ...document, paths: Object.fromEntries(known) as object, components: { ...document.components, securitySchemes } };
}

test.each(['express', 'fastify'] as const)(
  'rule 250: a document has the requirements of each handler, by class and handler, decorated or not (%s)',
  async (platform) => {
    const { paths } = await documentOf({}, controller(), [], WITH_OAUTH2, { platform });
    expect(paths['/orders']!.get!.security).toEqual([{ oauth2: ['orders:read'] }]);
    expect(paths['/orders']!.post!.security).toEqual([{ oauth2: ['orders:read', 'orders:write'] }]);
    expect(paths['/plain']!.get!.security).toEqual([{ oauth2: [] }]);
    expect(paths['/orders/health']!.get!.security).toBeUndefined();
    expect(paths['/orders/maybe']!.get!.security).toEqual([{}, { oauth2: ['orders:read'] }]);
    expect(paths['/orders/reports']!.get!.security).toEqual([{ oauth2: ['orders:read', 'reports:read'] }, { oauth2: ['orders:read'] }]);
    expect(paths['/orders/reports']!.get!.description).toBe('Needs the scope `orders:read` and (the scope `reports:read` or the role `auditor`).');
  },
);

test('rule 253: a document has the responses of refusals', async () => {
  const { paths } = await documentOf();
  expect(Object.keys(paths['/orders']!.get!.responses)).toEqual(expect.arrayContaining(['200', '400', '401', '403', '503']));
  expect(Object.keys(paths['/orders']!.post!.responses)).toEqual(expect.arrayContaining(['201', '400', '401', '403', '503']));
  expect(paths['/plain']!.get!.responses).toEqual({
    200: expect.objectContaining({ content: expect.anything() }),
    400: expect.anything(),
    401: expect.anything(),
    503: expect.anything(),
  });
  expect(Object.keys(paths['/orders/health']!.get!.responses)).toEqual(['200']);
  expect(paths['/orders/reports']!.get!.responses['403']).toMatchObject({
    description: expect.stringContaining('the scope `reports:read` or the role `auditor`'),
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

  test('rule 251: describes what each of them needs', async () => {
    const needs: Record<string, unknown> = { '/teas': [{ oauth2: ['teas:read'] }], '/cups': [{ oauth2: ['cups:read'] }], '/open': undefined };
    for (const controllers of [
      [TeasController, CupsController],
      [CupsController, TeasController],
      [TeasController, OpenController],
      [OpenController, TeasController],
    ]) {
      const { paths } = await documentOf({}, controllers);
      for (const [path, { get }] of Object.entries(paths)) expect([path, get!.security]).toEqual([path, needs[path]]);
    }
  });

  test('describes their requirements if they are the same', async () => {
    const { paths } = await documentOf({}, [TeasController, BlackTeasController]);
    for (const path of ['/teas', '/black-teas']) {
      const { security, responses } = paths[path]!.get!;
      expect([security, Object.keys(responses)]).toEqual([[{ oauth2: ['teas:read'] }], ['200', '400', '401', '403', '503']]);
    }
  });

  test('rule 250: describes each guard by its own scheme', async () => {
    @Controller('partners')
    @Scopes('teas:read')
    @GuardedBy('partner')
    class PartnersController extends Base {}

    const { issuer, audience } = world.issuer;
    const partner = TokenwardModule.forRoot({ name: 'partner', issuer, audience, openApiScheme: 'partner' });
    const { paths, components } = await documentOf({}, [TeasController, PartnersController], [partner]);
    expect([paths['/teas']!.get!.security, paths['/partners']!.get!.security]).toEqual([[{ oauth2: ['teas:read'] }], [{ partner: ['teas:read'] }]]);
    expect(components!.securitySchemes!['partner']).toMatchObject({ type: 'openIdConnect' });
  });

  test('a later application describes its own requirements, not those of an earlier one', async () => {
    expect((await documentOf({ openApiScheme: 'first' }, [TeasController])).paths['/teas']!.get!.security).toEqual([{ first: ['teas:read'] }]);
    expect((await documentOf({ openApiScheme: 'second' }, [TeasController])).paths['/teas']!.get!.security).toEqual([{ second: ['teas:read'] }]);
    expect((await documentOf({ openApiScheme: 'third' }, [CupsController])).paths['/cups']!.get!.security).toEqual([{ third: ['cups:read'] }]);
    expect((await documentOf({}, [OpenController])).paths['/open']!.get!.security).toBeUndefined();
    await documentOf({}, [TeasController]);
    const { paths } = await documentOf({}, [TeasController, CupsController]);
    expect([paths['/teas']!.get!.security, paths['/cups']!.get!.security]).toEqual([[{ oauth2: ['teas:read'] }], [{ oauth2: ['cups:read'] }]]);
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

  test('rule 252: if there is none, the document gets one with the address of the issuer', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const { paths, components } = await of(new DocumentBuilder().addCookieAuth());
    expect(paths['/orders']!.get!.security).toEqual([{ oauth2: ['orders:read'] }]);
    expect(components!.securitySchemes!['oauth2']).toMatchObject({
      type: 'openIdConnect',
      openIdConnectUrl: `${world.issuer.issuer}/.well-known/openid-configuration`,
    });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  test('rule 252: if there are several, the document gets one more, and a warning says what to write', async () => {
    const builder = new DocumentBuilder().addBearerAuth().addOAuth2({ type: 'oauth2', flows: {} }, 'login');
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    expect((await of(builder)).paths['/orders']!.get!.security).toEqual([{ oauth2: ['orders:read'] }]);
    expect(warn.mock.calls.map(([line]) => String(line))).toEqual([expect.stringMatching(/several security schemes.*\(bearer, login\).*openApiScheme/)]);
    warn.mockClear();
    expect((await of(builder, { openApiScheme: 'bearer' })).paths['/orders']!.get!.security).toEqual([{ bearer: [] }]);
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });
});

describe.each(['express', 'fastify'] as const)('rule 251: no protected handler looks open (%s)', (platform) => {
  function odd(): Type[] {
    class Base {
      @Get('inherited')
      @Scopes('base:read')
      inherited() {
        return {};
      }

      @Get('overridden')
      @Scopes('base:read')
      overridden() {
        return {};
      }
    }

    @Controller(['one', 'two'])
    @Scopes('class:read')
    class SeveralPaths extends Base {
      @Get(['', 'alias'])
      list() {
        return [];
      }

      @Get('overridden')
      override overridden() {
        return {};
      }

      @All('all')
      all() {
        return {};
      }

      @Get(':id')
      @Policies(({ params }) => claim('tenant', params['id']!))
      one(@Param('id') id: string) {
        return { id };
      }
    }

    @Controller({ path: 'versioned', version: '2' })
    class Versioned extends Base {
      @Get()
      @Public()
      open() {
        return {};
      }
    }

    @Controller('decorated')
    class Decorated {
      @Get('none')
      @ApiSecurity({})
      @Require(acr('urn:example:mfa'))
      none() {
        return {};
      }
    }

    return [SeveralPaths, Versioned, Decorated];
  }

  test('with several paths, versions, a prefix, inherited and overridden handlers, and a decorator that says so', async () => {
    const warn = vi.spyOn(Logger.prototype, 'warn').mockImplementation(() => {});
    const { paths } = await documentOf({}, odd(), [], new DocumentBuilder(), {
      platform,
      prepare(app) {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI });
      },
    });
    const security = (path: string) => paths[path]?.get?.security;
    for (const base of ['/api/one', '/api/two']) {
      expect(security(base)).toEqual([{ oauth2: ['class:read'] }]);
      expect(security(`${base}/alias`)).toEqual([{ oauth2: ['class:read'] }]);
      expect(security(`${base}/inherited`)).toEqual([{ oauth2: ['class:read', 'base:read'] }]);
      expect(security(`${base}/overridden`)).toEqual([{ oauth2: ['class:read', 'base:read'] }]);
      expect(paths[`${base}/{id}`]!.get!.description).toBe('Needs the scope `class:read` and a condition of this API.');
      expect(paths[`${base}/all`]!.put!.security).toEqual([{ oauth2: ['class:read'] }]);
    }
    expect(security('/api/v2/versioned/inherited')).toEqual([{ oauth2: ['base:read'] }]);
    expect(security('/api/v2/versioned')).toBeUndefined();
    expect(security('/api/decorated/none')).toEqual([{ oauth2: [] }]);
    expect(paths['/api/decorated/none']!.get!.responses['401']).toMatchObject({ description: expect.stringContaining('`acr_values`') });
    expect(warn.mock.calls.map(([line]) => String(line))).toEqual([expect.stringMatching(/^Decorated.none needs a token/)]);
    warn.mockRestore();
  });

  test('if the app took createDocument from swagger before there was a guard', async () => {
    class Shared {
      @Get()
      list() {
        return [];
      }
    }

    @Controller('teas')
    @Scopes('teas:read')
    class Teas extends Shared {}

    @Controller('open')
    @Public()
    class Open extends Shared {}

    let document: OpenAPIObject;
    const { origin } = await world.start({
      controllers: [Teas, Open],
      platform,
      prepare: (app) => void (document = createDocument(app, WITH_OAUTH2.build())),
    });
    expect(createDocument).not.toBe(SwaggerModule.createDocument);
    // one method, so one text
    expect(document!.paths['/teas']!.get!.security).toEqual([{ oauth2: [] }]);
    expect(document!.paths['/open']!.get!.security).toEqual([{ oauth2: [] }]);
    expect([(await fetch(`${origin}/teas`)).status, (await fetch(`${origin}/open`)).status]).toEqual([401, 200]);
  });
});

test('a requirement of the whole document does not apply to public handlers, unless they have other guards', async () => {
  class OtherGuard {
    canActivate() {
      return true;
    }
  }

  @Controller('health')
  class HealthController {
    @Get()
    @Public()
    health() {
      return 'ok';
    }

    @Get('other')
    @Public()
    @UseGuards(OtherGuard)
    other() {
      return 'ok';
    }

    @Get('needed')
    needed() {
      return 'ok';
    }
  }

  const builder = new DocumentBuilder().addBearerAuth().addSecurityRequirements('bearer');
  const { paths } = await documentOf({}, [HealthController], [], builder, { looksProtected: ['get /health/other'] });
  expect(paths['/health']!.get!.security).toEqual([]);
  expect(paths['/health/other']!.get!.security).toBeUndefined();
  expect(paths['/health/needed']!.get!.security).toEqual([{ bearer: [] }]);
});

test('an application without the guard has its document as it was', async () => {
  @Controller('plain')
  class PlainController {
    @Get()
    get() {
      return {};
    }
  }

  let document: OpenAPIObject;
  await world.start({
    controllers: [PlainController],
    unguarded: true,
    prepare: (app) => void (document = SwaggerModule.createDocument(app, new DocumentBuilder().build())),
  });
  expect(document!.paths['/plain']!.get).toMatchObject({ responses: { 200: {} } });
  expect(document!.paths['/plain']!.get!.security).toBeUndefined();
});
