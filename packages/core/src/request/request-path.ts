import { isMisleadingPath } from '../lib/misleading-path.js';
import type { ProtectedRequest } from './protected-request.js';

/**
 * Whether something that reads a target may take it for another path than the one that the framework matched: see {@link isMisleadingPath}; and two
 * slashes at its beginning are a host's name to URL parsers (`new URL('//acme/globex', base)` has the path `/globex`).
 */
export function mayLeadElsewhere(target: string): boolean {
  const path = pathOf(target);
  return /^[/\\]{2}/.test(path) || isMisleadingPath(path);
}

/** The path of a target, without the query; in absolute form (RFC 9112 s3.2.2) without the origin, too. */
function pathOf(target: string): string {
  const path = target.split(/[?#]/, 1)[0]!;
  return path.startsWith('/') ? path : path.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, '') || '/';
}

/**
 * A target's path in one way of writing: without query and origin, what needs no encoding is not encoded, what is encoded stands in upper case,
 * and no slash is doubled or at the end (RFC 3986 s6.2.2). Case is kept.
 */
export function normalPath(target: string): string {
  const path = pathOf(target)
    .replace(/%[\da-f]{2}/gi, (encoded) => {
      const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
      return /[\w.~-]/.test(character) ? character : encoded.toUpperCase();
    })
    .replace(/\/{2,}/g, '/');
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

/** What a predicate of a policy sees of a request. */
export function forPredicates(request: ProtectedRequest | undefined): ProtectedRequest | undefined {
  return request && mayLeadElsewhere(request.target) ? new Unreadable(request) : request;
}

/** A request whose target means one thing to the router and may mean another to what comes behind: whoever decides by it refuses. */
class Unreadable implements ProtectedRequest {
  readonly #request: ProtectedRequest;

  constructor(request: ProtectedRequest) {
    this.#request = request;
  }

  get target(): never {
    throw new AmbiguousPathError();
  }
  get path(): never {
    throw new AmbiguousPathError();
  }
  get params(): never {
    throw new AmbiguousPathError();
  }
  get method(): string {
    return this.#request.method;
  }
  get origin(): string | undefined {
    return this.#request.origin;
  }
  get clientAddress(): string | undefined {
    return this.#request.clientAddress;
  }
  get headers(): ProtectedRequest['headers'] {
    return this.#request.headers;
  }
  get route(): string | undefined {
    return this.#request.route;
  }
  get requestId(): string | undefined {
    return this.#request.requestId;
  }
  get hasBody(): boolean | undefined {
    return this.#request.hasBody;
  }
  get clientCertificate(): ProtectedRequest['clientCertificate'] {
    return this.#request.clientCertificate;
  }
}

/** Its name is what operators see of it: a predicate that throws is told by the name of the error. */
class AmbiguousPathError extends Error {
  override readonly name = 'AmbiguousPathError';

  constructor() {
    super('the target can be read as another path (dot segments, a NUL, two slashes at its beginning), so no policy decides by it');
  }
}
