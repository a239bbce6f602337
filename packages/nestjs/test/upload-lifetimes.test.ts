import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { All, Body, Controller, Module, Post, type INestApplication, type MiddlewareConsumer, type NestMiddleware, type NestModule } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { guardToken, memoryRevocations, policy, Require, TokenwardModule, type NestGuard } from '@tokenward/nestjs';
import type { RevocationStore } from '@tokenward/core/store';
import { createTestClock, createTestIssuer } from '@tokenward/testing';
import { createWorld, type World } from './app.js';
import { createApp, listen } from './start-nest.js';
import { LARGE, upload, type Uploaded } from './upload.js';

let world: World;
let ran: string[] = [];
let asked = 0;
let isWelcome = true;
beforeAll(async () => {
  world = await createWorld();
});
beforeEach(() => {
  ran = [];
  asked = 0;
  isWelcome = true;
});
afterAll(() => world.close());

const welcome = policy('is welcome', () => {
  asked++;
  return isWelcome;
});
const noDelete = policy('does not delete', (_auth, seen) => seen?.method === 'POST');

interface Posted {
  readonly filler?: string;
}

@Controller('files')
class FilesController {
  @Post()
  @Require(welcome)
  create(@Body() body: Posted) {
    ran.push('create');
    return { bytes: body.filler?.length ?? null };
  }

  @All('any')
  @Require(noDelete)
  any(@Body() body: Posted) {
    ran.push('any');
    return { bytes: body.filler?.length ?? null };
  }
}

interface SlowUpload {
  readonly path: string;
  readonly token: string;
  readonly chunked: boolean;
  readonly body?: string;
}

/** Sends the head and half of a body; the rest follows when it is told to. */
async function begin(origin: string, { path, token, chunked, body = LARGE }: SlowUpload): Promise<{ finish(): Promise<Uploaded> }> {
  const outgoing: ClientRequest = request(origin + path, {
    method: 'POST',
    agent: false,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${token}`,
      ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': Buffer.byteLength(body) }),
    },
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => outgoing.once('response', resolve).once('error', reject));
  outgoing.write(body.slice(0, 10_000));
  return {
    async finish() {
      outgoing.end(body.slice(10_000));
      const incoming = await answer;
      return { status: incoming.statusCode!, body: await json(incoming) };
    },
  };
}

/** Overrides the method by what the body says, where it is parsed. */
class OverrideMiddleware implements NestMiddleware<IncomingMessage & { body?: { _method?: string } }> {
  use(incoming: IncomingMessage & { body?: { _method?: string } }, _response: unknown, next: () => void): void {
    incoming.method = incoming.body?._method ?? incoming.method!;
    next();
  }
}

@Module({})
class OverrideModule implements NestModule {
  configure(consumer: MiddlewareConsumer) {
    consumer.apply(OverrideMiddleware).forRoutes('*path');
  }
}

type PreHandler = (incoming: { readonly raw: IncomingMessage; readonly body?: { _method?: string } }) => Promise<void>;

function overrideInFastify(app: INestApplication): void {
  (app.getHttpAdapter().getInstance() as { addHook(name: string, run: PreHandler): void }).addHook('preHandler', async ({ raw, body }) => {
    raw.method = body?._method ?? raw.method!;
  });
}

describe.each(['express', 'fastify'] as const)('while a large body is on its way, on %s', (platform) => {
  const both = [
    ['of a known length', false],
    ['in chunks', true],
  ] as const;

  test.each(both)('rule 150: a token that is revoked reaches no handler, body %s', async (_name, chunked) => {
    const { origin, app } = await world.start({ platform, controllers: [FilesController] });
    const token = await world.token({ claims: { sid: 'session-1' } });
    const { finish } = await begin(origin, { path: '/files', token, chunked });
    await vi.waitFor(() => expect(asked).toBe(1));
    await app.get<NestGuard>(guardToken()).revocations.revoke({ sessionId: 'session-1' }, { reason: 'logout' });
    expect(await finish()).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect(ran).toEqual([]);
  });

  test.each(both)('rule 150: a token that expires reaches no handler, body %s', async (_name, chunked) => {
    const clock = createTestClock();
    const issuer = await createTestIssuer({ clock });

    @Module({ imports: [TokenwardModule.forRoot({ issuer: issuer.issuer, audience: issuer.audience, clock })], controllers: [FilesController] })
    class ExpiringModule {}

    const { origin, close } = await listen(await createApp(ExpiringModule, platform));
    const { finish } = await begin(origin, { path: '/files', token: await issuer.issueToken({ lifetimeSeconds: 60 }), chunked });
    await vi.waitFor(() => expect(asked).toBe(1));
    clock.advance(120);
    expect(await finish()).toMatchObject({ status: 401, body: { error: 'invalid_token' } });
    expect(ran).toEqual([]);
    await close();
    await issuer.close();
  });

  test.each(both)('rule 150: refuses if the policy is no longer met, body %s', async (_name, chunked) => {
    const { origin } = await world.start({ platform, controllers: [FilesController] });
    for (const isLate of [true, false]) {
      isWelcome = true;
      asked = 0;
      const { finish } = await begin(origin, { path: '/files', token: await world.token(), chunked });
      await vi.waitFor(() => expect(asked).toBe(1));
      isWelcome = !isLate;
      expect(await finish()).toMatchObject(isLate ? { status: 403 } : { status: 201, body: { bytes: 20_000 } });
      expect(asked).toBe(2);
      expect(ran).toEqual(isLate ? [] : ['create']);
    }
  });

  test.each(both)('rule 111: policies see the method that the body overrides, body %s', async (_name, chunked) => {
    const { origin } = await world.start({
      platform,
      controllers: [FilesController],
      imports: platform === 'express' ? [OverrideModule] : [],
      ...(platform === 'fastify' && { prepare: overrideInFastify }),
    });
    const token = await world.token();
    for (const length of [10, 20_000]) {
      const filler = 'x'.repeat(length);
      expect(await upload(origin, { path: '/files/any', token, chunked, body: JSON.stringify({ filler, _method: 'DELETE' }) })).toMatchObject({ status: 403 });
      expect(ran).toEqual([]);
      expect(await upload(origin, { path: '/files/any', token, chunked, body: JSON.stringify({ filler }) })).toMatchObject({ body: { bytes: length } });
      expect(ran.splice(0)).toEqual(['any']);
    }
  });

  test('rule 150: if an outage ends meanwhile, admits with the body or still refuses; the handler never runs without the body', async () => {
    let isFirst = true;
    const { origin } = await world.start({
      platform,
      controllers: [FilesController],
      options: { revocations: { store: storeThat(() => !isFirst || ((isFirst = false), false)) } },
    });
    const answer = await upload(origin, { path: '/files', token: await world.token() });
    expect(answer).toMatchObject(platform === 'express' ? { status: 201, body: { bytes: 20_000 } } : { status: 503 });
    expect(ran).toEqual(platform === 'express' ? ['create'] : []);
    expect(await upload(origin, { path: '/files', token: await world.token() })).toMatchObject({ status: 201 });
  });
});

function storeThat(isCurrent: () => boolean): RevocationStore {
  return { ...memoryRevocations(), isCurrent };
}
