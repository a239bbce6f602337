import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { ProtectedRequest } from '@tokenward/core';
import { assertHasHeaders, viewOf } from '@tokenward/core/adapter';

/** Returns Fastify's request, or Node's own, as a {@link ProtectedRequest}. Scheme, host and client address follow Fastify's `trustProxy` setting. */
export function view(request: FastifyRequest): ProtectedRequest {
  const raw = (request.raw as IncomingMessage | undefined) ?? (request as unknown as IncomingMessage);
  assertHasHeaders(raw, 'guard.check(request, ...policies)');
  return viewOf(request, raw);
}
