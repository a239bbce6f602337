import { Controller, SetMetadata } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { ExternalContextCreator } from '@nestjs/core';
import { WsException } from '@nestjs/websockets';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OptionalAuth, Public, Scopes, TokenwardGuard } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

/** What such a library knows its handlers by. */
const Command = (name: string) => SetMetadata('bot:command', name);

@Controller()
class BotController {
  @Command('plain')
  plain() {
    return 'ran';
  }

  @Scopes('bots')
  @Command('scoped')
  scoped() {
    return 'ran';
  }

  @OptionalAuth()
  @Command('optional')
  optional() {
    return 'ran';
  }

  @Public()
  @Command('open')
  open() {
    return 'ran';
  }
}

/** As libraries do that add a kind of handlers to Nest (chat bots, command lines, queues). */
async function callIn(type: string, method: keyof BotController, ...given: unknown[]): Promise<unknown> {
  const { app } = await world.start({ controllers: [BotController] });
  const instance = app.get(BotController);
  const creator = app.get(ExternalContextCreator);
  const options = { guards: true, interceptors: true, filters: true };
  const call = creator.create(instance, instance[method], method, '', undefined, undefined, undefined, options, type) as (
    ...given: unknown[]
  ) => Promise<unknown>;
  return call(...given);
}

test('rule 146: admits only @Public() handlers in an unknown context, whatever its arguments', async () => {
  const request = { originalUrl: '/', rawHeaders: [], method: 'GET', headers: { authorization: `Bearer ${await world.token({ scopes: ['bots'] })}` } };
  for (const method of ['plain', 'scoped', 'optional'] as const) {
    await expect(callIn('telegram', method, request, request, { req: request })).rejects.toMatchObject({ status: 401, reason: 'missing_token' });
  }
  expect(await callIn('telegram', 'open')).toBe('ran');
});

test('rule 146: refuses a known context whose request cannot be read', async () => {
  for (const type of ['http', 'graphql', 'ws']) {
    for (const given of [[], [undefined, undefined, undefined], [{}, {}, { req: {} }], [{ headers: {} }, {}, { req: { extra: {} } }]]) {
      const refusal: unknown = await callIn(type, 'optional', ...given).then(
        () => 'admitted',
        (error: unknown) => error,
      );
      // where another test has loaded @nestjs/websockets into this process, it is a WsException
      expect(refusal instanceof WsException ? refusal.getError() : refusal).toMatchObject({ status: 401 });
    }
  }
});

test('refuses calls to a handler that is not a method of its class', () => {
  const guard = new TokenwardGuard();
  const context = (handler: () => void) => new ExecutionContextHost([], BotController, handler);
  expect(() => guard.canActivate(context(function elsewhere() {}))).toThrow(/no method/);
  expect(() => guard.canActivate(context(() => {}))).toThrow(/no method/);
});
