import { Controller, Get, Scope, Version, VersioningType, type Type } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listHandlers, Public, Scopes } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

describe('class decorators that replace the class', () => {
  /** As decorators do that count or trace what is made. */
  const Wrapped = ((original: Type) => {
    function Wrapper(...given: never[]): unknown {
      return Reflect.construct(original, given);
    }
    Wrapper.prototype = original.prototype as unknown;
    return Wrapper;
  }) as unknown as ClassDecorator;
  const Proxied = ((original: Type) => new Proxy(original, {})) as unknown as ClassDecorator;
  const Extended = ((original: Type) => ({ [original.name]: class extends original {} })[original.name]) as unknown as ClassDecorator;

  test.each([
    ['a wrapper', Wrapped],
    ['a proxy', Proxied],
  ])('rule 147: %s stops the start, above or below what the class says', async (_name, Replaced) => {
    @Controller('above')
    @Scopes('admin')
    @Replaced
    class AboveController {
      @Get()
      get() {
        return {};
      }
    }

    @Controller('below')
    @Replaced
    @Scopes('admin')
    class BelowController {
      @Get()
      get() {
        return {};
      }
    }

    @WebSocketGateway()
    @Replaced
    @Scopes('admin')
    class ReplacedGateway {
      @SubscribeMessage('message')
      message() {}
    }

    for (const parts of [{ controllers: [AboveController] }, { controllers: [BelowController] }, { providers: [ReplacedGateway] }]) {
      await expect(world.start(parts)).rejects.toThrow(/was replaced by a class decorator/);
    }
  });

  test('rule 147: a class that extends the original keeps its requirements', async () => {
    @Controller('above')
    @Scopes('admin')
    @Extended
    class AboveController {
      @Get()
      get() {
        return {};
      }
    }

    @Controller('below')
    @Extended
    @Scopes('admin')
    class BelowController {
      @Get()
      get() {
        return {};
      }
    }

    const { ask } = await world.start({ controllers: [AboveController, BelowController] });
    for (const path of ['/above', '/below']) {
      expect((await ask({ path, token: await world.token() })).status).toBe(403);
      expect((await ask({ path, token: await world.token({ scopes: ['admin'] }) })).status).toBe(200);
    }
  });
});

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** Replaces a method on an instance: Nest calls what it finds there. */
function replaceOn(instance: object, key: string, wrap: (method: Method) => Method): void {
  const method = Reflect.get(instance, key) as Method;
  Object.defineProperty(instance, key, { value: wrap(method), configurable: true, writable: true });
}

function called(name: string, method: Method): Method {
  const wrapper: Method = function (...given) {
    return method.apply(this, given);
  };
  return Object.defineProperty(wrapper, 'name', { value: name });
}

/** As OpenTelemetry's instrumentation of Nest does. */
function withMetadata(wrapper: Method, method: Method): Method {
  for (const key of Reflect.getMetadataKeys(method) as unknown[]) Reflect.defineMetadata(key, Reflect.getMetadata(key, method), wrapper);
  return wrapper;
}

describe('handlers that were wrapped on the instance', () => {
  /** `open` is free for all, `secret` needs a scope, `plain` a token. */
  function controllerWith(wrap: (method: Method) => Method, keys: readonly string[], scope: Scope = Scope.DEFAULT): Type {
    @Controller({ path: 'wrapped', scope })
    class WrappedController {
      constructor() {
        for (const key of keys) replaceOn(this, key, wrap);
      }

      @Get('open')
      @Public()
      open() {
        return 'open';
      }

      @Get('secret')
      @Scopes('admin')
      secret() {
        return 'secret';
      }

      @Get('plain')
      plain() {
        return 'plain';
      }
    }
    return WrappedController;
  }

  const all = ['open', 'secret', 'plain'];

  test.each([
    ['bound to it', (method: Method): Method => method.bind<Method>(undefined)],
    ['bound twice', (method: Method): Method => method.bind<Method>(undefined).bind<Method>(undefined)],
    ['wrapped under one name that none of them has', (method: Method) => called('wrapper', method)],
    ['wrapped under the name of a public one', (method: Method) => called('open', method)],
    ['wrapped under that name, and bound', (method: Method): Method => called('open', method).bind<Method>(undefined)],
    ['wrapped with name and metadata, as tracing does', (method: Method) => withMetadata(called(method.name, method), method)],
  ])('rule 146: %s, they keep their requirements', async (_name, wrap) => {
    const { ask } = await world.start({ controllers: [controllerWith(wrap, all)] });
    expect((await ask({ path: '/wrapped/open', token: 'bad' })).body).toBe('open');
    for (const path of ['/wrapped/secret', '/wrapped/plain']) expect((await ask({ path })).status, path).toBe(401);
    expect((await ask({ path: '/wrapped/secret', token: await world.token() })).status).toBe(403);
    expect((await ask({ path: '/wrapped/secret', token: await world.token({ scopes: ['admin'] }) })).body).toBe('secret');
    expect((await ask({ path: '/wrapped/plain', token: await world.token() })).body).toBe('plain');
  });

  test('rule 146: on a request-scoped instance, a wrapper with their name and metadata keeps their requirements', async () => {
    const { ask } = await world.start({
      controllers: [controllerWith((method) => withMetadata(called(method.name, method), method), all, Scope.REQUEST)],
    });
    expect((await ask({ path: '/wrapped/open', token: 'bad' })).body).toBe('open');
    expect((await ask({ path: '/wrapped/secret', token: await world.token() })).status).toBe(403);
    expect((await ask({ path: '/wrapped/secret', token: await world.token({ scopes: ['admin'] }) })).body).toBe('secret');
    expect((await ask({ path: '/wrapped/plain' })).status).toBe(401);
    expect((await ask({ path: '/wrapped/plain', token: await world.token() })).body).toBe('plain');
  });

  test('rule 146: a function in place of several handlers refuses every call', async () => {
    const one = called('open', () => 'secret');
    const { ask } = await world.start({ controllers: [controllerWith(() => one, all)] });
    for (const path of ['/wrapped/open', '/wrapped/secret', '/wrapped/plain']) expect((await ask({ path })).status, path).toBe(500);
  });

  test.each([
    ['of a public one', 'open', (wrapper: Method) => wrapper],
    ['of a public one, with metadata of its own', 'open', withMetadata],
    ['of a public one that is bound', 'bound open', (wrapper: Method) => wrapper],
    ['of none', 'wrapper', (wrapper: Method) => wrapper],
    ['that is empty', '', withMetadata],
  ])('rule 146: on a request-scoped instance, a name %s admits no request that its requirements refuse', async (_name, name, finish) => {
    const controller = controllerWith((method) => finish(called(name, method), method), ['secret', 'plain'], Scope.REQUEST);
    const { ask } = await world.start({ controllers: [controller] });
    for (const path of ['/wrapped/secret', '/wrapped/plain']) expect((await ask({ path })).status, path).toBe(500);
    expect((await ask({ path: '/wrapped/secret', token: await world.token() })).status).toBe(500);
    expect((await ask({ path: '/wrapped/open' })).body).toBe('open');
  });

  test('rule 146: if handlers differ only by version, the name of a public one opens no other', async () => {
    @Controller({ path: 'versioned', scope: Scope.REQUEST })
    class VersionedController {
      constructor() {
        for (const key of ['second', 'third']) replaceOn(this, key, (method) => withMetadata(called('first', method), method));
      }

      @Get()
      @Version('1')
      @Public()
      first() {
        return 'open';
      }

      @Get()
      @Version('2')
      @Scopes('admin')
      second() {
        return 'secret';
      }

      @Get()
      @Version('3')
      third() {
        return 'secret';
      }
    }

    const { ask } = await world.start({
      controllers: [VersionedController],
      prepare: (app) => void app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
    });
    expect((await ask({ path: '/versioned', headers: { 'x-version': '1' } })).body).toBe('open');
    for (const version of ['2', '3']) expect((await ask({ path: '/versioned', headers: { 'x-version': version } })).status).toBeOneOf([401, 500]);
  });

  test('rule 146: does not open one in GraphQL either, where queries look alike', async () => {
    @Resolver()
    class WrappedResolver {
      constructor() {
        for (const key of ['secret', 'plain']) replaceOn(this, key, (method) => withMetadata(called('open', method), method));
        replaceOn(this, 'traced', (method) => withMetadata(called('traced', method), method));
      }

      @Query(() => String)
      @Public()
      open(): string {
        return 'open';
      }

      @Query(() => String)
      @Scopes('admin')
      secret(): string {
        return 'secret';
      }

      @Query(() => String)
      plain(): string {
        return 'secret';
      }

      @Query(() => String)
      traced(): string {
        return 'traced';
      }
    }

    const imports = [GraphQLModule.forRoot<ApolloDriverConfig>({ driver: ApolloDriver, autoSchemaFile: true, graphiql: false })];
    const { ask, app } = await world.start({ providers: [WrappedResolver], imports });
    const query = async (field: string, token?: string) =>
      (await ask({ path: '/graphql', method: 'POST', json: { query: `{ ${field} }` }, ...(token !== undefined && { token }) })).body as {
        data: Record<string, string> | null;
      };
    expect((await query('open')).data).toEqual({ open: 'open' });
    for (const field of ['secret', 'plain', 'traced']) expect((await query(field)).data, field).toBeNull();
    expect((await query('traced', await world.token())).data).toEqual({ traced: 'traced' });
    expect(listHandlers(app)).toHaveLength(4);
  });
});
