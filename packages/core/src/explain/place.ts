import type { ProtectedRequest } from '../request/protected-request.js';
import { withoutTokenSegments } from '../lib/token-shapes.js';
import { printable } from '../lib/url.js';

/** Where a request went, for operators: enough to find it in an access log, and nothing that a query or a token in a path would give away. */
export interface RequestPlace {
  readonly method: string;
  /** The pattern of the route that the framework matched, where it tells: `/orders/:id`. */
  readonly route: string | undefined;
  /** The path as the client sent it, without the query: of 200 characters at the most, printable, without the segments that may be tokens. */
  readonly path: string;
  /** The framework's own identifier of the request, where it has one. */
  readonly requestId: string | undefined;
}

export function placeOf(request: ProtectedRequest): RequestPlace {
  const { method, route, requestId, target } = request;
  return {
    method: printable(method, 20),
    route: typeof route === 'string' ? printable(route) : undefined,
    path: printable(withoutTokenSegments(target.split(/[?#;]/, 1)[0]!.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, ''))),
    requestId: typeof requestId === 'string' ? printable(requestId, 100) : undefined,
  };
}
