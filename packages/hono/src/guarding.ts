import type { Context, MiddlewareHandler, Next } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Decision, Deny, ResponseHeaders } from '@tokenward/core';
import { isAnswered, markGuard, misuse, type NativeGuard, type RequirementsFor } from '@tokenward/core/adapter';
import { addHeaders, answerTo, isEmpty, metadataResponse } from '@tokenward/fetch/adapter';
import { addTo, replaceResponse } from './context-response.js';
import { holdAnswer } from './held-answer.js';
import { matchedRoute } from './matched-route.js';
import { nodeOf } from './node-env.js';
import { isContext } from './view.js';

/** A guard in Hono's form. Without `next` it returns a promise that is fulfilled once the request is admitted. */
export type Guarding = (context: Context, next?: Next) => Promise<void>;

type Native = NativeGuard<Context, [context: Context]>;

/**
 * Creates guards for Hono, which goes on only if a guard calls its `next`. Other code may call a guard by hand and go on without a look at what it returns. So
 * a refusal is then thrown: nothing after the `await` runs, and Hono answers with the response of the error. On Node, the answer of code that does not wait is
 * held back.
 */
export function guardWith(native: Native, requirementsFor: RequirementsFor<Context>, preflight: 'pass' | 'refuse'): Guarding {
  const guard: Guarding = (context, following) => {
    assertContext(context, 'guard(...)', 'is middleware, and was called without a context. Write await guard(...)(c)');
    const next = typeof following === 'function' ? following : undefined;
    const metadata = native.metadataFor(context);
    if (metadata) return quietly(answer(context, metadataResponse(metadata)));
    const decision = native.decide(context, requirementsFor(context, preflight));
    if (decision instanceof Promise) return held(quietly(settleLate(decision, context, next)), decision, context, next);
    return decision.outcome === 'allow' ? admit(decision, context, next) : held(quietly(refuse(decision, context)), decision, context, next);
  };
  return markGuard(guard, requirementsFor);

  async function settleLate(pending: Promise<Decision>, context: Context, next: Next | undefined): Promise<void> {
    // the server aborts only a signal that was read while the client was there
    const { signal } = context.req.raw as Partial<Request>;
    const decision = await pending;
    if (decision.outcome === 'deny') return refuse(decision, context);
    const { outgoing } = nodeOf(context);
    if (signal?.aborted || (outgoing && isAnswered(outgoing))) return answer(context, goneResponse());
    return admit(decision, context, next);
  }

  async function refuse(decision: Deny, context: Context): Promise<void> {
    return answer(context, await answerTo(native, decision, context));
  }

  async function answer(context: Context, response: Response): Promise<void> {
    if (isCalledByHono(guard, context)) replaceResponse(context, response);
    else throw new HTTPException(response.status as never, { res: response, message: 'The guard has answered the request' });
  }
}

/** Returns the answer of a guard to a refusal of `check` or `permit`, for a handler to return. */
export function refusalOf(native: Native, decision: Deny, context: Context): Response | Promise<Response> {
  assertContext(context, 'guard.refuse(decision, c)', 'needs the context. Write return guard.refuse(decision, c)');
  return answerTo(native, decision, context);
}

/** Holds back the answer of a caller by hand, which has no `next` that the guard could leave uncalled. */
function held(result: Promise<void>, decision: Decision | Promise<Decision>, context: Context, next: Next | undefined): Promise<void> {
  const { outgoing } = nodeOf(context);
  return next || !outgoing || isAnswered(outgoing) ? result : holdAnswer(result, decision, outgoing);
}

/** A caller that does not wait for the guard must not end the process. */
function quietly<R>(promise: Promise<R>): Promise<R> {
  promise.catch(() => {});
  return promise;
}

function admit({ headers }: Decision, context: Context, next: Next | undefined): Promise<void> {
  if (isEmpty(headers)) return next ? next() : ADMITTED;
  return admitWith(headers, context, next);
}

const ADMITTED = Promise.resolve();

async function admitWith(headers: ResponseHeaders, context: Context, next: Next | undefined): Promise<void> {
  await next?.();
  addTo(context, (fields) => addHeaders(fields, headers));
}

/** Whether Hono itself runs the guard: then it is the handler of the current route. An app with an `onError` of its own wraps its handlers. */
function isCalledByHono(guard: Guarding, context: Context): boolean {
  let handler = matchedRoute(context)?.handler as Wrapped | undefined;
  for (let depth = 0; handler && depth < MAX_DEPTH; depth++) {
    if (handler === guard) return true;
    handler = handler.__COMPOSED_HANDLER;
  }
  return false;
}

type Wrapped = MiddlewareHandler & { readonly __COMPOSED_HANDLER?: Wrapped };

/** Apps in apps. */
const MAX_DEPTH = 32;

/** The client is gone, so nobody reads it. The status is that of nginx: the standards have none. */
function goneResponse(): Response {
  return new Response(null, { status: 499 });
}

function assertContext(context: unknown, path: string, message: string): asserts context is Context {
  if (!isContext(context)) throw misuse(path, message);
}
