import {
  Controller,
  createParamDecorator,
  Get,
  Injectable,
  Req,
  Res,
  UseInterceptors,
  type CallHandler,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
  type INestApplication,
} from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError, Public, Scopes, TokenwardGuard, type AccessDeniedException, type Deny } from '@tokenward/nestjs';
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

/** Asks the guard about another handler, and does not wait. */
function askInHaste(context: ExecutionContext): void {
  const [request, response] = context.getArgs<[unknown, unknown]>();
  void HastyController.guard.canActivate(new ExecutionContextHost([request, response], Guarded, Guarded.prototype.one));
}

const AskedInHaste = createParamDecorator((_data: unknown, context) => askInHaste(context));

@Controller('hasty')
class HastyAroundController {
  @Get('interceptor')
  @Public()
  @UseInterceptors({
    intercept(context: ExecutionContext, next: CallHandler) {
      askInHaste(context);
      return next.handle();
    },
  })
  intercepted() {
    return 'SECRET';
  }

  @Get('parameter')
  @Public()
  parameter(@AskedInHaste() _asked: unknown) {
    return 'SECRET';
  }

  @Get('guard')
  @Public()
  guarded() {
    return 'SECRET';
  }
}

/** The request takes longer than the keys. */
const SLOW_MS = 100;

@Controller('slow')
class SlowController {
  @Get()
  @Public()
  async answer() {
    await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
    return { value: 'SECRET' };
  }
}

function guardFirst(app: INestApplication, guard: CanActivate): void {
  (app as unknown as { config: { getGlobalGuards(): CanActivate[] } }).config.getGlobalGuards().unshift(guard);
}

describe.each(['express', 'fastify'] as const)('an open handler behind code that asks the guard, on %s', (platform) => {
  const hasty: CanActivate = {
    canActivate(context) {
      if (context.getHandler() === HastyAroundController.prototype.guarded) askInHaste(context);
      return true;
    },
  };
  const hastyLater: CanActivate = {
    async canActivate(context) {
      await new Promise(setImmediate);
      return hasty.canActivate(context) as boolean;
    },
  };

  test.each([
    ['an interceptor', '/hasty/interceptor', undefined],
    ['a parameter', '/hasty/parameter', undefined],
    ['a guard of the app', '/hasty/guard', hasty],
    ['a guard of the app that waited for something else', '/hasty/guard', hastyLater],
  ] as const)('rule 157: its answer is held back until the decision that %s does not await', async (_name, path, guard) => {
    for (const onDenied of [undefined, (decision: Deny) => decision, () => new Promise<void>(() => {})]) {
      for (const [wanted, expected] of [
        [{ scopes: ['orders:read'] }, 200],
        [{ scopes: ['other'] }, 403],
        [{ scopes: ['orders:read'], header: { kid: 'made-up' } }, 401],
      ] as const) {
        const refused: string[] = [];
        const onRefused = ({ reason }: Deny): void => void refused.push(reason);
        // each application fetches its keys anew
        const { app, ask } = await world.start({
          platform,
          controllers: [HastyAroundController],
          options: { onRefused, ...(onDenied && { onDenied }) },
          prepare: (started) => guard && guardFirst(started, guard),
        });
        HastyController.guard = app.get(TokenwardGuard);
        const { status, body } = await ask({ path, token: await world.token(wanted) });
        expect([status, JSON.stringify(body).includes('SECRET'), refused.length]).toEqual([expected, expected === 200, expected === 200 ? 0 : 1]);
      }
    }
  });
});

describe.each(['express', 'fastify'] as const)('a slow open handler behind a guard of the app, on %s', (platform) => {
  const log = (): void => {};
  test.each([
    ['logs both outcomes', (asked: Promise<boolean>) => asked.then(log, log)],
    ['logs both outcomes with functions of the runtime', (asked: Promise<boolean>) => asked.then(log.bind(undefined), log.bind(undefined))],
    ['logs both outcomes after finally()', (asked: Promise<boolean>) => asked.finally(log).then(log, log)],
  ] as const)('rule 157: the guard sends its refusal if that guard only %s', async (_name, use) => {
    for (const onDenied of [undefined, (decision: Deny) => decision]) {
      for (const [wanted, expected] of [
        [{ scopes: ['orders:read'] }, 200],
        [{ scopes: ['other'] }, 403],
      ] as const) {
        // each application fetches its keys anew
        const { app, ask } = await world.start({
          platform,
          controllers: [SlowController],
          options: { ...(onDenied && { onDenied }) },
          prepare: (started) =>
            guardFirst(started, {
              canActivate(context) {
                const [request, response] = context.getArgs<[unknown, unknown]>();
                const about = new ExecutionContextHost([request, response], Guarded, Guarded.prototype.one);
                void use(app.get(TokenwardGuard).canActivate(about) as Promise<boolean>);
                return true;
              },
            }),
        });
        const { status, body } = await ask({ path: '/slow', token: await world.token(wanted) });
        expect([status, JSON.stringify(body).includes('SECRET')]).toEqual([expected, expected === 200]);
      }
    }
  });

  test.each([
    ['awaits', async (asked: Promise<boolean>) => await asked],
    ['returns', (asked: Promise<boolean>) => asked],
    ['awaits in Promise.all', async (asked: Promise<boolean>) => (await Promise.all([asked, asked])).every(Boolean)],
    [
      'returns with two handlers',
      (asked: Promise<boolean>) =>
        asked.then(
          (isGood) => isGood,
          (error: Error) => Promise.reject(error),
        ),
    ],
  ] as const)('rule 157: a refusal reaches the filters if that guard %s', async (_name, use) => {
    const caught: string[] = [];
    const { app, ask } = await world.start({
      platform,
      controllers: [SlowController],
      prepare(started) {
        guardFirst(started, {
          canActivate(context) {
            const [request, response] = context.getArgs<[unknown, unknown]>();
            return use(app.get(TokenwardGuard).canActivate(new ExecutionContextHost([request, response], Guarded, Guarded.prototype.one)) as Promise<boolean>);
          },
        });
        started.useGlobalFilters({
          catch(error: Error, host) {
            caught.push(error.name);
            host.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>().status(418).send({ filtered: true });
          },
        });
      },
    });
    const answer = await ask({ path: '/slow', token: await world.token({ scopes: ['other'] }) });
    expect([answer.status, answer.body, caught]).toEqual([418, { filtered: true }, ['AccessDeniedException']]);
  });
});

/** A guard of the app that adds its own checks to this one. */
@Injectable()
class WrappingGuard extends TokenwardGuard {
  override async canActivate(context: ExecutionContext): Promise<boolean> {
    return (await super.canActivate(context)) && context.getType() === 'http';
  }
}

describe.each(['express', 'fastify'] as const)('a guard of the app that extends this one and waits for it, on %s', (platform) => {
  const caught: string[] = [];
  const filter: ExceptionFilter = {
    catch(error: Error, host) {
      caught.push(error.name);
      const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>();
      response.status((error as AccessDeniedException).getStatus()).send({ filtered: true });
    },
  };

  test('rule 157: its refusals reach the exception filters, onRefused and onDenied, while keys are fetched and afterwards', async () => {
    for (const isOwn of [false, true]) {
      const refused: string[] = [];
      const { ask } = await world.start({
        platform,
        controllers: [OrdersController],
        providers: [WrappingGuard],
        options: {
          onRefused: ({ reason }) => void refused.push(reason),
          ...(isOwn && {
            onDenied: (_decision: Deny, context: ExecutionContext) =>
              context.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>().status(418).send({ mine: true }),
          }),
        },
        prepare(app) {
          guardFirst(app, app.get(WrappingGuard));
          app.useGlobalFilters(filter);
        },
      });
      caught.splice(0);
      const other = await world.token({ scopes: ['other'] });
      for (const [sent, status] of [
        [{ path: '/orders/admin', token: other }, 403],
        [{ path: '/orders/admin', token: other }, 403],
        [{ path: '/orders', token: 'malformed' }, 401],
      ] as const) {
        const answer = await ask(sent);
        expect([answer.status, answer.body]).toEqual(isOwn ? [418, { mine: true }] : [status, { filtered: true }]);
      }
      expect((await ask({ path: '/orders', token: other })).status).toBe(200);
      expect(caught).toEqual(isOwn ? [] : Array.from({ length: 3 }, () => 'AccessDeniedException'));
      expect(refused).toHaveLength(3);
    }
  });
});

test.each(['express', 'fastify'] as const)(
  'rule 157: holds the response back for a context made by hand that the caller does not await, on %s',
  async (platform) => {
    const answerTo = async (wanted: object): Promise<string> => {
      // each application fetches its keys anew
      const { app, ask } = await world.start({ platform, controllers: [HastyController] });
      HastyController.guard = app.get(TokenwardGuard);
      const { status, body } = await ask({ path: '/hasty', token: await world.token(wanted) });
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
