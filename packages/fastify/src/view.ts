import type { FastifyRequest } from 'fastify';
import type { ProtectedRequest } from '@tokenward/core';
import { viewOf } from '@tokenward/core/adapter';

/** Fastify's request as core wants it. How the client addressed it follows Fastify's own `trustProxy` setting. */
export function view(request: FastifyRequest): ProtectedRequest {
  return viewOf(request, request.raw, ({ host }) => host);
}
