import type { IncomingMessage, ServerResponse } from 'node:http';
import { mayBeMetadata, type MetadataAnswer, type MetadataEndpoint } from '../decision/resource-metadata.js';
import { applyHeaders, isAnswered } from './node-http.js';

/** Sends the metadata on Node's response. */
export function sendMetadata(response: ServerResponse, { status, headers, body }: MetadataAnswer): void {
  if (isAnswered(response)) return;
  response.statusCode = status;
  applyHeaders(response, headers);
  response.end(body);
}

/** A request of Node, Express, or a middleware engine that keeps the original URL. */
type AnyRequest = Pick<IncomingMessage, 'method' | 'url' | 'headers'> & { readonly originalUrl?: string | undefined };

/** Answers a request for the metadata, and returns whether it did. */
export function serveMetadata(request: AnyRequest, response: ServerResponse, endpoint: MetadataEndpoint): boolean {
  const target = request.originalUrl ?? request.url ?? '/';
  if (!mayBeMetadata(target)) return false;
  const { method = 'GET', headers } = request;
  const answer = endpoint.answer({ method, target, headers });
  if (answer) sendMetadata(response, answer);
  return answer !== undefined;
}
