import type { ServerResponse } from 'node:http';
import type { ResponseHeaders } from '../decision/decision.js';
import { keepOutOfCaches } from './uncached.js';

export const SET_COOKIE = 'set-cookie';

/**
 * Returns the `Set-Cookie` lines of a response together with those of a decision; undefined if the response has them all. Several guards may decide on one
 * request, and a refusal may be answered twice, so lines that are there already are not repeated. What others set stays.
 *
 * @param present the response's `Set-Cookie` as the framework returns it
 */
export function cookiesWith(present: unknown, headers: ResponseHeaders): string[] | undefined {
  if (!Object.hasOwn(headers, SET_COOKIE)) return undefined;
  const there = linesOf(present);
  const added = linesOf(headers[SET_COOKIE]).filter((line) => !there.includes(line));
  return added.length > 0 ? [...there, ...added] : undefined;
}

function linesOf(value: unknown): string[] {
  return [value ?? []].flat().map(String);
}

/**
 * Adds the `Set-Cookie` lines of a decision to Node's response: for an answer that is not the guard's own. No cache may keep that answer. It does nothing once the
 * headers were sent.
 */
export function addCookies(response: ServerResponse, headers: ResponseHeaders): void {
  if (!Object.hasOwn(headers, SET_COOKIE) || response.headersSent) return;
  const cookies = cookiesWith(response.getHeader(SET_COOKIE), headers);
  if (!cookies) return;
  response.setHeader(SET_COOKIE, cookies);
  keepOutOfCaches(response);
}
