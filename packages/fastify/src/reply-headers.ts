import { cookiesWith, keepOutOfCaches, SET_COOKIE } from '@tokenward/core/adapter';
import type { FastifyReply } from 'fastify';
import type { ResponseHeaders } from '@tokenward/core';

/** Sets a decision's headers on a reply. `Set-Cookie` is added to what is there. */
export function setHeaders(reply: FastifyReply, headers: ResponseHeaders): void {
  for (const name in headers) {
    if (name === SET_COOKIE) setCookies(reply, headers);
    else if (Object.hasOwn(headers, name)) void reply.header(name, headers[name]!);
  }
}

/**
 * Adds the `Set-Cookie` lines of a decision to a reply. They are also set on Node's response, for handlers that stream with `reply.hijack()`. Otherwise Fastify
 * replaces the lines there with those of the reply, so the reply must contain them all. No cache may keep the answer.
 */
export function setCookies(reply: FastifyReply, headers: ResponseHeaders): void {
  const cookies = reply.raw.headersSent ? undefined : cookiesWith(reply.getHeader(SET_COOKIE), headers);
  if (!cookies) return;
  reply.removeHeader(SET_COOKIE);
  void reply.header(SET_COOKIE, cookies);
  reply.raw.setHeader(SET_COOKIE, [...cookies]);
  keepOutOfCaches(reply.raw);
}
