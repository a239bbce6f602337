import { Controller, Get, Injectable, SetMetadata } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Authenticated, OptionalAuth, Public, Roles, Scopes } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

test.each(['handleConnection', 'handleDisconnect', 'afterInit', 'helper'])(
  'decorators on %s of a gateway, for which Nest runs no guards, stop the start',
  async (key) => {
    @WebSocketGateway()
    class ChatGateway {
      @SubscribeMessage('message')
      message() {}
    }
    Object.defineProperty(ChatGateway.prototype, key, { value() {}, configurable: true, writable: true });
    Scopes('chat:join')(ChatGateway.prototype, key, Object.getOwnPropertyDescriptor(ChatGateway.prototype, key));

    await expect(world.start({ providers: [ChatGateway] })).rejects.toThrow(
      new RegExp(`ChatGateway\\.${key}.*not a handler.*For a handshake, put them on the class`),
    );
  },
);

test.each([
  ['@Scopes()', Scopes('admin')],
  ['@Public()', Public()],
  ['@OptionalAuth()', OptionalAuth()],
])('%s on a method of a controller that is no route stops the start', async (_name, decorate) => {
  @Controller('orders')
  class OrdersController {
    @Get()
    list() {
      return this.helper();
    }

    @decorate
    helper() {
      return {};
    }
  }

  await expect(world.start({ controllers: [OrdersController] })).rejects.toThrow(/OrdersController\.helper.*not a handler/);
});

test('decorators on a controller without routes, or on a provider that a factory made, stop the start', async () => {
  @Controller()
  @Scopes('admin')
  class EmptyController {}

  class Service {
    @Roles('admin')
    run() {}
  }

  await expect(world.start({ controllers: [EmptyController] })).rejects.toThrow(/EmptyController.*not a handler/);
  await expect(world.start({ providers: [{ provide: 'service', useFactory: () => new Service() }] })).rejects.toThrow(/Service\.run.*not a handler/);
});

test('accepts decorators on handlers of other libraries, on the method or on its class', async () => {
  const Job = (name: string) => SetMetadata('queue:job', name);

  @Injectable()
  class JobsService {
    @Job('mail')
    @Scopes('mail')
    mail() {}

    @Authenticated()
    @Job('report')
    report() {}
  }

  @Injectable()
  @Authenticated()
  class ReportsService {
    @Job('report')
    report() {}
  }

  const { app } = await world.start({ providers: [JobsService, ReportsService] });
  expect(app.get(JobsService)).toBeInstanceOf(JobsService);
});

test('a method that overrides a decorated one without being a handler does not stop the start', async () => {
  class Base {
    @Get()
    @Scopes('admin')
    list(): unknown {
      return {};
    }
  }

  @Controller('orders')
  class OrdersController extends Base {
    override list() {
      return 'not a route here';
    }

    @Get('other')
    other() {
      return {};
    }
  }

  const { ask } = await world.start({ controllers: [OrdersController] });
  expect((await ask({ path: '/orders', token: await world.token({ scopes: ['admin'] }) })).status).toBe(404);
});

test('counts both messages and routes of a hybrid application as handlers', async () => {
  @Controller('both')
  @Authenticated()
  class BothController {
    @Get()
    @Scopes('a')
    get() {
      return {};
    }

    @MessagePattern('both')
    @Scopes('b')
    message() {
      return {};
    }
  }

  const { ask } = await world.start({ controllers: [BothController] });
  expect((await ask({ path: '/both', token: await world.token({ scopes: ['a'] }) })).status).toBe(200);
});
