import type { ProtectedRequest } from '../request/protected-request.js';
import { withoutTokenSegments } from '../lib/token-shapes.js';
import { printable } from '../lib/url.js';

/** Where a request went: enough for operators to find it in an access log, without its query and without tokens in its path. */
export interface RequestPlace {
  readonly method: string;
  /** The pattern of the route that the framework matched, if it is known: `/orders/:id`. */
  readonly route: string | undefined;
  /** The path as the client sent it, without the query: at most 200 printable characters, without segments that may be tokens. */
  readonly path: string;
  /** The framework's identifier of the request, if it has one. */
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
