import type { Context, Middleware, Next } from 'koa';
import type { Decision, Deny } from '@tokenward/core';
import {
  answerAlone,
  answerRefusal,
  closeGate,
  markGuard,
  misuse,
  problemHeaders,
  runnerOf,
  settle,
  type RequirementsFor,
  type Framework,
  type NativeGuard,
  type ResponseGate,
  type Runner,
  type MetadataAnswer,
  removeCacheFields,
} from '@tokenward/core/adapter';
import { answerByKoa, Refused } from './by-hand.js';
import { isMounted } from './mounted.js';
import { createCaseWarning } from './router-case.js';
import { answerMetadata, setCookies, setHeaders } from './set-headers.js';

export interface CreateGuarding {
  (requirementsFor: RequirementsFor<Context>): Middleware;
  /** Answers a refusal while others might answer too: what they write is dropped. */
  refuse(decision: Deny, context: Context): Promise<void>;
}

/**
 * Creates guards for Koa, which calls a guard with its own `next`, and sends the answer when all upstream middleware is done. The app's own code
 * may call a guard, too, not wait, and go on despite a refusal. So the refusal is then sent at once, and no other answer is.
 */
export function createGuarding(native: NativeGuard<Context, [context: Context]>): CreateGuarding {
  async function answer(decision: Deny, context: Context): Promise<void> {
    context.status = decision.status;
    setCookies(context, decision.headers);
    await answerRefusal(native, decision, [context], (unanswered) => setDefault(unanswered, context));
  }

  function answerByHand(context: Context, gate: ResponseGate, make: (own: Context) => Promise<void>): Promise<void> {
    return answerAlone(gate, (pass) => answerByKoa(context, pass, make));
  }

  function guardWith(requirementsFor: RequirementsFor<Context>): Middleware {
    const warnOfSkippedCase = createCaseWarning();
    return markGuard(guard, requirementsFor);

    function guard(context: Context, following?: Next): Promise<unknown> {
      assertCalled(context);
      const next = typeof following === 'function' ? following : undefined;
      const metadata = native.metadataFor(context);
      if (metadata) return serve(metadata, context, next ? runnerFor(context) : 'caller');
      warnOfSkippedCase(context['router'], guard);
      // a route that takes OPTIONS, such as one of router.all, would run its handler for a preflight; @koa/router shows a route by this member
      const passes = context.method === 'OPTIONS' && context['_matchedRoute'] === undefined && runnerFor(context) === 'framework';
      const decision = native.decide(context, requirementsFor(context, passes ? 'pass' : 'refuse'));
      if (!(decision instanceof Promise) && decision.outcome === 'allow') return admit(decision, context, next);
      const runner = next ? runnerFor(context) : 'caller';
      const settled = runner === 'framework' ? settleForKoa(decision, context, next) : settleByHand(decision, context, next, runner);
      // a caller that does not wait for the guard must not end the process
      settled.catch(() => {});
      return settled;
    }

    /** The app's own code may also call a mounted guard, and only the call stack shows who does. Reading it is slow, so it is read only where that matters. */
    function runnerFor(context: Context): Runner {
      const runner = runnerOf(guard, KOA);
      return runner === 'framework' && !isMounted(guard, context) ? 'caller' : runner;
    }
  }

  return Object.assign(guardWith, {
    refuse(decision: Deny, context: Context) {
      assertCalled(context, 'guard.refuse(decision, ...)', 'needs the context. Write await guard.refuse(decision, ctx)');
      const answered = answerByHand(context, closeGate(context.res), (own) => answer(decision, own));
      answered.catch(() => {});
      return answered;
    },
  });

  /** The guard itself answers: whatever is behind it must not run without credentials. */
  function serve(metadata: MetadataAnswer, context: Context, runner: Runner): Promise<void> {
    if (runner === 'framework') return answerMetadata(context, metadata);
    const answered = answerByHand(context, closeGate(context.res), (own) => answerMetadata(own, metadata)).then(() => {
      throw new Refused(metadata.status, 'The guard answered with the metadata of the API', context);
    });
    answered.catch(() => {});
    return answered;
  }

  function admit(decision: Decision, context: Context, next: Next | undefined): Promise<unknown> {
    setHeaders(context, decision.headers);
    return next ? next() : ADMITTED;
  }

  async function settleForKoa(decision: Decision | Promise<Decision>, context: Context, next: Next | undefined): Promise<unknown> {
    return settle<unknown>(decision, {
      response: context.res,
      admit: (allowed) => admit(allowed, context, next),
      refuse: (denied) => answer(denied, context),
      overtaken: () => undefined,
    });
  }

  async function settleByHand(decision: Decision | Promise<Decision>, context: Context, next: Next | undefined, runner: Runner): Promise<unknown> {
    const gate = closeGate(context.res);
    const outcomes = {
      response: context.res,
      admit: (allowed: Decision) => admit(allowed, context, next),
      async refuse(denied: Deny): Promise<void> {
        await answerByHand(context, gate, (own) => answer(denied, own));
        // upstream middleware of Koa goes on; code that has another next, or runs a chain itself, must stop
        if (runner === 'chain' || next === undefined || !isKoaNext(next)) throw new Refused(denied.status, denied.body.title, context);
      },
      async fail(error: Error): Promise<never> {
        // the caller may not answer the error, and an open gate would let other code answer
        await answerByHand(context, gate, async () => {
          throw error;
        });
        throw new Refused(500, 'Internal Server Error', context);
      },
      overtaken: () => undefined,
    };
    return settle<unknown>(decision, outcomes, gate);
  }
}

/** The files that run middleware: Koa, its routers, and koa-mount, which mounts an app in another one. */
const KOA: Framework = {
  runner: /[\\/]node_modules[\\/]koa-compose[\\/]\S* dispatch$/,
  own: /[\\/]node_modules[\\/](?:koa|koa-compose|koa-mount|koa-router|@koa[\\/]router)[\\/]/,
  starter: /^(?!.*[\\/]koa-compose[\\/]\S* dispatch$)/,
  app: /[\\/]node_modules[\\/]koa[\\/]lib[\\/]application\.js /,
  waits: true,
};

const ADMITTED = Promise.resolve();

function setDefault(decision: Deny, context: Context): void {
  context.status = decision.status;
  removeCacheFields(context.res);
  setHeaders(context, problemHeaders(decision));
  context.body = JSON.stringify(decision.body);
}

/** Returns whether koa-compose created this `next`: it is a bound `dispatch`. */
function isKoaNext(next: Next): boolean {
  return next.name === 'bound dispatch';
}

/** @throws ConfigurationError if a guard is called without a context */
function assertCalled(
  context: unknown,
  path = 'guard(...)',
  message = 'is middleware, and was called without a context. Write await guard(...)(ctx)',
): asserts context is Context {
  const { req, res, response } = Object(context) as Partial<Context>;
  if (isObject(req) && isObject(res) && isObject(response)) return;
  throw misuse(path, message);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
