import { Controller, Get } from '@nestjs/common';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Authenticated, listHandlers, OptionalAuth, Public, Scopes } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

class Base {
  @Get('open')
  @Public()
  open() {
    return 'open';
  }

  @Get('maybe')
  @OptionalAuth()
  maybe() {
    return 'maybe';
  }
}

test('rule 147: an override of a @Public() or @OptionalAuth() handler requires a token, unless it has the decorator itself', async () => {
  @Controller('silent')
  class SilentController extends Base {
    @Get('open')
    override open() {
      return 'secret';
    }

    @Get('maybe')
    override maybe() {
      return 'secret';
    }
  }

  @Controller('scoped')
  @Scopes('admin')
  class ScopedController extends Base {
    @Get('open')
    override open() {
      return 'secret';
    }
  }

  @Controller('spoken')
  class SpokenController extends Base {
    @Get('open')
    @Public()
    override open() {
      return 'still open';
    }

    @Get('maybe')
    @OptionalAuth()
    override maybe() {
      return 'still maybe';
    }
  }

  const { ask, app } = await world.start({ controllers: [SilentController, ScopedController, SpokenController] });
  const token = await world.token();
  for (const path of ['/silent/open', '/silent/maybe']) {
    expect((await ask({ path })).status, path).toBe(401);
    expect((await ask({ path, token })).body).toBe('secret');
  }
  expect((await ask({ path: '/scoped/open' })).status).toBe(401);
  expect((await ask({ path: '/scoped/open', token })).status).toBe(403);
  expect((await ask({ path: '/spoken/open' })).body).toBe('still open');
  expect((await ask({ path: '/spoken/maybe' })).body).toBe('still maybe');
  expect(listHandlers(app).map(({ at, credentials }) => `${credentials} ${at}`)).toEqual([
    'required GET /silent/open',
    'required GET /silent/maybe',
    'required GET /scoped/open',
    'optional GET /scoped/maybe',
    'public GET /spoken/open',
    'optional GET /spoken/maybe',
  ]);
});

test('rule 147: a handler that is inherited unchanged stays @Public() or @OptionalAuth()', async () => {
  @Controller('plain')
  class PlainController extends Base {}

  @Controller('scoped')
  @Scopes('admin')
  class ScopedController extends Base {}

  const { ask } = await world.start({ controllers: [PlainController, ScopedController] });
  for (const base of ['/plain', '/scoped']) {
    expect((await ask({ path: `${base}/open`, token: 'bad' })).body).toBe('open');
    expect((await ask({ path: `${base}/maybe` })).body).toBe('maybe');
    expect((await ask({ path: `${base}/maybe`, token: 'bad' })).status).toBe(401);
  }
  expect((await ask({ path: '/scoped/maybe', token: await world.token() })).status).toBe(403);
});

test('rule 147: a class that extends a @Public() or @OptionalAuth() one requires a token, unless it has the decorator itself', async () => {
  @Public()
  class OpenBase {
    @Get('inherited')
    inherited() {
      return 'inherited';
    }
  }

  @OptionalAuth()
  class OptionalBase {}

  @Controller('silent')
  class SilentController extends OpenBase {
    @Get('own')
    own() {
      return 'secret';
    }
  }

  @Controller('quiet')
  class QuietController extends OptionalBase {
    @Get('own')
    own() {
      return 'secret';
    }
  }

  @Controller('spoken')
  @Public()
  class SpokenController extends OpenBase {}

  const { ask } = await world.start({ controllers: [SilentController, QuietController, SpokenController] });
  for (const path of ['/silent/own', '/silent/inherited', '/quiet/own']) {
    expect((await ask({ path })).status, path).toBe(401);
    expect((await ask({ path, token: await world.token() })).status, path).toBe(200);
  }
  expect((await ask({ path: '/spoken/inherited' })).status).toBe(200);
});

test('rule 147: a class cannot open an @Authenticated() base class that it extends', async () => {
  @Authenticated()
  class GuardedBase {}

  @Controller('opened')
  @Public()
  class OpenedController extends GuardedBase {
    @Get()
    get() {
      return {};
    }
  }

  await expect(world.start({ controllers: [OpenedController] })).rejects.toThrow(/OpenedController.*@Public\(\)/);
});

test('rule 147: a gateway that extends a @Public() one requires a token at its handshake', async () => {
  @WebSocketGateway({ namespace: 'open' })
  @Public()
  class OpenGateway {
    @SubscribeMessage('ping')
    ping() {
      return 'pong';
    }
  }

  @WebSocketGateway({ namespace: 'closed' })
  class ClosedGateway extends OpenGateway {}

  const { app } = await world.start({ providers: [OpenGateway, ClosedGateway] });
  expect(listHandlers(app).map(({ name, credentials }) => [name, credentials])).toEqual([
    ['OpenGateway.ping', 'public'],
    ['ClosedGateway.ping', 'required'],
  ]);
});
