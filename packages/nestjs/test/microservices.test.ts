import { Controller, Get, type ExecutionContext, type INestMicroservice, Module, Scope, type Type, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  Ctx,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
  type TcpContext,
} from '@nestjs/microservices';
import { lastValueFrom, timeout } from 'rxjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  Authenticated,
  CurrentAuth,
  getAuth,
  listHandlers,
  OptionalAuth,
  Public,
  Scopes,
  TokenwardGuard,
  TokenwardModule,
  type Auth,
  type NestGuardOptions,
} from '@tokenward/nestjs';
import { createWorld, guardInHaste, type World } from './app.js';
import { freePort } from '../../testing/test/free-port.js';

let world: World;
const closing: (() => Promise<unknown> | void)[] = [];
const events: string[] = [];

beforeAll(async () => {
  world = await createWorld();
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  events.splice(0);
});
afterAll(() => world.close());

@Controller()
class OrdersController {
  @MessagePattern('me')
  me(@CurrentAuth() auth: Auth, @Ctx() context: TcpContext) {
    return { subject: auth.subject, same: getAuth(context) === auth };
  }

  @MessagePattern('orders')
  @Scopes('orders:read')
  orders() {
    return [];
  }

  @MessagePattern('health')
  @Public()
  health() {
    return 'ok';
  }

  @MessagePattern('maybe')
  @OptionalAuth()
  maybe(@CurrentAuth('subject', 'optional') subject: string | undefined) {
    return { subject: subject ?? null };
  }

  @EventPattern('happened')
  @Scopes('events:write')
  happened(@Payload() what: string) {
    events.push(what);
  }
}

@Authenticated()
class DecoratedController extends OrdersController {}
Controller()(DecoratedController);

/** Asks by TCP, with the token in the packet's metadata, where Nest's client puts what a hook gives it. */
interface Asking {
  ask(pattern: string, authorization?: unknown, data?: unknown): Promise<unknown>;
  tell(pattern: string, data: unknown, authorization?: string): Promise<void>;
}

function client(port: number): Asking {
  const proxy: ClientProxy = ClientProxyFactory.create({ transport: Transport.TCP, options: { host: '127.0.0.1', port } });
  let authorization: unknown;
  proxy.setOnDispatchHook((packet) => {
    if (authorization !== undefined) packet.metadata = { authorization: authorization as string };
  });
  closing.push(() => proxy.close());
  return {
    async ask(pattern, shown, data = {}) {
      await proxy.connect();
      authorization = shown;
      return lastValueFrom(proxy.send<unknown>(pattern, data).pipe(timeout(5000)));
    },
    async tell(pattern, data, shown) {
      await proxy.connect();
      authorization = shown;
      await lastValueFrom(proxy.emit(pattern, data).pipe(timeout(5000)), { defaultValue: undefined });
    },
  };
}

function moduleOf(controllers: Type[], options: Partial<NestGuardOptions> = {}): Type {
  @Module({ imports: [TokenwardModule.forRoot({ issuer: world.issuer.issuer, audience: world.issuer.audience, ...options })], controllers })
  class TestedModule {}
  return TestedModule;
}

async function microservice(
  controllers: Type[],
  options: Partial<NestGuardOptions> = {},
  prepare?: (app: INestMicroservice) => void,
): Promise<Asking & { app: INestMicroservice }> {
  const port = await freePort();
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(moduleOf(controllers, options), {
    transport: Transport.TCP,
    options: { host: '127.0.0.1', port },
    logger: false,
    abortOnError: false,
  });
  closing.push(() => app.close());
  prepare?.(app);
  await app.listen();
  return { app, ...client(port) };
}

describe.each([
  ['a microservice', microservice],
  ['a hybrid application that inherits no configuration', (controllers: Type[]) => hybrid(controllers, false)],
  ['a hybrid application that inherits its configuration', (controllers: Type[]) => hybrid(controllers, true)],
])('rule 146: over TCP, in %s,', (name, start) => {
  const controllers = name === 'a microservice' ? [OrdersController] : [DecoratedController];

  test('requires of a message what its decorators say, or a token without any', async () => {
    const { ask } = await start(controllers);
    const token = await world.token();
    const refused: unknown = await ask('me').catch((error: unknown) => error);
    expect(refused).toEqual({
      type: 'about:blank',
      title: 'Unauthorized',
      status: 401,
      detail: 'This resource needs an access token',
      challenge: ['Bearer realm="api"', expect.stringMatching(/^DPoP realm="api", algs=/)],
    });
    await expect(ask('me', 'Bearer bad')).rejects.toMatchObject({ status: 401, error: 'invalid_token' });
    expect(await ask('me', `Bearer ${token}`)).toEqual({ subject: 'user-1', same: true });
    await expect(ask('orders', `Bearer ${token}`)).rejects.toMatchObject({ status: 403, error: 'insufficient_scope', scope: 'orders:read' });
    expect(await ask('orders', `Bearer ${await world.token({ scopes: ['orders:read'] })}`)).toEqual([]);
  });

  test('@Public() and @OptionalAuth() work as they do over HTTP', async () => {
    const { ask } = await start(controllers);
    expect(await ask('health', 'Bearer bad')).toBe('ok');
    expect(await ask('maybe')).toEqual({ subject: null });
    expect(await ask('maybe', `Bearer ${await world.token()}`)).toEqual({ subject: 'user-1' });
    await expect(ask('maybe', 'Bearer bad')).rejects.toMatchObject({ status: 401 });
  });

  test('a refused event reaches no handler', async () => {
    const { ask, tell } = await start(controllers);
    await tell('happened', 'without');
    await tell('happened', 'lacking', `Bearer ${await world.token()}`);
    await tell('happened', 'good', `Bearer ${await world.token({ scopes: ['events:write'] })}`);
    await ask('health');
    await expect.poll(() => events).toEqual(['good']);
  });

  test('ignores credentials in the payload, and refuses those that are not strings', async () => {
    const { ask } = await start(controllers);
    const token = await world.token();
    await expect(ask('me', undefined, { authorization: `Bearer ${token}`, headers: { authorization: `Bearer ${token}` } })).rejects.toMatchObject({
      status: 401,
    });
    for (const wrong of [{ a: 1 }, [`Bearer ${token}`], 7, '']) await expect(ask('me', wrong)).rejects.toMatchObject({ error: 'invalid_request' });
  });
});

async function hybrid(controllers: Type[], inheritAppConfig: boolean, http: Type[] = []) {
  const port = await freePort();
  const app = await NestFactory.create(moduleOf([...controllers, ...http]), { logger: false, abortOnError: false });
  closing.push(() => app.close());
  app.connectMicroservice<MicroserviceOptions>({ transport: Transport.TCP, options: { host: '127.0.0.1', port } }, { inheritAppConfig });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  return { app, ...client(port) };
}

test('rule 157: a guard of the app that does not wait for this one opens no message', async () => {
  const haste = guardInHaste();
  const { ask, tell } = await microservice([OrdersController], { onDenied: (decision) => Promise.resolve(decision) }, haste.install);
  const token = `Bearer ${await world.token()}`;
  await expect(ask('orders', token)).rejects.toMatchObject({ status: 403, scope: 'orders:read' });
  await tell('happened', 'lacking', token);
  expect(await ask('me', token)).toMatchObject({ subject: 'user-1' });
  expect(events).toEqual([]);
  expect(haste.admitted()).toBe(3);
});

test('rule 148: a hybrid application does not start with a message handler that the global guard may not cover', async () => {
  @Controller()
  class UndecoratedController {
    @Get('undecorated')
    get() {
      return {};
    }

    @MessagePattern('undecorated')
    message() {
      return {};
    }
  }

  await expect(hybrid([UndecoratedController], true)).rejects.toThrow(/UndecoratedController\.message.*@Authenticated\(\)/);
  await expect(hybrid([OrdersController], false)).rejects.toThrow(/OrdersController\.me:/);
});

/** A guard that waits for nothing. */
class HastyGuard extends TokenwardGuard {
  override canActivate(context: ExecutionContext): boolean {
    void super.canActivate(context);
    return true;
  }
}

class RenamedGuard extends TokenwardGuard {}

/** Serves one message, for which Nest runs what the decorators add to the method or to the class. */
function serving({ onMethod = [], onClass = [], scope = Scope.DEFAULT, isBound = false }: Serving): Type {
  class ServingController {
    constructor() {
      if (isBound) this.orders = this.orders.bind(this);
    }

    orders(): unknown[] {
      return [];
    }
  }
  const method = Object.getOwnPropertyDescriptor(ServingController.prototype, 'orders')!;
  for (const decorate of [MessagePattern('orders'), ...onMethod]) decorate(ServingController.prototype, 'orders', method);
  for (const decorate of [Controller({ scope }), ...onClass]) decorate(ServingController);
  return ServingController;
}
interface Serving {
  readonly onMethod?: readonly MethodDecorator[];
  readonly onClass?: readonly ClassDecorator[];
  readonly scope?: Scope;
  readonly isBound?: boolean;
}
const needsScope: MethodDecorator & ClassDecorator = Scopes('orders:read');

test.each<[string, Serving]>([
  ['whose decorated method is bound to its instance', { onMethod: [needsScope], isBound: true }],
  ['whose decorated method may be bound to the instance of each request', { onMethod: [needsScope], scope: Scope.REQUEST, isBound: true }],
  ['whose decorated method may be bound to a transient instance', { onMethod: [needsScope], scope: Scope.TRANSIENT, isBound: true }],
  ['whose only guard is a subclass with its own canActivate', { onMethod: [UseGuards(HastyGuard)] }],
  ['whose class has only such a guard', { onClass: [UseGuards(HastyGuard)] }],
])('rule 148: a hybrid application does not start with a message handler %s', async (_name, parts) => {
  await expect(hybrid([serving(parts)], false)).rejects.toThrow(/ServingController\.orders: .*@Authenticated\(\).* on the class/);
});

test.each<[string, Serving]>([
  ['a bound method of a class with requirements', { onClass: [needsScope], isBound: true }],
  ['a method of a class with requirements, on the instance of each request', { onClass: [needsScope], scope: Scope.REQUEST }],
  ['requirements above a subclass of the guard', { onMethod: [UseGuards(HastyGuard), needsScope] }],
  ['requirements below a subclass of the guard', { onMethod: [needsScope, UseGuards(HastyGuard)] }],
  ['a subclass of the guard that decides as it does', { onMethod: [UseGuards(RenamedGuard)] }],
])('rule 148: a hybrid application guards %s', async (_name, parts) => {
  const { ask } = await hybrid([serving(parts)], false);
  await expect(ask('orders')).rejects.toMatchObject({ status: 401 });
  expect(await ask('orders', `Bearer ${await world.token({ scopes: ['orders:read'] })}`)).toEqual([]);
});

test('an application that serves HTTP and messages guards and lists both', async () => {
  @Controller('both')
  @Scopes('both')
  class BothController {
    @Get()
    get() {
      return {};
    }

    @MessagePattern({ cmd: 'both' })
    message() {
      return {};
    }
  }

  const { app } = await hybrid([DecoratedController], false, [BothController]);
  const origin = await app.getUrl();
  expect((await fetch(`${origin}/both`)).status).toBe(401);
  expect(listHandlers(app).map(({ kind, at, credentials }) => `${kind} ${at} ${credentials}`)).toEqual(
    expect.arrayContaining(['rpc message "me" required', 'rpc message "health" public', 'http GET /both required', 'rpc message {"cmd":"both"} required']),
  );
});

test('rpcAuthorization reads the credentials of another transport', async () => {
  const { ask } = await microservice([OrdersController], { rpcAuthorization: (context) => context.switchToRpc().getData<{ auth?: string }>().auth });
  const token = await world.token();
  expect(await ask('me', undefined, { auth: `Bearer ${token}` })).toMatchObject({ subject: 'user-1' });
  await expect(ask('me', `Bearer ${token}`, {})).rejects.toMatchObject({ status: 401 });
  await expect(ask('me', undefined, { auth: { is: 'no string' } })).rejects.toMatchObject({ status: 400 });
});
