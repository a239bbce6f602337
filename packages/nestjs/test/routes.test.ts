import {
  All,
  Controller,
  Delete,
  Get,
  Module,
  Post,
  RequestMethod,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
  type INestApplication,
  type MiddlewareConsumer,
  type NestModule,
  type Type,
  type VersioningOptions,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { GuardedBy, OptionalAuth, Public, Roles, Scopes, TokenwardModule } from '@tokenward/nestjs';
import { assertProtected } from '@tokenward/testing';
import { listRoutes } from '@tokenward/testing/routes';
import { afterEach, describe, expect, test } from 'vitest';

const OPTIONS = { issuer: 'https://login.invalid', audience: 'https://api.example.com' };
const ran: string[] = [];

abstract class BaseController {
  @Get('inherited')
  inherited() {
    return ran.push('inherited');
  }
}

@Controller('orders')
@Scopes('orders:read')
class OrdersController extends BaseController {
  @Get()
  list() {
    return ran.push('list');
  }

  @Delete(':id')
  @Roles('admin')
  remove() {
    return ran.push('remove');
  }

  @Get('maybe')
  @OptionalAuth()
  maybe() {
    return ran.push('maybe');
  }
}

@Controller({ path: 'partners', version: '2' })
@GuardedBy('partner')
class PartnersController extends BaseController {
  @Post()
  create() {
    return ran.push('create');
  }
}

@Controller()
class HealthController {
  @Get('health')
  @Public()
  health() {
    return ran.push('health');
  }
}

@Module({
  imports: [TokenwardModule.forRoot(OPTIONS), TokenwardModule.forRoot({ ...OPTIONS, name: 'partner' })],
  controllers: [OrdersController, PartnersController, HealthController],
})
class AppModule {}

let app: INestApplication;
afterEach(() => app?.close());

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  async function start(): Promise<void> {
    ran.length = 0;
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication(...((platform === 'fastify' ? [new FastifyAdapter(), { logger: false }] : [{ logger: false }]) as [never]));
    app.setGlobalPrefix('api');
    app.enableVersioning({ type: VersioningType.URI });
  }

  test('rule 279: lists the routes of the platform with the rules of their handlers', async () => {
    await start();
    const routes = await listRoutes(app);
    expect(
      routes
        .map(
          ({ method, path, protection, policies, handler }) =>
            `${method} ${path} ${protection} ${handler}${policies.map(({ words }) => ` ${words}`).join(',')}`,
        )
        .toSorted(),
    ).toEqual([
      'DELETE /api/orders/:id required OrdersController.remove the scope `orders:read` and the role `admin`',
      'GET /api/health no-tokenward-guard HealthController.health',
      'GET /api/orders required OrdersController.list the scope `orders:read`',
      'GET /api/orders/inherited required OrdersController.inherited the scope `orders:read`',
      'GET /api/orders/maybe optional OrdersController.maybe the scope `orders:read`',
      'GET /api/v2/partners/inherited required PartnersController.inherited',
      'POST /api/v2/partners required PartnersController.create',
    ]);
  });

  test('rule 277: assertProtected names the open handlers, and runs no other', async () => {
    await start();
    const { message } = (await assertProtected(app).catch((thrown: Error) => thrown)) as Error;
    expect(message).toMatch(/2 routes /);
    expect(message).toMatch(/GET \/api\/health +answered 200 without a token \(HealthController\.health/);
    expect(message).toMatch(/GET \/api\/orders\/maybe +answered 200 without a token \(OrdersController\.maybe; its guard is optional/);
    expect(ran.toSorted()).toEqual(['health', 'maybe']);
    ran.length = 0;
    await assertProtected(app, { except: ['GET /api/health', 'GET /api/orders/maybe'] });
    expect(ran).toEqual([]);
  });

  /** Starts an application of its own, and returns what `assertProtected` says about it. */
  async function findingsOf(owner: Type, prepare: (started: INestApplication) => void): Promise<readonly string[]> {
    ran.length = 0;
    const module = await Test.createTestingModule({ imports: [owner] }).compile();
    app = module.createNestApplication(...((platform === 'fastify' ? [new FastifyAdapter(), { logger: false }] : [{ logger: false }]) as [never]));
    prepare(app);
    const { message } = (await assertProtected(app).catch((thrown: Error) => thrown)) as Error;
    expect(message).toContain('add it: assertProtected');
    return message.split('\n').slice(1, -1);
  }

  test.each([
    { type: VersioningType.HEADER, header: 'X-Version' },
    { type: VersioningType.MEDIA_TYPE, key: 'v=' },
  ] satisfies VersioningOptions[])('rule 277: an open handler of another version is named, with %o', async (versioning) => {
    const findings = await findingsOf(VersionsModule, (started) => started.enableVersioning(versioning));
    expect(findings.toSorted()).toEqual([
      expect.stringMatching(/^ {2}GET \/things +answered 200 .*\(SecondController\.list; .*only for version 2/),
      expect.stringMatching(/^ {2}GET \/things +answered 200 .*\(SecondController\.list; .*only for version 3/),
      expect.stringMatching(/^ {2}POST \/things +answered 201 .*\(SecondController\.create; .*declared public/),
    ]);
    expect(ran.toSorted()).toEqual(['second create', 'second list', 'second list']);
  });

  test('rule 277: a version that a function of the application reads cannot be asked for', async () => {
    const extractor = (request: unknown): string => String((request as { headers: Record<string, unknown> }).headers['x-version']);
    const findings = await findingsOf(VersionsModule, (started) => started.enableVersioning({ type: VersioningType.CUSTOM, extractor }));
    for (const version of [1, 2, 3]) expect(findings.join('\n')).toMatch(new RegExp(`GET /things +was not tried: .*only for version ${version}`));
    expect(ran).toEqual(['second create']);
  });

  test('rule 277: names every catch-all of the application, and nothing that Nest answers', async () => {
    const findings = await findingsOf(CatchAllModule, (started) => {
      started.setGlobalPrefix('api', { exclude: ['health'] });
      if (platform === 'fastify') return;
      started.getHttpAdapter().all('/raw/*path', (_request: unknown, response: { json(body: object): void }) => response.json({ ran: ran.push('raw') }));
    });
    const paths = findings.map((line) => /^ {2}[A-Z]+ +(\S+) +answered 20\d without a token/.exec(line)?.[1] ?? line);
    expect([...new Set(paths)].toSorted()).toEqual(platform === 'express' ? ['/api/open/{*path}', '/raw/*path'] : ['/api/open/*']);
    expect(ran).not.toContain('health');
    expect(ran).not.toContain('rest');
  });

  test('rule 277: names a catch-all of an application without guards', async () => {
    const findings = await findingsOf(openModuleOf(platform === 'express' ? '*path' : '*'), (started) => started.setGlobalPrefix('api'));
    expect(findings).toContainEqual(expect.stringMatching(/^ {2}(?:ALL|GET) +\/api\/\*(?:path)? +answered 200 without a token/));
    expect(findings.filter((line) => line.includes('404'))).toEqual([]);
  });

  // on Fastify, middleware is no route
  test.runIf(platform === 'express')('rule 277: names middleware that answers, and no middleware that only passes requests on', async () => {
    const findings = await findingsOf(MiddlewareModule, () => {});
    expect(findings.filter((line) => !line.includes('/orders/maybe'))).toEqual([
      expect.stringMatching(/^ {2}GET \/metrics +answered 200 without a token \(.*middleware/),
      expect.stringMatching(/^ {2}ALL \/dump\/\*path +answered 200 without a token \(.*middleware/),
    ]);
    expect([...new Set(ran)].toSorted()).toEqual(['dump', 'maybe', 'metrics']);
    const listed = (await listRoutes(app)).map(({ method, path, protection }) => `${method} ${path} ${protection}`);
    expect(listed.filter((line) => line.endsWith(' unknown')).toSorted()).toEqual(['ALL /dump/*path unknown', 'GET /logged unknown', 'GET /metrics unknown']);
    expect(listed.filter((line) => line.startsWith('GET /orders '))).toEqual(['GET /orders required']);
    const except = ['GET /metrics', 'ALL /dump/*path', 'GET /orders/maybe'];
    await assertProtected(app, { except, requireScopes: true });
  });

  test.runIf(platform === 'express')("rule 277: names middleware that answers where Nest's own answer of 404 has the same path", async () => {
    const findings = await findingsOf(PrefixedModule, (started) => started.setGlobalPrefix('api'));
    expect(findings).toContainEqual(expect.stringMatching(/^ {2}ALL \/api\/\*path +answered 200 without a token \(.*middleware/));
  });

  test.runIf(platform === 'express')('rule 277: names a route whose handler is a bound function, if tracing binds those of Nest', async () => {
    const findings = await findingsOf(CatchAllModule, (started) => {
      const { routerProxy } = (started as unknown as { routesResolver: { routerProxy: { createProxy(...given: unknown[]): () => void } } }).routesResolver;
      const create = routerProxy.createProxy.bind(routerProxy);
      routerProxy.createProxy = (...given) => create(...given).bind(undefined);
      const raw = (_request: unknown, response: { json(body: object): void }): void => response.json({ ran: ran.push('raw') });
      started.getHttpAdapter().get('/bound', raw.bind(undefined) as never);
    });
    expect(findings).toContainEqual(expect.stringMatching(/^ {2}GET \/bound +answered 200/));
  });

  // Fastify takes one route of a path
  test.runIf(platform === 'express')('rule 277: an open handler of another host is named', async () => {
    const findings = await findingsOf(HostsModule, () => {});
    expect(findings).toEqual([expect.stringMatching(/^ {2}GET +\/hosted +answered 200 .*\(TenantController\.list; .*only for host :tenant\.example\.org/)]);
    expect(ran).toEqual(['tenant']);
  });
});

@Controller({ path: 'things', version: '1' })
class FirstController {
  @Get()
  list() {
    return ran.push('first list');
  }
}

@Controller('things')
class SecondController {
  @Get()
  @Version(['2', '3'])
  @Public()
  list() {
    return ran.push('second list');
  }

  @Post()
  @Version(VERSION_NEUTRAL)
  @Public()
  create() {
    return ran.push('second create');
  }
}

@Module({ imports: [TokenwardModule.forRoot(OPTIONS)], controllers: [FirstController, SecondController] })
class VersionsModule {}

@Controller()
class CatchAllController {
  @All('open/*')
  @Public()
  open() {
    return ran.push('open');
  }

  @Get('health')
  health() {
    return ran.push('health');
  }

  @All('*')
  rest() {
    return ran.push('rest');
  }
}

@Module({ imports: [TokenwardModule.forRoot(OPTIONS)], controllers: [CatchAllController] })
class CatchAllModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    const pass = (_request: unknown, _response: unknown, next: () => void): void => next();
    consumer.apply(pass).forRoutes('*path');
    consumer.apply(pass).forRoutes({ path: '*path', method: RequestMethod.ALL }, { path: 'health', method: RequestMethod.GET });
    consumer.apply(pass).forRoutes(CatchAllController);
  }
}

@Module({ imports: [TokenwardModule.forRoot(OPTIONS)], controllers: [OrdersController] })
class MiddlewareModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    const pass = (_request: unknown, _response: unknown, next: () => void): void => next();
    const answer = (name: string) => (_request: unknown, response: { json(body: object): void }) => response.json({ ran: ran.push(name) });
    consumer.apply(pass).forRoutes(OrdersController, { path: 'logged', method: RequestMethod.GET });
    consumer.apply(pass, answer('metrics')).forRoutes({ path: 'metrics', method: RequestMethod.GET });
    consumer.apply(answer('dump')).forRoutes({ path: 'dump/*path', method: RequestMethod.ALL });
  }
}

@Module({ imports: [TokenwardModule.forRoot(OPTIONS)], controllers: [OrdersController] })
class PrefixedModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    const answer = (_request: unknown, response: { json(body: object): void }): void => response.json({ ran: ran.push('any') });
    consumer.apply(answer).forRoutes({ path: '*path', method: RequestMethod.ALL });
  }
}

function openModuleOf(path: string): Type {
  @Controller()
  class OpenController {
    @All(path)
    all() {
      return ran.push('all');
    }
  }

  @Module({ controllers: [OpenController] })
  class OpenModule {}
  return OpenModule;
}

@Controller({ path: 'hosted', host: 'admin.example.com' })
class AdminController {
  @Get()
  list() {
    return ran.push('admin');
  }
}

@Controller({ path: 'hosted', host: ':tenant.example.org' })
class TenantController {
  @Get()
  @Public()
  list() {
    return ran.push('tenant');
  }
}

@Module({ imports: [TokenwardModule.forRoot(OPTIONS)], controllers: [AdminController, TenantController] })
class HostsModule {}
