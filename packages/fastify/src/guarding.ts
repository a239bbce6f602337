import {
  answerAlone,
  answerRefusal,
  asError,
  isCalledBy,
  markGuard,
  misuse,
  never,
  problemHeaders,
  settle,
  type AccessFor,
  type NativeGuard,
} from '@tokenward/core/adapter';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth, ConfigurationError, Decision, Deny } from '@tokenward/core';
import { closeReply, type ClosedReply } from './closed-reply.js';
import { logRefusal } from './log.js';

export type Done = (error?: Error) => void;

/** A guard in Fastify's form. What it returns is to be waited for. */
export type Guarding = (this: unknown, request: FastifyRequest, reply: FastifyReply, done?: Done) => PromiseLike<void> | undefined;

export interface CreateGuarding {
  (accessFor: AccessFor<FastifyRequest>): Guarding;
  /** Decides within a hook that Fastify called, as if Fastify had called a guard. */
  runAsHook(accessFor: AccessFor<FastifyRequest>, request: FastifyRequest, reply: FastifyReply, done: Done): void;
  /** Answers a refusal while others might answer too: what they write is dropped. */
  refuse(decision: Deny, request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

const ADMITTED = Promise.resolve();

/**
 * Fastify calls its hooks from a file of its own, on the app, with a `done`, and waits for that. A caller by hand may not wait, and may go on despite a
 * refusal. For such a caller nobody can answer, and Fastify goes no further, until the decision arrives; if it is a refusal, ever.
 *
 * @param remember stores who an admitted request is from
 */
export function createGuarding(
  native: NativeGuard<FastifyRequest, [request: FastifyRequest, reply: FastifyReply]>,
  remember: (request: FastifyRequest, auth: Auth | undefined) => void,
): CreateGuarding {
  async function answer(decision: Deny, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    logRefusal(request.log, decision);
    await answerRefusal(native, decision, [request, reply], (left) => sendDefault(left, reply));
  }

  async function answerByHand(decision: Deny, request: FastifyRequest, { gate, own }: ClosedReply): Promise<void> {
    await answerAlone(gate, () => answer(decision, request, own).catch((error: unknown) => void own.send(asError(error))));
  }

  function admit(decision: Decision & { outcome: 'allow' }, request: FastifyRequest, reply: FastifyReply, done: Done | undefined): void {
    for (const name in decision.headers) void reply.header(name, decision.headers[name]!);
    remember(request, decision.auth);
    done?.();
  }

  function settleHook(decision: Decision | Promise<Decision>, request: FastifyRequest, reply: FastifyReply, done: Done): undefined {
    const settled = settle<void>(decision, {
      response: reply.raw,
      admit: (allowed) => admit(allowed, request, reply, done),
      refuse: (denied) => answer(denied, request, reply),
    });
    if (settled instanceof Promise) settled.catch((error: unknown) => done(asError(error)));
    return undefined;
  }

  /** If the request is refused, the promise never settles: nothing behind an `await` runs, whatever it catches. */
  function settleByHand(decision: Decision | Promise<Decision>, request: FastifyRequest, reply: FastifyReply, done: Done | undefined): PromiseLike<void> {
    const closed = closeReply(reply);
    const outcomes = {
      response: reply.raw,
      async admit(allowed: Decision & { outcome: 'allow' }): Promise<void> {
        if (!closed.isSeen()) return admit(allowed, request, reply, done);
        // Fastify came by while nobody could answer, and does not come again
        void reply.send(notAwaited());
        return never();
      },
      refuse(denied: Deny): Promise<never> {
        void answerByHand(denied, request, closed);
        return never();
      },
    };
    const settled = Promise.resolve(settle<void>(decision, outcomes, closed.gate)).catch((error: unknown) => {
      void closed.own.send(asError(error));
      return never();
    });
    return done ? pendingAtFirst(settled) : settled;
  }

  function runAsHook(accessFor: AccessFor<FastifyRequest>, request: FastifyRequest, reply: FastifyReply, done: Done): undefined {
    return settleHook(native.decide(request, accessFor(request, answersPreflights(request) ? 'pass' : 'refuse')), request, reply, done);
  }

  function guardWith(accessFor: AccessFor<FastifyRequest>): Guarding {
    function guard(this: unknown, request: FastifyRequest, reply: FastifyReply, given?: Done): PromiseLike<void> | undefined {
      assertCalled(request, reply);
      const done = typeof given === 'function' ? given : undefined;
      // a handler can call a decorated guard on an app, too: only the stack shows who calls, so it is read where that matters
      const mayBeHook = done !== undefined && isApp(this);
      if (mayBeHook && request.method === 'OPTIONS' && isCalledBy(guard, FASTIFYS_HOOKS)) return runAsHook(accessFor, request, reply, done);
      const decision = native.decide(request, accessFor(request, 'refuse'));
      if (!(decision instanceof Promise) && decision.outcome === 'allow') {
        admit(decision, request, reply, done);
        return done ? undefined : ADMITTED;
      }
      if (mayBeHook && isCalledBy(guard, FASTIFYS_HOOKS)) return settleHook(decision, request, reply, done);
      return settleByHand(decision, request, reply, done);
    }

    return markGuard(guard);
  }

  return Object.assign(guardWith, {
    runAsHook,
    refuse: (decision: Deny, request: FastifyRequest, reply: FastifyReply) => answerByHand(decision, request, closeReply(reply)),
  });
}

const FASTIFYS_HOOKS = /[\\/]node_modules[\\/]fastify[\\/]lib[\\/]hooks\.js /;

function sendDefault(decision: Deny, reply: FastifyReply): void {
  // what was written before the decision arrived may have been an answer to Fastify
  if (reply.raw.headersSent) return;
  void reply.code(decision.status).headers(problemHeaders(decision)).serializer(String).send(JSON.stringify(decision.body));
}

/**
 * Returns what a guard with a `done` gives its caller by hand. Fastify, and plugins like it, ask a result for its `then` at once, and would go on twice.
 * `await` asks a microtask later, and waits for the admission.
 */
function pendingAtFirst(settled: Promise<void>): PromiseLike<void> {
  let shown: Promise<void> = never();
  queueMicrotask(() => {
    shown = settled;
  });
  // eslint-disable-next-line unicorn/no-thenable -- it is one
  return { then: (...given) => shown.then(...given) };
}

/** Fastify binds hooks to their app. */
function isApp(value: unknown): boolean {
  return typeof (Object(value) as { decorateRequest?: unknown }).decorateRequest === 'function';
}

/** A preflight may pass where there is no route, or one for OPTIONS alone. A route that takes other methods, too, would run its handler for it. */
function answersPreflights(request: FastifyRequest): boolean {
  if (request.method !== 'OPTIONS') return false;
  const { url, method } = request.routeOptions;
  return url === undefined || method === 'OPTIONS';
}

function notAwaited(): ConfigurationError {
  return misuse('app.guard(...)', 'was called, and nobody waited for it: write await app.guard(...)(request, reply), or give it to a route as onRequest');
}

/** @throws ConfigurationError if a guard is called without a request and its reply */
function assertCalled(request: unknown, reply: unknown): void {
  const { raw } = Object(request) as Partial<FastifyRequest>;
  const { send, raw: response } = Object(reply) as Partial<FastifyReply>;
  if (typeof raw === 'object' && typeof send === 'function' && typeof response === 'object') return;
  throw misuse('app.guard(...)', 'is a hook, and was called without a request and its reply: write await app.guard(...)(request, reply)');
}
