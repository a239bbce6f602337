import { Controller, createParamDecorator, Injectable, Module, type CanActivate, type ExecutionContext, type Type } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { MessagePattern, Server, type CustomTransportStrategy, type MicroserviceOptions } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CurrentAuth, getAuth, OptionalAuth, Public, TokenwardModule, type Auth, type NestGuardOptions } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** A transport of somebody's own, in which a message's data are all that there is of it. */
class Bus extends Server implements CustomTransportStrategy {
  readonly #contextOf: () => object;

  constructor(contextOf: () => object) {
    super();
    this.#contextOf = contextOf;
  }

  listen(listening: () => void): void {
    listening();
  }

  close(): void {}

  on(): void {}

  unwrap(): never {
    throw new Error('there is nothing to unwrap');
  }

  async ask(pattern: string, data: unknown): Promise<unknown> {
    const handler = this.messageHandlers.get(pattern)!;
    return firstValueFrom(this.transformToObservable(await handler(data, this.#contextOf())));
  }
}

@Controller()
class WhoController {
  @MessagePattern('me')
  me(@CurrentAuth('subject') subject: string) {
    return subject;
  }

  @MessagePattern('maybe')
  @OptionalAuth()
  maybe(@CurrentAuth('subject', 'optional') subject: string | undefined) {
    return subject ?? 'nobody';
  }
}

/** Of a handler that is open: who it is from is asked for all the same. */
const FromOptional = createParamDecorator((_data: unknown, context: ExecutionContext) => getAuth(context, 'optional')?.subject ?? 'nobody');

@Injectable()
class Before implements CanActivate {
  static readonly seen: (Auth | Error | undefined)[] = [];

  canActivate(context: ExecutionContext): boolean {
    try {
      Before.seen.push(getAuth(context, 'optional'));
    } catch (error) {
      Before.seen.push(error as Error);
    }
    return true;
  }
}

async function start(bus: Bus, controllers: Type[], { isAsked = false, ...options }: Partial<NestGuardOptions> & { isAsked?: boolean } = {}) {
  const { issuer, audience } = world.issuer;
  const rpcAuthorization = (context: ExecutionContext) => context.switchToRpc().getData<{ auth?: string } | undefined>()?.auth;

  @Module({
    imports: [TokenwardModule.forRoot({ issuer, audience, rpcAuthorization, ...options })],
    controllers,
    providers: isAsked ? [{ provide: APP_GUARD, useClass: Before }] : [],
  })
  class BusModule {}

  const app = await NestFactory.createMicroservice<MicroserviceOptions>(BusModule, { strategy: bus, logger: false, abortOnError: false });
  await app.listen();
  return app;
}

async function authorized(subject: string): Promise<{ auth: string }> {
  return { auth: `Bearer ${await world.token({ subject })}` };
}

describe('a transport that uses one context for all messages', () => {
  test('rule 146: never gives one message the identity of another', async () => {
    const one = { name: 'bus' };
    const bus = new Bus(() => one);
    const app = await start(bus, [WhoController]);
    const ada = await authorized('ada');
    expect(await bus.ask('me', ada)).toBe('ada');
    for (const pattern of ['me', 'maybe']) {
      for (const data of [{}, undefined, await authorized('bob'), { auth: 'Bearer bad' }, { ...ada }]) {
        const answer = await bus.ask(pattern, data).catch((error: { status: number }) => error.status);
        expect(answer, `${pattern} ${JSON.stringify(data)}`).toBe(401);
      }
    }
    await app.close();
  });

  test('rule 146: does not do so on open handlers either', async () => {
    @Controller()
    class OpenController {
      @MessagePattern('open')
      @Public()
      open(@FromOptional() subject: string) {
        return subject;
      }

      @MessagePattern('unmarked')
      unmarked(@CurrentAuth('subject', 'optional') subject: string | undefined) {
        return subject ?? 'nobody';
      }

      @MessagePattern('maybe')
      @OptionalAuth()
      maybe(@CurrentAuth('subject', 'optional') subject: string | undefined) {
        return subject ?? 'nobody';
      }
    }

    const one = { name: 'bus' };
    const bus = new Bus(() => one);
    const app = await start(bus, [OpenController], { leaveUnmarkedHandlersOpen: true });
    expect(await bus.ask('maybe', await authorized('ada'))).toBe('ada');
    for (const data of [{}, undefined, await authorized('bob')]) {
      expect(await bus.ask('open', data)).toBe('nobody');
      // it can't be told apart from the first one
      await expect(bus.ask('unmarked', data)).rejects.toMatchObject({ message: 'Internal server error' });
    }
    await app.close();
  });
});

test('rule 146: tells messages with their own contexts apart, at once and one after the other', async () => {
  const bus = new Bus(() => ({}));
  const app = await start(bus, [WhoController]);
  const asked = await Promise.all(['ada', 'bob', 'eve'].map(async (subject) => bus.ask('me', await authorized(subject))));
  expect(asked).toEqual(['ada', 'bob', 'eve']);
  expect(await bus.ask('maybe', {})).toBe('nobody');
  await app.close();
});

test('getAuth() in a guard that runs before ours throws, and breaks nothing', async () => {
  const bus = new Bus(() => ({}));
  const app = await start(bus, [WhoController], { isAsked: true });
  expect(await bus.ask('me', await authorized('ada'))).toBe('ada');
  expect(await bus.ask('maybe', {})).toBe('nobody');
  expect(Before.seen).toEqual([expect.any(Error), expect.any(Error)]);
  expect((Before.seen[0] as Error).message).toMatch(/Run guards of your own after it/);
  await app.close();
});
