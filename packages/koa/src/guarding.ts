import type { Context, Middleware, Next } from 'koa';
import type { Decision, Deny } from '@tokenward/core';
import {
  answerOf,
  asError,
  closeGate,
  isAnswered,
  markGuard,
  misuse,
  problemHeaders,
  runnerOf,
  type AccessFor,
  type Framework,
  type NativeGuard,
  type ResponseGate,
  type Runner,
} from '@tokenward/core/adapter';
import { answerByHand, Refused } from './by-hand.js';
import { isMounted } from './mounted.js';
import { createCaseWarning } from './router-case.js';

export interface CreateGuarding {
  (accessFor: AccessFor<Context>): Middleware;
  /** Answers a refusal where others might answer, too: what they write is forgotten. */
  refuse(decision: Deny, context: Context): Promise<void>;
}

/**
 * Koa calls a guard with a `next` of its own, and sends what the context says once everything upstream is done. Whoever calls one by hand may wait for
 * it or not, and may go on whatever it says: then the refusal is sent at once, and nothing else is.
 */
export function createGuarding({ decide, refused, onDenied }: NativeGuard<Context, [context: Context]>): CreateGuarding {
  function answer(decision: Deny, context: Context): Promise<void> {
    refused(decision, context);
    context.status = decision.status;
    if (onDenied) return answerBy(onDenied, decision, context);
    setDefault(decision, context);
    return DONE;
  }

  function guardWith(accessFor: AccessFor<Context>): Middleware {
    const warnOfSkippedCase = createCaseWarning();
    return markGuard(guard);

    function guard(context: Context, given?: Next): Promise<unknown> {
      assertCalled(context);
      const next = typeof given === 'function' ? given : undefined;
      warnOfSkippedCase(context['router'], guard);
      // a route that takes OPTIONS, such as one of router.all, would run its handler for a preflight; @koa/router tells of a route by this member
      const passes = context.method === 'OPTIONS' && context['_matchedRoute'] === undefined && runnerFor(context) === 'framework';
      const decision = decide(context, accessFor(context, passes ? 'pass' : 'refuse'));
      if (!(decision instanceof Promise) && decision.outcome === 'allow') return admitted(decision, context, next);
      const runner = next ? runnerFor(context) : 'caller';
      if (runner === 'framework') {
        if (!(decision instanceof Promise)) return handled(answer(decision, context));
        return handled(settleLater(decision, context, next));
      }
      const gate = closeGate(context.res);
      const goesOn = runner === 'caller' && next !== undefined && isKoas(next);
      if (!(decision instanceof Promise)) return handled(refuseByHand(decision, context, gate, goesOn));
      return handled(settleByHand(decision, context, next, gate, goesOn));
    }

    /** One that is mounted may be called by hand elsewhere: only the stack tells who calls now, and it is asked where that matters. */
    function runnerFor(context: Context): Runner {
      const runner = runnerOf(guard, KOA);
      return runner === 'framework' && !isMounted(guard, context) ? 'caller' : runner;
    }

    function admitted(decision: Decision, context: Context, next: Next | undefined): Promise<unknown> {
      setHeaders(context, decision.headers);
      return next ? next() : DONE;
    }

    async function settleLater(decision: Promise<Decision>, context: Context, next: Next | undefined): Promise<unknown> {
      const found = await decision;
      if (isAnswered(context.res)) return undefined;
      return found.outcome === 'allow' ? admitted(found, context, next) : answer(found, context);
    }

    async function settleByHand(decision: Promise<Decision>, context: Context, next: Next | undefined, gate: ResponseGate, goesOn: boolean): Promise<unknown> {
      let found: Decision;
      try {
        found = await decision;
      } catch (error) {
        // nobody waits who would surely answer, and an open gate would let whoever goes on answer instead
        await answerByHand(context, gate, () => Promise.reject(asError(error)));
        throw new Refused(500, 'Internal Server Error', context);
      }
      if (isAnswered(context.res)) return new Promise(() => {});
      if (found.outcome === 'deny') return refuseByHand(found, context, gate, goesOn);
      // whoever did not wait has answered already, and their answer goes out now
      return gate.open() ? undefined : admitted(found, context, next);
    }
  }

  /** What stands upstream goes on, as it does behind every `next`; whoever gave a `next` of their own, or runs a chain of their own, does not. */
  async function refuseByHand(decision: Deny, context: Context, gate: ResponseGate, goesOn: boolean): Promise<void> {
    await answerByHand(context, gate, (own) => answer(decision, own));
    if (!goesOn) throw new Refused(decision.status, decision.body.title, context);
  }

  return Object.assign(guardWith, {
    refuse(decision: Deny, context: Context) {
      assertCalled(context, 'guard.refuse(decision, ...)', 'needs the context: write await guard.refuse(decision, ctx)');
      return handled(answerByHand(context, closeGate(context.res), (own) => answer(decision, own)));
    },
  });
}

/** The runner of middleware, and all that runs it: Koa, its routers, and what mounts an app in another one. */
const KOA: Framework = {
  runner: /[\\/]node_modules[\\/]koa-compose[\\/]\S* dispatch$/,
  own: /[\\/]node_modules[\\/](?:koa|koa-compose|koa-mount|koa-router|@koa[\\/]router)[\\/]/,
  starter: /^(?!.*[\\/]koa-compose[\\/]\S* dispatch$)/,
  app: /[\\/]node_modules[\\/]koa[\\/]lib[\\/]application\.js /,
  waits: true,
};

const DONE = Promise.resolve();

/** Whoever does not wait for a guard can't be told. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Koa answers nothing to an error that is none. */
async function answerBy(onDenied: (decision: Deny, context: Context) => unknown, decision: Deny, context: Context): Promise<void> {
  const left = await answerOf(onDenied, decision, context);
  if (left) setDefault(left, context);
}

function setDefault(decision: Deny, context: Context): void {
  context.status = decision.status;
  setHeaders(context, problemHeaders(decision));
  context.body = JSON.stringify(decision.body);
}

export function setHeaders(context: Context, headers: Decision['headers']): void {
  for (const name in headers) context.set(name, headers[name]!);
}

/** The `next` that Koa's own middleware runner makes (koa-compose): a bound function. One that was written by hand is none. */
function isKoas(next: Next): boolean {
  return next.name === 'bound dispatch';
}

/** @throws ConfigurationError where a guard is called with something else than a context */
function assertCalled(
  context: unknown,
  path = 'guard(...)',
  message = 'is middleware, and was called without a context: write await guard(...)(ctx)',
): asserts context is Context {
  const { req, res, response } = Object(context) as Partial<Context>;
  if (isObject(req) && isObject(res) && isObject(response)) return;
  throw misuse(path, message);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
