import type { Decision, Deny, ResponseHeaders } from '@tokenward/core';
import { asError, cookiesWith, isCacheField, problemHeaders, SET_COOKIE, type MetadataAnswer, type RefusalListeners } from '@tokenward/core/adapter';

/** Returns what the guard sends for a refusal. */
function responseOf(decision: Deny): Response {
  return new Response(JSON.stringify(decision.body), { status: decision.status, headers: toHeaders(problemHeaders(decision)) });
}

/** Returns the response with the metadata. */
export function metadataResponse({ status, headers, body }: MetadataAnswer): Response {
  // a `Response` with this status must not have a body
  return new Response(status === 204 ? null : body, { status, headers: toHeaders(headers) });
}

/** An `onDenied` that returns its response. */
export type OnDeniedResponse<Native extends readonly unknown[]> = (decision: Deny, ...native: Native) => Response | Deny | Promise<Response | Deny>;

/**
 * Returns the answer to a refusal: that of `onDenied`, or the guard's own if there is no `onDenied`, or if it returned no response.
 *
 * @returns a promise only if there is an `onDenied`. It rejects with what `onDenied` throws: an Error, or a Response, which then has the cookies of a session.
 */
export function answerTo<Native extends readonly unknown[]>(
  { refused, onDenied }: RefusalListeners<Native>,
  decision: Deny,
  ...native: Native
): Response | Promise<Response> {
  refused(decision, native[0]);
  return onDenied ? askOnDenied(onDenied, decision, native) : responseOf(decision);
}

async function askOnDenied<Native extends readonly unknown[]>(
  onDenied: NonNullable<RefusalListeners<Native>['onDenied']>,
  decision: Deny,
  native: Native,
): Promise<Response> {
  let returned: unknown;
  try {
    returned = await onDenied(decision, ...native);
  } catch (thrown) {
    throw isResponse(thrown) ? withCookies(thrown, decision.headers) : asError(thrown);
  }
  return isResponse(returned) ? withCookies(returned, decision.headers) : responseOf(decision);
}

/** Whether a value is a `Response` of this platform, of another realm, or of a library. */
function isResponse(value: unknown): value is Response {
  const { status, headers } = Object(value) as Partial<Response>;
  return typeof status === 'number' && typeof headers?.get === 'function';
}

/**
 * Returns a response with the headers of a decision. It is the same object, unless its headers cannot be changed, as those of `Response.redirect()` and of
 * what `fetch` returned. `Set-Cookie` is added to what is there, and no cache may keep such a response.
 */
export function withHeaders(response: Response, headers: Decision['headers']): Response {
  return isEmpty(headers) ? response : changed(response, (fields) => addHeaders(fields, headers));
}

/** Does the same as {@link withHeaders} for what a handler threw: some frameworks answer with a `Response` that is thrown. Returns anything else as it is. */
export function thrownWithHeaders(thrown: unknown, headers: ResponseHeaders): unknown {
  return isResponse(thrown) ? withHeaders(thrown, headers) : thrown;
}

/** Does the same as {@link withHeaders} for `Set-Cookie` alone: for an answer that is not the guard's own. */
function withCookies(response: Response, headers: ResponseHeaders): Response {
  const cookies = headers[SET_COOKIE];
  return cookies === undefined ? response : withHeaders(response, { [SET_COOKIE]: cookies });
}

export function isEmpty(headers: ResponseHeaders): boolean {
  for (const name in headers) if (Object.hasOwn(headers, name)) return false;
  return true;
}

function changed(response: Response, change: (fields: Headers) => void): Response {
  try {
    change(response.headers);
    return response;
  } catch {
    const copy = new Response(response.body, response);
    change(copy.headers);
    return copy;
  }
}

/** Sets the headers of a decision. It may be called again with the same ones. */
export function addHeaders(fields: Headers, headers: ResponseHeaders): void {
  for (const name in headers) {
    if (!Object.hasOwn(headers, name)) continue;
    if (name === SET_COOKIE) addCookieLines(fields, headers);
    else setLines(fields, name, headers[name]!);
  }
}

/** A cache that kept the cookie of a session would log others in (RFC 9111 s7.3). */
function addCookieLines(fields: Headers, headers: ResponseHeaders): void {
  const present = fields.getSetCookie();
  const all = cookiesWith(present, headers);
  for (const line of all?.slice(present.length) ?? []) fields.append(SET_COOKIE, line);
  for (const name of Array.from(fields.keys())) if (isCacheField(name)) fields.delete(name);
  fields.set('cache-control', 'no-store');
}

/**
 * Returns the headers of a decision for a response of your own.
 *
 * @example onDenied: ({ status, headers, body }) => Response.json({ message: body.title }, { status, headers: toHeaders(headers) })
 */
export function toHeaders(given: ResponseHeaders): Headers {
  const fields = new Headers();
  for (const [name, value] of Object.entries(given)) setLines(fields, name, value);
  return fields;
}

function setLines(fields: Headers, name: string, value: string | readonly string[]): void {
  if (typeof value === 'string') return fields.set(name, value);
  fields.delete(name);
  for (const line of value) fields.append(name, line);
}
