import type { Context } from 'koa';
import type { ResponseHeaders } from '@tokenward/core';
import { addCookies, SET_COOKIE, type MetadataAnswer } from '@tokenward/core/adapter';

/** Sets a decision's headers on the response. `Set-Cookie` is added to what is there. */
export function setHeaders(context: Context, headers: ResponseHeaders): void {
  for (const name in headers) {
    if (name === SET_COOKIE) setCookies(context, headers);
    else if (Object.hasOwn(headers, name)) context.set(name, headers[name]!);
  }
}

/** Answers with the metadata of the API. */
export async function answerMetadata(context: Context, { status, headers, body }: MetadataAnswer): Promise<void> {
  context.status = status;
  context.body = body;
  setHeaders(context, headers);
}

/** Adds the `Set-Cookie` lines of a decision to the response, and to that of an error if the request ends with one. */
export function setCookies(context: Context, headers: ResponseHeaders): void {
  if (!Object.hasOwn(headers, SET_COOKIE)) return;
  addCookies(context.res, headers);
  keepOnError(context, headers);
}

/**
 * Koa removes all headers before it answers an error, `ctx.throw(404)` included. The cookie may contain the only copy of a new refresh token, so it is added
 * again right before Koa sends that answer.
 */
function keepOnError(context: Context, headers: ResponseHeaders): void {
  const { onerror } = context;

  function onError(this: Context, error: Error | null): void {
    const { res } = context;
    // a context that replaces this one has a response of its own
    if (this !== context || error === null || error === undefined || res.headersSent) return onerror.call(this, error as Error);
    const before = Object.getOwnPropertyDescriptor(res, 'end');
    function restore(): void {
      if (before) Object.defineProperty(res, 'end', before);
      else Reflect.deleteProperty(res, 'end');
    }

    function end(...given: Parameters<typeof res.end>): typeof res {
      restore();
      addCookies(res, headers);
      return res.end(...given);
    }

    Object.defineProperty(res, 'end', { value: end, configurable: true, writable: true });
    try {
      onerror.call(context, error);
    } finally {
      restore();
    }
  }

  // does nothing on a context that replaces another one: its member cannot be written
  Reflect.set(context, 'onerror', onError);
}
