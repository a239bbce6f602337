import Koa, { type Context, type Middleware, type Next } from 'koa';
import mount from 'koa-mount';
import type { AuthState, KoaMiddleware } from '@tokenward/koa';
import type { OddWay } from '@tokenward/testing/adapter-suite';

type Guard = KoaMiddleware<AuthState>;
type Handle = (context: Context) => void;
type Way = (guard: Guard, handle: Handle) => Middleware | Middleware[];

const empty = async (): Promise<void> => {};
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const WAYS: Readonly<Record<string, Way>> = {
  'awaited without next': (guard, handle) => async (context) => {
    await guard(context);
    handle(context);
  },
  'awaited with an empty next': (guard, handle) => async (context) => {
    await guard(context, empty);
    handle(context);
  },
  'awaited with an empty next that is not async': (guard, handle) => async (context) => {
    await guard(context, (() => {}) as never);
    handle(context);
  },
  'awaited in middleware before the handler': (guard, handle) => [
    async (context, next) => {
      await guard(context);
      await next();
    },
    handle,
  ],
  'returned by middleware': (guard, handle) => [(context: Context, next: Next) => guard(context, next), handle],
  'awaited twice in a loop': (guard, handle) => async (context) => {
    for (const one of [guard, guard]) await one(context);
    handle(context);
  },
  'awaited twice with Promise.all': (guard, handle) => async (context) => {
    await Promise.all([guard(context), guard(context)]);
    handle(context);
  },
  'in a mounted app': (guard, handle) => mount(new Koa().use(guard as Middleware).use(handle)) as Middleware,
};

const CARELESS: Readonly<Record<string, Way>> = {
  'not awaited, without next': (guard, handle) => (context) => {
    void guard(context);
    handle(context);
  },
  'not awaited, with an empty next': (guard, handle) => async (context) => {
    void guard(context, empty);
    handle(context);
  },
  "not awaited, with Koa's next": (guard, handle) => [
    (context: Context, next: Next) => {
      void guard(context, next);
    },
    handle,
  ],
  "awaited with Koa's next, with the body set afterwards": (guard, handle) => async (context, next) => {
    await guard(context, next);
    handle(context);
  },
  'awaited in a try block that ignores errors': (guard, handle) => async (context) => {
    try {
      await guard(context);
    } catch {}
    handle(context);
  },
  'not awaited, and answered later': (guard, handle) => async (context) => {
    void guard(context);
    await later();
    handle(context);
  },
  'raced with a timer': (guard, handle) => async (context) => {
    await Promise.race([guard(context), later()]);
    handle(context);
  },
};

export const oddWays: readonly OddWay[] = [
  ...Object.keys(WAYS).map((name) => ({ name, isAwaited: true })),
  ...Object.keys(CARELESS).map((name) => ({ name, isAwaited: false })),
];

/** Returns the middleware of a route that calls its guard in this way. */
export function middlewareOf(way: string, guard: Guard, handle: Handle): Middleware[] {
  return [(WAYS[way] ?? CARELESS[way]!)(guard, handle)].flat();
}
