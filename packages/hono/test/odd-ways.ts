import type { Handler, MiddlewareHandler } from 'hono';
import { every, some } from 'hono/combine';
import type { HonoMiddleware } from '@tokenward/hono';
import type { OddWay } from '@tokenward/testing/adapter-suite';

type Way = (guard: HonoMiddleware, handle: Handler) => (Handler | MiddlewareHandler)[];

const onward: MiddlewareHandler = (_c, next) => next();
const empty = async (): Promise<void> => {};

const WAYS: Readonly<Record<string, Way>> = {
  'awaited without next': (guard, handle) => [
    async (c, next) => {
      await guard(c);
      return handle(c, next);
    },
  ],
  'awaited with an empty next': (guard, handle) => [
    async (c, next) => {
      await guard(c, empty);
      return handle(c, next);
    },
  ],
  'awaited in middleware before the handler': (guard, handle) => [
    async (c, next) => {
      await guard(c);
      await next();
    },
    handle,
  ],
  'returned by middleware': (guard, handle) => [(c, next) => guard(c, next), handle],
  'awaited twice with Promise.all': (guard, handle) => [
    async (c, next) => {
      await Promise.all([guard(c), guard(c)]);
      return handle(c, next);
    },
  ],
  'not awaited': (guard, handle) => [
    (c, next) => {
      void guard(c);
      return handle(c, next);
    },
  ],
  'not awaited with an empty next': (guard, handle) => [
    (c, next) => {
      void guard(c, empty);
      return handle(c, next);
    },
  ],
  'not awaited, with a catch': (guard, handle) => [
    (c, next) => {
      guard(c).catch(() => {});
      return handle(c, next);
    },
  ],
  'not awaited, with a then, a finally and a catch': (guard, handle) => [
    (c, next) => {
      guard(c)
        .then(() => {})
        .finally(() => {})
        .catch(() => {});
      return handle(c, next);
    },
  ],
  'not awaited in middleware before the handler': (guard, handle) => [
    async (c, next) => {
      void guard(c);
      await next();
    },
    handle,
  ],
  'not awaited, and the handler answers later': (guard, handle) => [
    async (c, next) => {
      void guard(c);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return handle(c, next);
    },
  ],
  'in every() of hono/combine': (guard, handle) => [every(guard, onward), handle],
  'in some() of hono/combine': (guard, handle) => [some(guard, guard), handle],
};

export const oddWays: readonly OddWay[] = Object.keys(WAYS).map((name) => ({ name, isAwaited: !name.startsWith('not awaited') }));

/** Returns the handlers of a route that calls its guard in this way. */
export function middlewareOf(way: string, guard: HonoMiddleware, handle: Handler): (Handler | MiddlewareHandler)[] {
  return WAYS[way]!(guard, handle);
}
