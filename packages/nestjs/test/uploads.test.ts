import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Agent, createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  All,
  Body,
  Controller,
  Module,
  Post,
  Put,
  VersioningType,
  type INestApplication,
  type MiddlewareConsumer,
  type NestMiddleware,
  type NestModule,
  type Type,
} from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Authenticated, CurrentAuth, OptionalAuth, Public, Scopes, TokenwardModule } from '@tokenward/nestjs';
import { createDpopClient, createTestClock } from '@tokenward/testing';
import { createWorld, type World } from './app.js';
import { createApp, listen } from './start-nest.js';
import { LARGE, upload } from './upload.js';

let world: World;
const ran: string[] = [];
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => void ran.splice(0));
afterAll(() => world.close());

interface Filled {
  readonly filler?: string;
}

function bytesOf(body: Filled | undefined): number | null {
  return body?.filler?.length ?? null;
}

@Controller('files')
class FilesController {
  @Post()
  create(@CurrentAuth('subject') subject: string, @Body() body: Filled) {
    ran.push('create');
    return { subject, bytes: bytesOf(body) };
  }

  @Post('maybe')
  @OptionalAuth()
  maybe(@CurrentAuth('subject', 'optional') subject: string | undefined, @Body() body: Filled) {
    return { subject: subject ?? null, bytes: bytesOf(body) };
  }

  @Post('scoped')
  @Scopes('files:write')
  scoped(@Body() body: Filled) {
    ran.push('scoped');
    return { bytes: bytesOf(body) };
  }

  @Post('open')
  @Public()
  open(@Body() body: Filled) {
    return { bytes: bytesOf(body) };
  }

  @Put('item')
  @Public()
  put(@Body() body: Filled) {
    return { put: bytesOf(body) };
  }

  @Post('item')
  post() {
    return {};
  }
}

const OF_CLASSES = { teas: Scopes('teas'), cups: Scopes('cups'), open: Public(), maybe: OptionalAuth(), plain: Authenticated() };

/** Controllers of different needs that have one handler in common. */
function inheriting(paths: readonly string[]): Type[] {
  abstract class Base {
    @Post()
    create(@Body() body: Filled) {
      ran.push('inherited');
      return { bytes: bytesOf(body) };
    }
  }

  return paths.map((path) => {
    @Controller(path)
    @(OF_CLASSES[path as keyof typeof OF_CLASSES])
    class Inheriting extends Base {}
    return Inheriting;
  });
}

@Controller()
class FallbackController {
  @All(':any')
  all() {
    ran.push('all');
    return {};
  }
}

/** Reads the request as it comes, as proxies and webhooks do that check a signature over its bytes. */
function readRaw(request: IncomingMessage, response: ServerResponse): void {
  const { 'content-type': type = null, 'content-length': length = null, 'transfer-encoding': coding = null } = request.headers;
  void text(request).then(({ length: bytes }) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ type, length, coding, bytes })));
}

type Next = () => void;

interface FastifyReply {
  code(status: number): FastifyReply;
  send(body: string): unknown;
}
type FastifyHook = (request: { readonly raw: IncomingMessage }, reply: FastifyReply) => Promise<void>;

function hook(app: INestApplication, name: 'onRequest' | 'preHandler', run: FastifyHook): void {
  (app.getHttpAdapter().getInstance() as { addHook(name: string, run: FastifyHook): void }).addHook(name, run);
}

/** Ahead of everything that reads bodies. */
function inFront(app: INestApplication, change: (raw: IncomingMessage) => void): void {
  if (app.getHttpAdapter().getType() === 'express') {
    app.use((request: IncomingMessage, _response: unknown, next: Next) => {
      change(request);
      next();
    });
    return;
  }
  hook(app, 'onRequest', async ({ raw }) => change(raw));
}

function cookieToHeader({ headers }: IncomingMessage): void {
  const token = /^token=(.*)$/.exec(headers.cookie ?? '')?.[1];
  if (token !== undefined) headers.authorization = `Bearer ${token}`;
}

describe.each(['express', 'fastify'] as const)('on %s', (platform) => {
  test('rule 90: the answer to a large upload with an old nonce brings the next one', async () => {
    const clock = createTestClock();
    const client = await createDpopClient({ clock });
    const token = await world.token({ claims: client.claims });
    const dpop = { nonceSecret: 'a secret for nonces that has more than 32 bytes', nonceLifetimeSeconds: 10 };
    const { origin } = await world.start({ platform, controllers: [FilesController], options: { clock, dpop } });
    const nonceAfter = async (path: string, body: string, nonce?: string): Promise<readonly [number, string | null]> => {
      const url = `${origin}${path}`;
      const headers = { 'content-type': 'application/json', ...client.authorizationHeaders({ method: 'POST', url, nonce }, token) };
      const answer = await fetch(url, { method: 'POST', headers, body });
      return [answer.status, answer.headers.get('dpop-nonce')];
    };
    const [, old] = await nonceAfter('/files', '{}');
    clock.advance(10);
    const [, next] = await nonceAfter('/files', '{}', old!);
    expect([typeof next, next === old]).toEqual(['string', false]);
    expect(await nonceAfter('/files', LARGE, old!)).toEqual([201, next]);
    expect(await nonceAfter('/files/scoped', LARGE, old!)).toEqual([403, next]);
    expect(await nonceAfter('/files', LARGE, next!)).toEqual([201, null]);
  });

  test('rule 150: reads a large upload when it is admitted, with and without a length', async () => {
    const { origin } = await world.start({ platform, controllers: [FilesController] });
    const token = await world.token();
    for (const chunked of [false, true]) {
      expect(await upload(origin, { path: '/files', chunked })).toMatchObject({ status: 401, body: { title: 'Unauthorized' } });
      expect(await upload(origin, { path: '/files/scoped', token, chunked })).toMatchObject({ status: 403, body: { error: 'insufficient_scope' } });
      expect(ran).toEqual([]);
      expect(await upload(origin, { path: '/files', token, chunked })).toEqual({ status: 201, body: { subject: 'user-1', bytes: 20_000 } });
      expect(await upload(origin, { path: '/files/open', token: 'bad', chunked })).toEqual({ status: 201, body: { bytes: 20_000 } });
      ran.splice(0);
    }
  });

  test('rule 150: uses the credentials that earlier middleware took from a cookie, however large the body', async () => {
    const { origin } = await world.start({ platform, controllers: [FilesController], prepare: (app) => inFront(app, cookieToHeader) });
    const cookie = { cookie: `token=${await world.token({ subject: 'ada' })}` };
    const small = JSON.stringify({ filler: 'xyz' });
    for (const path of ['/files', '/files/maybe']) {
      expect(await upload(origin, { path, headers: cookie, body: small })).toEqual({ status: 201, body: { subject: 'ada', bytes: 3 } });
      expect(await upload(origin, { path, headers: cookie })).toEqual({ status: 201, body: { subject: 'ada', bytes: 20_000 } });
      expect(await upload(origin, { path, headers: { cookie: 'token=bad' } })).toMatchObject({ status: 401 });
    }
    expect(await upload(origin, { path: '/files/maybe' })).toEqual({ status: 201, body: { subject: null, bytes: 20_000 } });
  });

  test('rule 150: uses the credentials that middleware of a module sets after the parsers', async () => {
    class CookieMiddleware implements NestMiddleware<IncomingMessage> {
      use(request: IncomingMessage, _response: unknown, next: Next): void {
        cookieToHeader((request as { raw?: IncomingMessage }).raw ?? request);
        request.method = (request.headers['x-method'] as string | undefined) ?? request.method!;
        next();
      }
    }

    @Module({})
    class CookieModule implements NestModule {
      configure(consumer: MiddlewareConsumer) {
        consumer.apply(CookieMiddleware).forRoutes('*path');
      }
    }

    const { origin } = await world.start({ platform, controllers: [FilesController], imports: [CookieModule] });
    const cookie = { cookie: `token=${await world.token({ subject: 'ada' })}` };
    for (const path of ['/files', '/files/maybe']) {
      for (const chunked of [false, true]) {
        expect(await upload(origin, { path, headers: cookie, chunked })).toEqual({ status: 201, body: { subject: 'ada', bytes: 20_000 } });
        expect(await upload(origin, { path, headers: { cookie: 'token=bad' }, chunked })).toMatchObject({ status: 401 });
      }
    }
    expect(await upload(origin, { path: '/files', headers: cookie, body: LARGE.slice(1) })).toMatchObject({ status: 400 });
    expect(await upload(origin, { path: '/files', headers: cookie, body: `"${'x'.repeat(2_000_000)}"` })).toMatchObject({ status: 413 });
    // Express goes on by the method that it finds, Fastify has chosen its route
    const overridden = await upload(origin, { path: '/files/item', headers: { 'x-method': 'PUT' } });
    expect(overridden).toMatchObject(platform === 'express' ? { status: 200, body: { put: 20_000 } } : { status: 401 });
  });

  test('rule 150: publishes one event for a large upload, refused or accepted', async () => {
    abstract class Base {
      @Post()
      create() {
        return {};
      }
    }

    @Controller('teas')
    class TeasController extends Base {}

    @Controller('cups')
    class CupsController extends Base {}

    const { origin } = await world.start({
      platform,
      controllers: [FilesController, TeasController, CupsController],
      // a second parser, ahead of Nest's own
      prepare: (app) => void (platform === 'express' && (app as NestExpressApplication).useBodyParser('text')),
    });
    const told: string[] = [];
    const tell = (event: unknown, name: string | symbol) => {
      if ((event as { issuer: string }).issuer === world.issuer.issuer) told.push(String(name));
    };
    const channels = ['tokenward:accepted', 'tokenward:refused'];
    for (const name of channels) subscribe(name, tell);
    const token = await world.token();
    const [accepted, refused] = channels;
    for (const [path, shown, expected] of [
      ['/files', undefined, refused],
      ['/files', 'bad', refused],
      ['/files', token, accepted],
      ['/files/scoped', token, refused],
      ['/files/maybe', undefined, accepted],
      ['/files/maybe', token, accepted],
      ['/teas', undefined, refused],
      ['/cups', token, accepted],
    ] as const) {
      await upload(origin, { path, ...(shown !== undefined && { token: shown }) });
      expect(told.splice(0), `${path} ${shown}`).toEqual([expected]);
    }
    for (const name of channels) unsubscribe(name, tell);
  });

  test('rule 150: checks handlers of one path that differ by version by their own rules', async () => {
    @Controller({ path: 'files', version: '1' })
    class FirstController {
      @Post()
      create() {
        ran.push('first');
        return {};
      }
    }

    @Controller({ path: 'files', version: '2' })
    class SecondController {
      @Post()
      @Public()
      create(@Body() body: Filled) {
        return { bytes: bytesOf(body) };
      }
    }

    const { origin } = await world.start({
      platform,
      controllers: [FirstController, SecondController],
      prepare: (app) => void app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
    });
    expect(await upload(origin, { path: '/files', headers: { 'x-version': '1' } })).toMatchObject({ status: 401 });
    expect(await upload(origin, { path: '/files', headers: { 'x-version': '2' } })).toEqual({ status: 201, body: { bytes: 20_000 } });
    expect(ran).toEqual([]);
  });

  test('rule 147: checks handlers that several controllers inherit by the rule of each controller', async () => {
    const [teas, none] = [await world.token({ scopes: ['teas'] }), undefined];
    for (const paths of ['teas cups open maybe plain', 'plain maybe open cups teas', 'teas cups', 'cups teas', 'maybe plain', 'plain maybe', 'open plain']) {
      const { origin } = await world.start({ platform, controllers: inheriting(paths.split(' ')) });
      for (const [path, token, status] of [
        ['teas', teas, 201],
        ['teas', none, 401],
        ['cups', teas, 403],
        ['open', 'bad', 201],
        ['maybe', none, 201],
        ['maybe', 'bad', 401],
        ['plain', none, 401],
        ['plain', teas, 201],
      ] as const) {
        if (!paths.split(' ').includes(path)) continue;
        const answer = await upload(origin, { path: `/${path}`, ...(token !== undefined && { token }) });
        expect(answer, `${paths}: ${path} ${token}`).toMatchObject({ status, ...(status === 201 && { body: { bytes: 20_000 } }) });
        expect(ran.splice(0)).toEqual(status === 201 ? ['inherited'] : []);
      }
    }
  });

  test.each([
    ['of one controller', '/files'],
    ['that several controllers inherit', '/teas'],
  ])('a client that leaves, or is answered, while keys are fetched reaches no handler %s, however large its body', async (_name, path) => {
    abstract class Base {
      @Post()
      create() {
        ran.push('inherited');
        return {};
      }
    }

    @Controller('teas')
    class TeasController extends Base {}

    @Controller('cups')
    class CupsController extends Base {}

    const token = await world.token();
    for (const leaves of [true, false]) {
      let release: () => void = () => {};
      let want: () => void = () => {};
      const released = new Promise<void>((resolve) => (release = resolve));
      const wanted = new Promise<void>((resolve) => (want = resolve));
      const { origin, app } = await world.start({
        platform,
        controllers: [FilesController, TeasController, CupsController],
        options: {
          async fetch(...given) {
            want();
            await released;
            return fetch(...given);
          },
        },
        prepare: (app) => (leaves ? undefined : answerWhen(app, wanted)),
      });
      const leaving = new AbortController();
      const answer = upload(origin, { path, token, signal: leaving.signal });
      await wanted;
      if (leaves) leaving.abort();
      expect(await answer.catch(() => 'left')).toEqual(leaves ? 'left' : { status: 503, body: 'too late' });
      await new Promise((resolve) => setTimeout(resolve, 100));
      release();
      // the keys are there for whoever comes next
      expect((await upload(origin, { path: '/files/scoped', token })).status).toBe(403);
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(ran).toEqual([]);
      await app.close();
    }
  });
});

/** As time-outs do. */
function answerWhen(app: INestApplication, moment: Promise<void>): void {
  let isFirst = true;
  function answer(end: () => void): void {
    if (isFirst) void moment.then(end);
    isFirst = false;
  }

  if (app.getHttpAdapter().getType() === 'express') {
    app.use((_request: unknown, response: ServerResponse, next: Next) => {
      answer(() => void response.writeHead(503).end('too late'));
      next();
    });
    return;
  }
  hook(app, 'onRequest', async (_request, reply) => answer(() => void reply.code(503).send('too late')));
}

describe('middleware gets headers and body unchanged', () => {
  class RawMiddleware implements NestMiddleware<IncomingMessage, ServerResponse> {
    use(request: IncomingMessage, response: ServerResponse): void {
      readRaw((request as { raw?: IncomingMessage }).raw ?? request, response);
    }
  }

  @Module({})
  class RawModule implements NestModule {
    configure(consumer: MiddlewareConsumer) {
      consumer.apply(RawMiddleware).forRoutes('webhook');
    }
  }

  const asSent = [
    [false, { type: 'application/json', length: String(LARGE.length), coding: null, bytes: LARGE.length }],
    [true, { type: 'application/json', length: null, coding: 'chunked', bytes: LARGE.length }],
  ] as const;

  test.each(['express', 'fastify'] as const)('rule 150: before a guarded handler of any path, on %s', async (platform) => {
    const { origin } = await world.start({ platform, controllers: [FallbackController], prepare: (app) => void app.use('/webhook', readRaw) });
    for (const [chunked, body] of asSent) expect(await upload(origin, { path: '/webhook', chunked })).toEqual({ status: 200, body });
    expect(await upload(origin, { path: '/other' })).toMatchObject({ status: 401 });
  });

  test.each(['express', 'fastify'] as const)('rule 150: after the parsers, from a module, on %s', async (platform) => {
    const { origin } = await world.start({ platform, controllers: [FallbackController], imports: [RawModule] });
    for (const [chunked, body] of asSent) expect(await upload(origin, { path: '/webhook', chunked })).toEqual({ status: 200, body });
    expect(await upload(origin, { path: '/other' })).toMatchObject({ status: 401 });
  });

  test('rule 150: a proxy forwards whole requests, and no second one can hide in them', async () => {
    const seen: string[] = [];
    const upstream = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      request.resume();
      response.end('from upstream');
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port } = upstream.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 1, timeout: 1_000 });

    function proxy(request: IncomingMessage & { originalUrl: string }, response: ServerResponse): void {
      const { method, originalUrl, headers } = request;
      const onward = send({ host: '127.0.0.1', port, method, path: originalUrl, headers, agent }, (answer) => {
        response.writeHead(answer.statusCode!);
        answer.pipe(response);
      });
      onward.once('error', () => response.writeHead(502).end());
      request.pipe(onward);
    }

    const { origin } = await world.start({ controllers: [FallbackController], prepare: (app) => void app.use('/legacy', proxy) });
    const hidden = 'GET /internal/secret HTTP/1.1\r\nHost: upstream\r\n\r\n';
    for (const method of ['GET', 'DELETE', 'POST']) {
      for (const chunked of [false, true]) {
        const body = chunked ? hidden : hidden.repeat(500);
        const headers = { connection: 'keep-alive' };
        expect(await upload(origin, { path: '/legacy', method, headers, chunked, body })).toEqual({ status: 200, body: 'from upstream' });
        // by the same connection, behind whatever the first one may have left there
        await upload(origin, { path: '/legacy/after', method: 'GET', headers, body: '' });
        expect(seen.splice(0), `${method}, chunked: ${chunked}`).toEqual([`${method} /legacy`, 'GET /legacy/after']);
      }
    }
    agent.destroy();
    upstream.closeAllConnections();
    upstream.close();
  });

  test('rule 150: if earlier middleware changed the method or path, the handler that it reaches decides', async () => {
    const { origin } = await world.start({
      controllers: [FilesController],
      prepare: (app) =>
        inFront(app, (request) => {
          request.method = (request.headers['x-method'] as string | undefined) ?? request.method!;
          if (request.url === '/files') request.url = '/files/open';
          else if (request.url === '/files/closed') request.url = '/files';
        }),
    });
    expect(await upload(origin, { path: '/files' })).toEqual({ status: 201, body: { bytes: 20_000 } });
    expect(await upload(origin, { path: '/files/closed' })).toMatchObject({ status: 401 });
    expect(await upload(origin, { path: '/files/item', headers: { 'x-method': 'PUT' } })).toEqual({ status: 200, body: { put: 20_000 } });
    expect(await upload(origin, { path: '/files/item', method: 'PUT', headers: { 'x-method': 'POST' } })).toMatchObject({ status: 401 });
  });
});

test('rule 150: on Fastify, hooks after the parsers see the headers of a refused request unchanged', async () => {
  const seen: unknown[] = [];
  const { origin } = await world.start({
    platform: 'fastify',
    controllers: [FilesController],
    prepare: (app) =>
      hook(app, 'preHandler', async ({ raw: { headers } }) => {
        seen.push([headers['content-type'], headers['content-length'], headers['transfer-encoding']]);
      }),
  });
  for (const chunked of [false, true]) expect(await upload(origin, { path: '/files', chunked })).toMatchObject({ status: 401 });
  expect(seen).toEqual([
    ['application/json', String(LARGE.length), undefined],
    ['application/json', undefined, 'chunked'],
  ]);
});

test('rule 150: on Fastify, a request that gets credentials after the parsers reaches no handler without its body', async () => {
  const { origin } = await world.start({
    platform: 'fastify',
    controllers: [FilesController],
    prepare: (app) => hook(app, 'preHandler', async ({ raw }) => cookieToHeader(raw)),
  });
  const headers = { cookie: `token=${await world.token()}` };
  expect(await upload(origin, { path: '/files', headers, body: '{}' })).toMatchObject({ status: 201 });
  ran.splice(0);
  expect(await upload(origin, { path: '/files', headers })).toMatchObject({ status: 500 });
  expect(ran).toEqual([]);
});

test("rule 150: parsers from useBodyParser() also leave refused bodies unread, and replace Nest's own", async () => {
  const { app, origin } = await world.start({
    controllers: [FilesController],
    prepare: (app) => void (app as NestExpressApplication).useBodyParser('text', { type: 'text/plain', limit: '1mb' }).useBodyParser('json', { limit: '1mb' }),
  });
  const unfinished = { 'content-length': '900000', expect: '100-continue' };
  for (const type of ['text/plain', 'application/json']) {
    expect(await upload(origin, { path: '/files', headers: { ...unfinished, 'content-type': type }, body: '' })).toMatchObject({ status: 401 });
  }
  const body = JSON.stringify({ filler: 'x'.repeat(500_000) });
  expect(await upload(origin, { path: '/files', body, token: await world.token() })).toMatchObject({ status: 201, body: { bytes: 500_000 } });
  const { router } = app.getHttpAdapter().getInstance() as { router: { stack: { name: string }[] } };
  expect(router.stack.filter(({ name }) => name === 'jsonParser')).toHaveLength(1);
});

test('rule 150: over HTTP/2, where bodies need no length, leaves a refused body unread', async () => {
  const { issuer } = world;

  @Module({ imports: [TokenwardModule.forRoot({ issuer: issuer.issuer, audience: issuer.audience })], controllers: [FilesController] })
  class Http2Module {}

  const { origin, close } = await listen(await createApp(Http2Module, 'fastify', { http2: true }));
  const session = connect(origin);

  function begin(fields: Record<string, string> = {}) {
    const stream = session.request({ ':method': 'POST', ':path': '/files', 'content-type': 'application/json', ...fields });
    stream.setTimeout(5000, () => stream.destroy(new Error('no answer within 5 s')));
    const status = new Promise<number>((resolve, reject) => stream.once('response', (answer) => resolve(answer[':status']!)).once('error', reject));
    stream.write(`{"filler":"${'x'.repeat(20_000)}`);
    return { status, stream };
  }

  // its body never ends
  expect(await begin().status).toBe(401);
  const { status, stream } = begin({ authorization: `Bearer ${await world.token()}` });
  stream.end('"}');
  expect([await status, JSON.parse(await text(stream))]).toEqual([201, { subject: 'user-1', bytes: 20_000 }]);
  session.destroy();
  await close();
});

test('rule 150: two applications with the same controller, one inside the other, decide for themselves', async () => {
  const partner = await createWorld();
  const inner = await partner.start({ controllers: [FilesController] });
  const handle = inner.app.getHttpAdapter().getInstance() as (request: unknown, response: unknown, next: Next) => void;

  /** At a path at which the outer one has the same handler. */
  const at = (place: string) => (request: IncomingMessage, response: unknown, next: Next) => {
    if (request.headers['x-inner'] !== place) return next();
    request.url = (request as unknown as { originalUrl: string }).originalUrl;
    handle(request, response, next);
  };

  @Module({})
  class InnerModule implements NestModule {
    configure(consumer: MiddlewareConsumer) {
      consumer.apply(at('behind the parsers')).forRoutes('*path');
    }
  }

  const { origin } = await world.start({
    controllers: [FilesController],
    imports: [InnerModule],
    prepare: (app) => {
      app.use('/inner', handle);
      app.use(at('in front'));
    },
  });
  const [ours, theirs] = [await world.token({ subject: 'ours' }), await partner.token({ subject: 'theirs' })];
  for (const [path, headers] of [
    ['/inner/files', {}],
    ['/files', { 'x-inner': 'in front' }],
    ['/files', { 'x-inner': 'behind the parsers' }],
  ] as const) {
    expect(await upload(origin, { path, headers, token: theirs })).toEqual({ status: 201, body: { subject: 'theirs', bytes: 20_000 } });
    expect(await upload(origin, { path, headers, token: ours })).toMatchObject({ status: 401 });
    expect(await upload(origin, { path, headers })).toMatchObject({ status: 401 });
  }
  expect(await upload(origin, { path: '/files', token: ours })).toEqual({ status: 201, body: { subject: 'ours', bytes: 20_000 } });
  expect(await upload(origin, { path: '/files', token: theirs })).toMatchObject({ status: 401 });
  await partner.close();
});
