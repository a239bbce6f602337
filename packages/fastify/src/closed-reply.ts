import { closeGate, isCalledBy, type ResponseGate } from '@tokenward/core/adapter';
import type { FastifyReply } from 'fastify';

/** A reply that is closed: only an answer through `own` is sent. */
export interface ClosedReply {
  /** The gate of the response. When it opens, `reply.sent` says again whether the reply was sent. */
  readonly gate: ResponseGate;
  /** The reply for the guard's answer. Nothing that others set on the original reply is sent with it. */
  readonly own: FastifyReply;
  /** Returns whether Fastify read `reply.sent` while the reply was closed. */
  isSeen(): boolean;
}

/** Any file of Fastify, except for the timer of a `handlerTimeout`. If that timer finds the reply closed, it does nothing, and the request goes on. */
const FASTIFY = /[\\/]node_modules[\\/]fastify[\\/]lib[\\/](?!route\.js Timeout\.)/;

/** Closes a reply. Meanwhile `reply.sent` is true, so Fastify and other code treat the reply as answered. */
export function closeReply(reply: FastifyReply): ClosedReply {
  const gate = closeGate(reply.raw);
  let isSeen = false;

  function sent(): boolean {
    isSeen ||= isCalledBy(sent, FASTIFY);
    return true;
  }

  function open(): boolean {
    Reflect.deleteProperty(reply, 'sent');
    return gate.open();
  }

  Object.defineProperty(reply, 'sent', { configurable: true, get: sent });
  return { gate: { ...gate, open }, own: ownReply(reply, gate), isSeen: () => isSeen };
}

function ownReply(reply: FastifyReply, { pass }: ResponseGate): FastifyReply {
  const own = Object.create(reply, { raw: { value: pass }, sent: { get: (): boolean => pass.writableEnded } }) as FastifyReply;
  // Fastify stores headers, trailers and other state under symbols
  for (const key of Object.getOwnPropertySymbols(reply)) Reflect.defineProperty(own, key, { value: copyOf(Reflect.get(reply, key)), writable: true });
  // a serializer on the reply was meant for the handler's answer; with null, Fastify uses none
  return own.serializer(null as never);
}

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]: [string, unknown]) => [name, Array.isArray(one) ? [...(one as unknown[])] : one]));
}
