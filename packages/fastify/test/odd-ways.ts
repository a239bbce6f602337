import type { FastifyReply, FastifyRequest, RouteHandlerMethod, RouteShorthandOptions } from 'fastify';
import type { Guard } from '@tokenward/fastify';
import type { OddWay } from '@tokenward/testing/adapter-suite';

type Handle = (request: FastifyRequest, reply: FastifyReply) => unknown;
type Done = (error?: Error) => void;
type Hooks = Pick<RouteShorthandOptions, 'onRequest' | 'preParsing' | 'preValidation' | 'preHandler'>;
type Way = (guard: Guard) => Hooks | ((handle: Handle) => Handle);

const nothing = (): void => {};
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

const WAYS: Readonly<Record<string, Way>> = {
  'awaited in an async hook': (guard) => ({ onRequest: async (request, reply) => void (await guard(request, reply)) }),
  'awaited in an async preHandler': (guard) => ({ preHandler: async (request, reply) => void (await guard(request, reply)) }),
  'returned by an async hook': (guard) => ({ onRequest: async (request, reply) => guard(request, reply) }),
  'awaited in an async hook, with an empty done': (guard) => ({
    onRequest: async (request, reply) => void (await (guard(request, reply, nothing) as unknown)),
  }),
  'awaited in an async hook, with an empty done that takes an error': (guard) => ({
    onRequest: async (request, reply) => void (await (guard(request, reply, (_error?: Error) => {}) as unknown)),
  }),
  'awaited twice in a loop': (guard) => ({
    onRequest: async (request, reply) => {
      for (const one of [guard, guard]) await one(request, reply);
    },
  }),
  'awaited twice with Promise.all': (guard) => ({
    onRequest: async (request, reply) => void (await Promise.all([guard(request, reply), guard(request, reply)])),
  }),
  'called by a hook with its done': (guard) => ({ onRequest: (request: FastifyRequest, reply: FastifyReply, done: Done) => guard(request, reply, done) }),
  'called by a hook with a done that wraps its own': (guard) => ({
    onRequest: (request: FastifyRequest, reply: FastifyReply, done: Done) => guard(request, reply, () => done()),
  }),
  'awaited in an async preHandler, as a method of the app, with an empty done': (guard) => ({
    async preHandler(this: unknown, request: FastifyRequest, reply: FastifyReply) {
      await onApp(this, guard, request, reply, nothing);
    },
  }),
  'awaited in the handler, as a method of the app, with an empty done': (guard) => (handle) => async (request, reply) => {
    await onApp(request.server, guard, request, reply, nothing);
    return handle(request, reply);
  },
  'awaited while other code reads reply.sent': (guard) => ({
    onRequest: async (request, reply) => {
      setImmediate(() => reply.sent);
      await guard(request, reply);
    },
  }),
  'as a preHandler': (guard) => ({ preHandler: [guard] }),
  'as a preValidation, bound to the app': (guard) => ({
    preValidation(this: unknown, request: FastifyRequest, reply: FastifyReply, done: Done) {
      (guard as (this: unknown, ...given: unknown[]) => void).call(this, request, reply, done);
    },
  }),
  'awaited in the handler': (guard) => (handle) => async (request, reply) => {
    await guard(request, reply);
    return handle(request, reply);
  },
  'awaited in the handler, in a try block that ignores errors': (guard) => (handle) => async (request, reply) => {
    try {
      await guard(request, reply);
    } catch {}
    return handle(request, reply);
  },
};

/** Calls the guard as a method of the app, as if it were a decorator. */
function onApp(app: unknown, guard: Guard, ...given: unknown[]): unknown {
  return (guard as (this: unknown, ...all: unknown[]) => unknown).call(app, ...given);
}

const CARELESS: Readonly<Record<string, Way>> = {
  'not awaited in an async hook': (guard) => ({
    onRequest: async (request, reply) => {
      void guard(request, reply);
    },
  }),
  'not awaited in an async hook, with an empty done': (guard) => ({
    onRequest: async (request, reply) => {
      guard(request, reply, nothing);
    },
  }),
  'not awaited in an async preHandler': (guard) => ({
    preHandler: async (request, reply) => {
      void guard(request, reply);
    },
  }),
  'not awaited in the handler': (guard) => (handle) => async (request, reply) => {
    void guard(request, reply);
    return handle(request, reply);
  },
  'not awaited in the handler, as a method of the app, with an empty done': (guard) => (handle) => async (request, reply) => {
    void onApp(request.server, guard, request, reply, nothing);
    return handle(request, reply);
  },
  'not awaited in the handler, and answered later': (guard) => (handle) => async (request, reply) => {
    void guard(request, reply);
    await later();
    return handle(request, reply);
  },
  'not awaited in the handler, and answered on the raw response': (guard) => (handle) => async (request, reply) => {
    void guard(request, reply);
    await later();
    const fields: Record<string, string> = {};
    const headers = (given: Record<string, string>) => (Object.assign(fields, given), { send: (body: unknown) => body });
    const answer: unknown = handle(request, { code: () => ({ headers }) } as never);
    if (!reply.sent) return reply.headers(fields).send(answer);
    for (const [name, value] of Object.entries(fields)) reply.raw.setHeader(name, value);
    reply.raw.setHeader('content-type', 'application/json');
    reply.raw.end(JSON.stringify(answer));
    return reply;
  },
  'raced with a timer in the handler': (guard) => (handle) => async (request, reply) => {
    await Promise.race([guard(request, reply), later()]);
    return handle(request, reply);
  },
};

export const oddWays: readonly OddWay[] = [
  ...Object.keys(WAYS).map((name) => ({ name, isAwaited: true })),
  ...Object.keys(CARELESS).map((name) => ({ name, isAwaited: false })),
];

/** Returns a route that calls its guard in this way. */
export function routeOf(way: string, guard: Guard, handle: Handle): Hooks & { handler: RouteHandlerMethod } {
  const made = (WAYS[way] ?? CARELESS[way]!)(guard);
  return typeof made === 'function' ? { handler: made(handle) } : { ...made, handler: handle };
}
