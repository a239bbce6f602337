import { inspect } from 'node:util';
import { Catch, Controller, Get, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { APP_FILTER, BaseExceptionFilter } from '@nestjs/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AccessDeniedException, policy, Require } from '@tokenward/nestjs';
import { createWorld, type World } from './app.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

@Controller('orders')
class OrdersController {
  @Get()
  list() {
    return [];
  }

  @Get('failing')
  @Require(
    policy('failing', () => {
      throw new Error('a-secret-cause');
    }),
  )
  failing() {
    return [];
  }
}

test.each(['express', 'fastify'] as const)('keeps what only operators may see out of every serialisation of a refusal, on %s', async (platform) => {
  const caught: unknown[] = [];

  @Catch()
  class KeepingFilter extends BaseExceptionFilter implements ExceptionFilter {
    override catch(...given: [exception: unknown, host: ArgumentsHost]): void {
      caught.push(given[0]);
      super.catch(...given);
    }
  }

  const { ask } = await world.start({ platform, controllers: [OrdersController], providers: [{ provide: APP_FILTER, useClass: KeepingFilter }] });
  const expired = await world.token({ lifetimeSeconds: -3600 });
  const answers = [
    await ask({ path: '/orders' }),
    await ask({ path: '/orders', token: expired }),
    await ask({ path: '/orders/failing', token: await world.token() }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 403]);
  const reasons = ['missing_token', 'expired', 'policy_failed'];
  for (const [index, exception] of caught.entries()) {
    if (!(exception instanceof AccessDeniedException)) throw exception;
    expect(exception.reason).toBeTypeOf('string');
    expect(exception.headers).toHaveProperty('www-authenticate');
    const told = [JSON.stringify(exception), JSON.stringify({ ...exception }), inspect(exception, { depth: 10 }), JSON.stringify(answers[index]!.body)].join();
    for (const secret of [`"${exception.reason}"`, `'${exception.reason}'`, 'reason', 'a-secret-cause', expired]) expect(told).not.toContain(secret);
  }
  expect(caught.map((exception) => (exception as AccessDeniedException).reason)).toEqual([reasons[0], reasons[1], expect.any(String)]);
});
