import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { ProtectedRequest } from '@tokenward/core';
import { viewOf } from '@tokenward/core/adapter';

/** Fastify's request as core wants it, or Node's own. How the client addressed it follows Fastify's own `trustProxy` setting. */
export function view(request: FastifyRequest): ProtectedRequest {
  const raw = (request.raw as IncomingMessage | undefined) ?? (request as unknown as IncomingMessage);
  return viewOf(request, raw);
}
