import {
  misuse,
  asError,
  closeGate,
  isAnswered,
  isCalledBy,
  isDenial,
  markGuard,
  problemHeaders,
  type AccessFor,
  type NativeGuard,
  type ResponseGate,
} from '@tokenward/core/adapter';
import type { Context, Middleware, Next } from 'koa';
import { type Decision, type Deny } from '@tokenward/core';
import { answerByHand, Refused } from './by-hand.js';
import { isMounted } from './mounted.js';
import { createCaseWarning } from './router-case.js';

export interface CreateGuarding {
  (accessFor: AccessFor<Context>): Middleware;
  /** Answers a refusal on a context. */
  answer(decision: Deny, context: Context): Promise<void>;
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
      const passes = context.method === 'OPTIONS' && context['_matchedRoute'] === undefined && isMounted(guard, context) && isCalledBy(KOAS_OWN);
      const decision = decide(context, accessFor(context, passes ? 'pass' : 'refuse'));
      if (!(decision instanceof Promise) && decision.outcome === 'allow') return admitted(decision, context, next);
      // one that is mounted may be called by hand elsewhere: only the stack tells who calls now, and it is asked where that matters
      const isKoas = next !== undefined && isMounted(guard, context) && isCalledBy(KOAS_OWN);
      if (!(decision instanceof Promise)) return settle(decision, context, next, isKoas ? undefined : closeGate(context.res));
      return handled(settleLater(decision, context, next, isKoas ? undefined : closeGate(context.res)));
    }

    function admitted(decision: Decision, context: Context, next: Next | undefined): Promise<unknown> {
      setHeaders(context, decision.headers);
      return next ? next() : DONE;
    }

    async function settleLater(decision: Promise<Decision>, context: Context, next: Next | undefined, gate: ResponseGate | undefined): Promise<unknown> {
      const found = await decision.catch((error: unknown) => {
        gate?.open();
        throw error;
      });
      if (isAnswered(context.res)) return next && !gate ? undefined : new Promise(() => {});
      if (found.outcome === 'deny') return settle(found, context, next, gate);
      // whoever did not wait has answered already, and their answer goes out now
      return gate?.open() ? undefined : settle(found, context, next, gate);
    }

    /** Without a gate it was Koa that called. */
    function settle(decision: Decision, context: Context, next: Next | undefined, gate: ResponseGate | undefined): Promise<unknown> {
      if (decision.outcome === 'allow') return admitted(decision, context, next);
      return handled(gate ? refuseByHand(decision, context, gate, next !== undefined && isKoas(next)) : answer(decision, context));
    }
  }

  /** What stands upstream goes on, as it does behind every `next`; whoever gave a `next` of their own does not. */
  async function refuseByHand(decision: Deny, context: Context, gate: ResponseGate, goesOn: boolean): Promise<void> {
    gate.clear();
    await answerByHand(context, gate, (own) => answer(decision, own));
    if (!goesOn) throw new Refused(decision, context);
  }

  return Object.assign(guardWith, { answer });
}

/** The runner of middleware, Koa's own and that of @koa/router. */
const KOAS_OWN = /node_modules[\\/]koa-compose[\\/]/;
const DONE = Promise.resolve();

/** Whoever does not wait for a guard can't be told. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Koa answers nothing to an error that is none. */
async function answerBy(onDenied: (decision: Deny, context: Context) => unknown, decision: Deny, context: Context): Promise<void> {
  let given: unknown;
  try {
    given = await onDenied(decision, context);
  } catch (thrown) {
    throw asError(thrown);
  }
  if (isDenial(given)) setDefault(given, context);
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
function assertCalled(context: unknown): void {
  const { req, res, response } = Object(context) as Partial<Context>;
  if (typeof req === 'object' && typeof res === 'object' && typeof response === 'object') return;
  throw misuse('guard(...)', 'is middleware, and was called without a context: write await guard(...)(ctx)');
}
