import { isMisleadingPath } from '../lib/misleading-path.js';
import type { ProtectedRequest } from './protected-request.js';

/**
 * Whether a program could read a target as another path than the framework did: see {@link isMisleadingPath}. Also, URL parsers read a host name after
 * two slashes at the beginning (`new URL('//acme/globex', base)` has the path `/globex`).
 */
export function isAmbiguousTarget(target: string): boolean {
  const path = pathOf(target);
  return /^[/\\]{2}/.test(path) || isMisleadingPath(path);
}

/** Returns the path of a target without the query, and in absolute form (RFC 9112 s3.2.2) without the origin. */
export function pathOf(target: string): string {
  const path = target.split(/[?#]/, 1)[0]!;
  return path.startsWith('/') ? path : path.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, '') || '/';
}

/**
 * Returns the normalised path of a target (RFC 3986 s6.2.2): without query and origin, without unnecessary encoding, other encodings in upper case, and
 * without doubled slashes and a slash at the end. Case is kept.
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

/** Returns the request as predicates of policies see it. If its target is ambiguous, they cannot read it. */
export function forPredicates(request: ProtectedRequest | undefined): ProtectedRequest | undefined {
  return request && isAmbiguousTarget(request.target) ? new AmbiguousRequest(request) : request;
}

/** A request whose target may mean another resource to a later handler than to the router. A predicate that reads it throws, and so refuses. */
class AmbiguousRequest implements ProtectedRequest {
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
  get peerAddress(): string | undefined {
    return this.#request.peerAddress;
  }
  get rawHeaders(): ProtectedRequest['rawHeaders'] {
    return this.#request.rawHeaders;
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
    const request = this.#request;
    return request.clientCertificate && (() => request.clientCertificate?.());
  }
}

/** Operators see the name: the reason of a refusal by a predicate that throws contains the class of the error. */
class AmbiguousPathError extends Error {
  override readonly name = 'AmbiguousPathError';

  constructor() {
    super('the target could be read as another path (dot segments, a NUL, two slashes at its beginning), so policies must not read it');
  }
}
