/* eslint-disable oxc/no-async-endpoint-handlers -- careless code like this must not admit a request */
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import type { Guard } from '@tokenward/express';
import type { OddWay } from '@tokenward/testing/adapter-suite';

type Handle = (request: Request, response: Response) => void;
type Way = (guard: Guard, handle: Handle) => RequestHandler | RequestHandler[];

const nothing = (): void => {};
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const WAYS: Readonly<Record<string, Way>> = {
  'awaited without next': (guard, handle) => async (request, response) => {
    await guard(request, response);
    handle(request, response);
  },
  'awaited with an empty next': (guard, handle) => async (request, response) => {
    await (guard(request, response, nothing) as unknown);
    handle(request, response);
  },
  'awaited with an empty next that takes an error': (guard, handle) => async (request, response) => {
    await (guard(request, response, (_error?: unknown) => {}) as unknown);
    handle(request, response);
  },
  'awaited in middleware before the handler': (guard, handle) => [
    async (request, response, next) => {
      await guard(request, response);
      next();
    },
    handle,
  ],
  'awaited in a router, without next': (guard, handle) =>
    express.Router().use(async (request, response) => {
      await guard(request, response);
      handle(request, response);
    }),
  "awaited with Express' own next, with a fallback answer": (guard, handle) => [
    async (request: Request, response: Response, next: NextFunction): Promise<void> => {
      await (guard(request, response, next) as unknown);
      if (!response.headersSent) response.json({ secret: 'what the handler answers' });
    },
    handle,
  ],
  'awaited in a try block that ignores errors': (guard, handle) => async (request, response) => {
    await Promise.resolve(guard(request, response)).catch(nothing);
    handle(request, response);
  },
  'awaited twice in a loop': (guard, handle) => async (request, response) => {
    for (const one of [guard, guard]) await one(request, response);
    handle(request, response);
  },
  'awaited twice with Promise.all': (guard, handle) => async (request, response) => {
    await Promise.all([guard(request, response), guard(request, response)]);
    handle(request, response);
  },
  'wrapped in a callback': (guard, handle) => [
    (request, response, next) => guard(request, response, (error?: unknown) => (error ? next(error) : next())),
    handle,
  ],
  'wrapped in a promise': (guard, handle) => async (request, response) => {
    await new Promise<void>((resolve, reject) => guard(request, response, (error?: unknown) => (error ? reject(error) : resolve()))).catch(() => {
      if (!response.headersSent) response.status(500).end();
      return new Promise(nothing);
    });
    handle(request, response);
  },
  'nested in an array': (guard, handle) => [[guard as RequestHandler], handle] as never,
  'from plain node:http, awaited': (guard, handle) => async (request, response) => {
    await guard(request, response);
    handle(request, response);
  },
};

const CARELESS: Readonly<Record<string, Way>> = {
  'not awaited, without next': (guard, handle) => (request, response) => {
    void guard(request, response);
    handle(request, response);
  },
  'not awaited, with an empty next': (guard, handle) => (request, response) => {
    guard(request, response, nothing);
    handle(request, response);
  },
  "not awaited, with Express' own next, with a fallback answer": (guard, handle) => [
    (request: Request, response: Response, next: NextFunction): void => {
      guard(request, response, next);
      if (!response.headersSent) response.json({ secret: 'what the handler answers' });
    },
    handle,
  ],
  'not awaited, and answered later': (guard, handle) => async (request, response) => {
    void guard(request, response);
    await later();
    handle(request, response);
  },
  'raced with a timer': (guard, handle) => async (request, response) => {
    await Promise.race([guard(request, response), later()]);
    handle(request, response);
  },
  'from plain node:http, not awaited': (guard, handle) => (request, response) => {
    void guard(request, response);
    handle(request, response);
  },
};

export const oddWays: readonly OddWay[] = [
  ...Object.keys(WAYS).map((name) => ({ name, isAwaited: true })),
  ...Object.keys(CARELESS).map((name) => ({ name, isAwaited: false })),
];

/** Returns the handlers of a route that calls its guard in this way. */
export function handlersOf(way: string, guard: Guard, handle: Handle): RequestHandler[] {
  return [(WAYS[way] ?? CARELESS[way]!)(guard, handle)].flat();
}
