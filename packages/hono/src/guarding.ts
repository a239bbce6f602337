import type { ServerResponse } from 'node:http';
import type { Context, MiddlewareHandler, Next } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { Decision, Deny, ResponseHeaders } from '@tokenward/core';
import {
  holdAnswer,
  isAnswered,
  keepOutOfCaches,
  markGuard,
  misuse,
  SET_COOKIE,
  withoutCookies,
  type NativeGuard,
  type RequirementsFor,
} from '@tokenward/core/adapter';
import { addHeaders, answerTo, isEmpty, metadataResponse } from '@tokenward/fetch/adapter';
import { addTo, replaceResponse } from './context-response.js';
import { matchedRoute } from './matched-route.js';
import { nodeOf } from './node-env.js';
import { sendResponse } from './node-response.js';
import { isContext } from './view.js';

/** A guard in Hono's form. Without `next` it returns a promise that is fulfilled once the request is admitted. */
export type Guarding = (context: Context, next?: Next) => Promise<void>;

type Native = NativeGuard<Context, [context: Context]>;

/**
 * Creates guards for Hono, which goes on only if a guard calls its `next`. The app's own code may call a guard, too, and ignore what it returns. So
 * a refusal is then thrown: nothing after the `await` runs, and Hono answers with the response of the error. On Node, the answer of code that does not wait is
 * held back.
 */
export function guardWith(native: Native, requirementsFor: RequirementsFor<Context>, preflight: 'pass' | 'refuse'): Guarding {
  const guard: Guarding = (context, following) => {
    assertContext(context, 'guard(...)', 'is middleware, and was called without a context. Write await guard(...)(c)');
    const next = typeof following === 'function' ? following : undefined;
    const metadata = native.metadataFor(context);
    if (metadata) return held(answer(context, metadataResponse(metadata), next), context, next);
    const decision = native.decide(context, requirementsFor(context, preflight));
    if (decision instanceof Promise) {
      const { promise: admitted, resolve } = Promise.withResolvers<boolean>();
      return held(
        settleLate(decision, context, next, () => resolve(true)),
        context,
        next,
        admitted,
      );
    }
    return decision.outcome === 'allow' ? admit(decision, context, next) : held(refuse(decision, context, next), context, next);
  };
  return markGuard(guard, requirementsFor);

  /** On Node, holds back the answer of the app's own code that called the guard and does not wait. The refusal must not end the process either. */
  function held(result: Promise<void>, context: Context, next: Next | undefined, admitted = REFUSED): Promise<void> {
    const error = result.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    const { outgoing } = nodeOf(context);
    if (!outgoing || isAnswered(outgoing) || isCalledByHono(guard, context, next)) return result;
    return holdAnswer({ result, admitted, refuse: async (pass) => sendError(await error, pass) }, outgoing);
  }

  async function settleLate(pending: Promise<Decision>, context: Context, next: Next | undefined, admitted: () => void): Promise<void> {
    // the server aborts only a signal that was read while the client was there
    const { signal } = context.req.raw as Partial<Request>;
    const decision = await pending;
    if (decision.outcome === 'deny') return refuse(decision, context, next);
    const { outgoing } = nodeOf(context);
    if (signal?.aborted || (outgoing && isAnswered(outgoing))) return answer(context, goneResponse(), next);
    admitted();
    return admit(decision, context, next);
  }

  async function refuse(decision: Deny, context: Context, next: Next | undefined): Promise<void> {
    return answer(context, await askedAnswer(native, decision, context), next);
  }

  async function answer(context: Context, response: Response, next: Next | undefined): Promise<void> {
    if (isCalledByHono(guard, context, next)) replaceResponse(context, response);
    else throw new HTTPException(response.status as never, { res: response, message: 'The guard has answered the request' });
  }
}

/** Returns the answer of a guard to a refusal of `check` or `permit`, for a handler to return. */
export function refusalOf(native: Native, decision: Deny, context: Context): Response | Promise<Response> {
  assertContext(context, 'guard.refuse(decision, c)', 'needs the context. Write return guard.refuse(decision, c)');
  return askedAnswer(native, decision, context);
}

/**
 * Returns the answer to a refusal. `onDenied` does not see the cookies of a session: `c.json(body, status, headers)` would replace those of the app with them. If
 * it throws, the answer of Hono's error handler gets them.
 */
function askedAnswer({ refused, onDenied }: Native, decision: Deny, context: Context): Response | Promise<Response> {
  const asked = onDenied && ((denied: Deny, native: Context) => onDenied(withoutCookies(denied), native));
  const response = answerTo({ refused, onDenied: asked }, decision, context);
  if (!(response instanceof Promise)) return response;
  return response.catch((error: unknown) => {
    const cookies = error instanceof Response ? error.headers.getSetCookie() : (decision.headers[SET_COOKIE] ?? []);
    // Hono replaces the cookies of an answer with those of the context
    if (cookies.length > 0) addTo(context, (fields) => addHeaders(fields, { [SET_COOKIE]: cookies }));
    // Hono knows no other way to throw a response
    throw error instanceof Response ? new HTTPException(error.status as ConstructorParameters<typeof HTTPException>[0], { res: error }) : error;
  });
}

/** Answers with the response of an error, if the guard has answered the request. */
async function sendError(error: unknown, outgoing: ServerResponse): Promise<void> {
  if (error instanceof HTTPException) return sendResponse(outgoing, error.getResponse());
  outgoing.statusCode = 500;
  outgoing.end();
  return undefined;
}

function admit({ headers }: Decision, context: Context, next: Next | undefined): Promise<void> {
  if (isEmpty(headers)) return next ? next() : ADMITTED;
  return admitWith(headers, context, next);
}

const ADMITTED = Promise.resolve();
const REFUSED = Promise.resolve(false);

async function admitWith(headers: ResponseHeaders, context: Context, next: Next | undefined): Promise<void> {
  await next?.();
  addTo(context, (fields) => addHeaders(fields, headers));
  const { outgoing } = nodeOf(context);
  // a handler that sets `Cache-Control` afterwards would replace what was set before
  if (!next && outgoing && Object.hasOwn(headers, SET_COOKIE)) keepOutOfCaches(outgoing);
}

/** Whether Hono itself runs the guard: then it is the handler of the current route, and has a `next`. An app with an `onError` of its own wraps its handlers. */
function isCalledByHono(guard: Guarding, context: Context, next: Next | undefined): boolean {
  if (next === undefined) return false;
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
