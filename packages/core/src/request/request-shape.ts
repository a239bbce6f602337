import { misuse } from '../lib/configuration-error.js';
import { shapeOf } from '../lib/shape-of.js';
import type { ProtectedRequest } from './protected-request.js';

/**
 * Checks the shape of a request. With headers of another shape, the guard would find no credentials and refuse the request for the wrong reason.
 *
 * @throws ConfigurationError that says what to pass instead
 */
export function assertRequest(request: ProtectedRequest): void {
  if (typeof request !== 'object' || request === null) throw misuse('request', `must be { method, target, headers } (got ${shapeOf(request)})`);
  const { method, target, headers } = request as Partial<ProtectedRequest>;
  if (typeof headers !== 'object' || headers === null)
    throw misuse('request.headers', `must be the request's headers, { name: value } (got ${shapeOf(headers)})`);
  if (Array.isArray(headers)) throw misuse('request.headers', 'must be an object, { name: value }, such as request.headers of node:http (got a list)');
  if (typeof headers['get'] === 'function') throw misuse('request.headers', 'is a Headers object. Pass Object.fromEntries(request.headers)');
  if (typeof method !== 'string') throw misuse('request.method', `must be the HTTP method (got ${shapeOf(method)})`);
  if (typeof target !== 'string')
    throw misuse('request.target', `must be the path and query as the client sent them, such as request.url (got ${shapeOf(target)})`);
}
