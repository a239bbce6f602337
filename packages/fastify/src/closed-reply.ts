import { closeGate, isCalledBy, type ResponseGate } from '@tokenward/core/adapter';
import type { FastifyReply } from 'fastify';

/** A reply by which nobody can answer, except through `own`. */
export interface ClosedReply {
  /** When it opens, `reply.sent` is true to the facts again. */
  readonly gate: ResponseGate;
  /** The reply for the guard's answer. What others set on theirs does not go out with it. */
  readonly own: FastifyReply;
  /** Returns whether Fastify read `reply.sent` while the reply was closed. */
  isSeen(): boolean;
}

/** Any file of Fastify's. The timer of a `handlerTimeout` does not count: it looks at the reply and answers nothing, and the request goes on. */
const FASTIFY = /[\\/]node_modules[\\/]fastify[\\/]lib[\\/](?!route\.js Timeout\.)/;

/** Closes a reply: to Fastify, and to everybody else who reads `reply.sent`, it looks answered. */
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
  // Fastify keeps headers, trailers and the like under symbols
  for (const key of Object.getOwnPropertySymbols(reply)) Reflect.defineProperty(own, key, { value: copyOf(Reflect.get(reply, key)), writable: true });
  // a serializer on the reply was meant for the handler's answer; with null, Fastify uses none
  return own.serializer(null as never);
}

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  const copied = Object.entries(value).map(([name, one]: [string, unknown]) => [name, Array.isArray(one) ? [...(one as unknown[])] : one]);
  return Object.fromEntries(copied);
}
