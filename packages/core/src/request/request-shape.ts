import { misuse } from '../lib/configuration-error.js';
import { shapeOf } from '../lib/shape-of.js';
import type { ProtectedRequest } from './protected-request.js';

/**
 * Says what is wrong with a request that a guard was given: headers in another shape would hold no credentials that anybody sees, and whoever sent
 * some would be told that there are none.
 *
 * @throws ConfigurationError
 */
export function assertRequest(request: ProtectedRequest): void {
  if (typeof request !== 'object' || request === null) throw misuse('request', `is ${shapeOf(request)}, not { method, target, headers }`);
  const { method, target, headers } = request as Partial<ProtectedRequest>;
  if (typeof headers !== 'object' || headers === null)
    throw misuse('request.headers', `is ${shapeOf(headers)}: give the request's header fields, { name: value }`);
  if (Array.isArray(headers)) throw misuse('request.headers', 'is a list: give an object, { name: value }, such as request.headers of node:http');
  if (typeof headers['get'] === 'function') throw misuse('request.headers', 'is a Headers object: give Object.fromEntries(request.headers)');
  if (typeof method !== 'string') throw misuse('request.method', `is ${shapeOf(method)}: give the HTTP method`);
  if (typeof target !== 'string') throw misuse('request.target', `is ${shapeOf(target)}: give the path and query as they were sent, such as request.url`);
}
