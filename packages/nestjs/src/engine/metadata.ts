import type { IncomingMessage, ServerResponse } from 'node:http';
import { serveMetadata, type MetadataEndpoint } from '@tokenward/core/adapter';

/** Middleware for `app.use`, on Express and on Fastify. */
export type MetadataMiddleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

export function middlewareFor(endpoint: MetadataEndpoint): MetadataMiddleware {
  return (request, response, next) => {
    if (!serveMetadata(request, response, endpoint)) next();
  };
}
