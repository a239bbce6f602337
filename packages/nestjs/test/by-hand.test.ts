import { Controller, Get, Req, Res, type ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError, Public, Scopes, TokenwardGuard, type Deny } from '@tokenward/nestjs';
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

  @Get('admin')
  @Scopes('admin')
  admin() {
    return [];
  }
}

/** A context that its maker uses for whatever request is at hand. */
class OneForAll extends ExecutionContextHost {
  readonly #given: unknown[];
  about: () => unknown;

  constructor() {
    const given: unknown[] = [];
    super(given, OrdersController, () => {});
    this.#given = given;
    this.about = OrdersController.prototype.list;
  }

  hold(...given: unknown[]): this {
    this.#given.splice(0, this.#given.length, ...given);
    return this;
  }

  override getHandler(): () => unknown {
    return this.about;
  }
}

describe.each(['express', 'fastify'] as const)('the guard called by hand, on %s', (platform) => {
  test('rule 157: checks a context again when it is used again', async () => {
    const one = new OneForAll();
    const answers: unknown[] = [];
    const { ask, app } = await world.start({
      platform,
      controllers: [OrdersController],
      prepare(app) {
        const guards = (app as unknown as { config: { getGlobalGuards(): { canActivate(context: ExecutionContext): unknown }[] } }).config.getGlobalGuards();
        guards.unshift({
          async canActivate(context: ExecutionContext) {
            const [request, response] = context.getArgs<[{ headers: Record<string, string> }, unknown]>();
            one.about = request.headers['x-ask'] === 'admin' ? OrdersController.prototype.admin : OrdersController.prototype.list;
            one.hold(request, response);
            answers.push(
              await Promise.resolve(one)
                .then((held) => app.get(TokenwardGuard).canActivate(held))
                .catch((error: Error) => error.name),
            );
            return true;
          },
        });
      },
    });
    const token = await world.token({ scopes: ['orders:read'] });
    await ask({ path: '/orders', token });
    await ask({ path: '/orders', token, headers: { 'x-ask': 'admin' } });
    await ask({ path: '/orders' });
    await ask({ path: '/orders', token });
    expect(answers).toEqual([true, 'AccessDeniedException', 'AccessDeniedException', true]);
    expect(app).toBeDefined();
  });
});

class Guarded {
  @Scopes('orders:read')
  one() {
    return [];
  }
}

/** Asks the guard about another handler, and does not wait. */
@Controller('hasty')
class HastyController {
  static guard: TokenwardGuard;

  @Get()
  @Public()
  answer(@Req() request: unknown, @Res({ passthrough: true }) response: unknown) {
    void HastyController.guard.canActivate(new ExecutionContextHost([request, response], Guarded, Guarded.prototype.one));
    return 'SECRET';
  }
}

test.each(['express', 'fastify'] as const)(
  'rule 157: holds the response back for a context made by hand that the caller does not await, on %s',
  async (platform) => {
    const answerTo = async (wishes: object): Promise<string> => {
      // each application fetches its keys anew
      const { app, ask } = await world.start({ platform, controllers: [HastyController] });
      HastyController.guard = app.get(TokenwardGuard);
      const { status, body } = await ask({ path: '/hasty', token: await world.token(wishes) });
      return `${status} ${JSON.stringify(body)}`;
    };
    expect(await answerTo({ scopes: ['orders:read'] })).toBe('200 "SECRET"');
    expect(await answerTo({ scopes: ['other'] })).toMatch(/^403 (?!.*SECRET)/);
    expect(await answerTo({ scopes: ['orders:read'], header: { kid: 'made-up' } })).toMatch(/^401 (?!.*SECRET)/);
  },
);

test.each(['express', 'fastify'] as const)(
  'rule 157: holds the response back while onDenied decides about a refusal that the caller does not await, on %s',
  async (platform) => {
    for (const onDenied of [(decision: Deny) => decision, () => new Promise<void>(() => {})]) {
      const { app, ask } = await world.start({ platform, controllers: [HastyController], options: { onDenied } });
      HastyController.guard = app.get(TokenwardGuard);
      const [good, bad] = [await world.token({ scopes: ['orders:read'] }), await world.token({ scopes: ['other'] })];
      // with the first token, the keys arrive
      for (const [token, status] of [
        [good, 200],
        [bad, 403],
        [good, 200],
        [undefined, 401],
      ] as const) {
        const answer = await ask({ path: '/hasty', ...(token !== undefined && { token }) });
        expect([answer.status, JSON.stringify(answer.body).includes('SECRET')]).toEqual([status, status === 200]);
      }
    }
  },
);

test.each(['express', 'fastify'] as const)(
  'rule 157: onDenied answers where a guard of the app calls this one after it waited for something else, on %s',
  async (platform) => {
    const { ask } = await world.start({
      platform,
      controllers: [OrdersController],
      options: {
        onDenied(_decision, context) {
          context.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>().status(418).send({ mine: true });
        },
      },
      prepare(app) {
        const guards = (app as unknown as { config: { getGlobalGuards(): { canActivate(context: ExecutionContext): unknown }[] } }).config.getGlobalGuards();
        guards.unshift({
          async canActivate(context: ExecutionContext) {
            await new Promise(setImmediate);
            return app.get(TokenwardGuard).canActivate(context);
          },
        });
      },
    });
    const token = await world.token({ scopes: ['orders:read'] });
    // with the first token, the keys arrive
    expect((await ask({ path: '/orders', token })).status).toBe(200);
    for (const given of [{}, { token: 'malformed' }, { token }]) {
      const { status, body } = await ask({ path: '/orders/admin', ...given });
      expect([status, body]).toEqual([418, { mine: true }]);
    }
    expect((await ask({ path: '/orders', token })).status).toBe(200);
  },
);

test("rule 157: throws for anything but a handler's context, and says what to write", async () => {
  const { app } = await world.start({ controllers: [OrdersController] });
  const guard = app.get(TokenwardGuard);
  for (const given of [undefined, null, {}, { headers: {} }, { switchToHttp: () => ({}) }, new ExecutionContextHost([])]) {
    expect(() => guard.canActivate(given as never)).toThrow(ConfigurationError);
    expect(() => guard.canActivate(given as never)).toThrow(/write await guard\.check\(request\)/);
  }
  const { canActivate } = guard;
  expect(() => canActivate(new ExecutionContextHost([{}, {}], OrdersController, OrdersController.prototype.list))).toThrow();
});

test('rule 157: refuses a request that is not one', async () => {
  const { app } = await world.start({ controllers: [OrdersController] });
  const guard = app.get(TokenwardGuard);
  for (const request of [undefined, null, {}, 'GET /orders', { headers: { authorization: `Bearer ${await world.token()}` } }]) {
    const context = new ExecutionContextHost([request, undefined], OrdersController, OrdersController.prototype.list);
    expect(() => guard.canActivate(context)).toThrow(/needs an access token/);
  }
});
