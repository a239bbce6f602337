import {
  answerAlone,
  answerRefusal,
  asError,
  isCalledBy,
  logRefusal,
  guardDemandsOf,
  markGuard,
  misuse,
  never,
  problemHeaders,
  settle,
  settleForCallback,
  type RequirementsFor,
  type NativeGuard,
  withBoundDemands,
  removeCacheFields,
} from '@tokenward/core/adapter';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Auth, ConfigurationError, Decision, Deny } from '@tokenward/core';
import { closeReply, type ClosedReply } from './closed-reply.js';
import { getsMetadata } from './metadata-route.js';
import { setCookies, setHeaders } from './reply-headers.js';

export type Done = (error?: Error) => void;

/** A guard in Fastify's form. Code of the app that calls it must await what it returns. */
export type Guarding = (this: unknown, request: FastifyRequest, reply: FastifyReply, done?: Done) => PromiseLike<void> | undefined;

export interface CreateGuarding {
  (requirementsFor: RequirementsFor<FastifyRequest>): Guarding;
  /** Guards a request from within a hook of Fastify, as a guard that is itself a hook does. */
  runAsHook(requirementsFor: RequirementsFor<FastifyRequest>, request: FastifyRequest, reply: FastifyReply, done: Done): void;
  /** Answers a refusal while others might answer too: what they write is dropped. */
  refuse(decision: Deny, request: FastifyRequest, reply: FastifyReply): Promise<void>;
}

const ADMITTED = Promise.resolve();

/**
 * Creates guards for Fastify, which calls a hook from its `hooks.js`, on the app, and goes on only when the hook calls `done`. The app's own code
 * may call a guard, too, not wait, and go on despite a refusal. So the reply is then closed until the decision arrives, and stays closed after a refusal: no other code can
 * answer, and Fastify goes no further.
 *
 * @param remember stores the `Auth` of an admitted request
 */
export function createGuarding(
  native: NativeGuard<FastifyRequest, [request: FastifyRequest, reply: FastifyReply]>,
  remember: (request: FastifyRequest, auth: Auth | undefined) => void,
): CreateGuarding {
  async function answer(decision: Deny, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    logRefusal(request.log, decision);
    setCookies(reply, decision.headers);
    await answerRefusal(native, decision, [request, reply], (unanswered) => sendDefault(unanswered, reply));
  }

  async function answerByHand(decision: Deny, request: FastifyRequest, { gate, own }: ClosedReply): Promise<void> {
    await answerAlone(gate, () => answer(decision, request, own).catch((error: unknown) => void own.send(asError(error))));
  }

  function admit(decision: Decision & { outcome: 'allow' }, request: FastifyRequest, reply: FastifyReply, done: Done | undefined): void {
    setHeaders(reply, decision.headers);
    remember(request, decision.auth);
    done?.();
  }

  function settleHook(decision: Decision | Promise<Decision>, request: FastifyRequest, reply: FastifyReply, done: Done): undefined {
    const outcomes = {
      response: reply.raw,
      admit: (allowed: Decision & { outcome: 'allow' }) => admit(allowed, request, reply, done),
      refuse: (denied: Deny) => answer(denied, request, reply),
    };
    return settleForCallback(decision, outcomes, done);
  }

  /** If the request is refused, the promise never settles, so nothing after an `await` runs, not even a `catch`. */
  function settleByHand(decision: Decision | Promise<Decision>, request: FastifyRequest, reply: FastifyReply, done: Done | undefined): PromiseLike<void> {
    const closed = closeReply(reply);
    const outcomes = {
      response: reply.raw,
      async admit(allowed: Decision & { outcome: 'allow' }): Promise<void> {
        if (!closed.isSeen()) return admit(allowed, request, reply, done);
        // Fastify treated the closed reply as answered, and will not check again
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

  function runAsHook(requirementsFor: RequirementsFor<FastifyRequest>, request: FastifyRequest, reply: FastifyReply, done: Done): undefined {
    return settleHook(native.decide(request, requirementsFor(request, answersPreflights(request) ? 'pass' : 'refuse')), request, reply, done);
  }

  function guardWith(requirementsFor: RequirementsFor<FastifyRequest>): Guarding {
    function guard(this: unknown, request: FastifyRequest, reply: FastifyReply, callback?: Done): PromiseLike<void> | undefined {
      assertCalled(request, reply);
      const done = typeof callback === 'function' ? callback : undefined;
      if (getsMetadata(request)) {
        done?.();
        return done ? undefined : ADMITTED;
      }
      // a handler can call a guard on the app, too, and only the call stack shows it. Reading it is slow, so it is read only where that matters
      const mayBeHook = done !== undefined && isApp(this);
      if (mayBeHook && request.method === 'OPTIONS' && isCalledBy(guard, FASTIFYS_HOOKS)) return runAsHook(requirementsFor, request, reply, done);
      const decision = native.decide(request, requirementsFor(request, 'refuse'));
      if (!(decision instanceof Promise) && decision.outcome === 'allow') {
        admit(decision, request, reply, done);
        return done ? undefined : ADMITTED;
      }
      if (mayBeHook && isCalledBy(guard, FASTIFYS_HOOKS)) return settleHook(decision, request, reply, done);
      return settleByHand(decision, request, reply, done);
    }

    const demands = guardDemandsOf(requirementsFor);
    return markGuard(demands ? withBoundDemands(guard, demands) : guard);
  }

  return Object.assign(guardWith, {
    runAsHook,
    refuse: (decision: Deny, request: FastifyRequest, reply: FastifyReply) => answerByHand(decision, request, closeReply(reply)),
  });
}

const FASTIFYS_HOOKS = /[\\/]node_modules[\\/]fastify[\\/]lib[\\/]hooks\.js /;

function sendDefault(decision: Deny, reply: FastifyReply): void {
  // Fastify's own answer may have been sent before the decision arrived
  if (reply.raw.headersSent) return;
  removeCacheFields(reply);
  setHeaders(reply, problemHeaders(decision));
  void reply.code(decision.status).serializer(String).send(JSON.stringify(decision.body));
}

/**
 * Returns a promise-like value for a call of the app's own code with a `done`. Fastify, and plugins like it, call `then` at once: they would go on twice, by
 * `done` and by the promise, so this `then` never settles. `await` calls `then` a microtask later, and gets the result.
 */
function pendingAtFirst(settled: Promise<void>): PromiseLike<void> {
  let current: Promise<void> = never();
  queueMicrotask(() => {
    current = settled;
  });
  // eslint-disable-next-line unicorn/no-thenable -- it must be awaitable
  return { then: (...callbacks) => current.then(...callbacks) };
}

/** Returns whether `this` is an app: Fastify binds each hook to its app. */
function isApp(value: unknown): boolean {
  return typeof (Object(value) as { decorateRequest?: unknown }).decorateRequest === 'function';
}

/** A preflight may pass if there is no route, or a route for OPTIONS alone. A route that also takes other methods would run its handler for the preflight. */
function answersPreflights(request: FastifyRequest): boolean {
  if (request.method !== 'OPTIONS') return false;
  const { url, method } = request.routeOptions;
  return url === undefined || method === 'OPTIONS';
}

function notAwaited(): ConfigurationError {
  return misuse('app.guard(...)', 'was called but not awaited. Write await app.guard(...)(request, reply), or set it as the onRequest hook of a route');
}

/** @throws ConfigurationError if a guard is called without a request and its reply */
function assertCalled(request: unknown, reply: unknown): void {
  const { raw } = Object(request) as Partial<FastifyRequest>;
  const { send, raw: response } = Object(reply) as Partial<FastifyReply>;
  if (typeof raw === 'object' && typeof send === 'function' && typeof response === 'object') return;
  throw misuse('app.guard(...)', 'is a hook, and was called without a request and its reply. Write await app.guard(...)(request, reply)');
}
