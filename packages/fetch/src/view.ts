import type { IncomingMessage } from 'node:http';
import type { ClientCertificate, ProtectedRequest } from '@tokenward/core';
import { assertHasHeaders, createMemory, LOWER_CASE_NAMES, namesOneHost, normalPath, originOf, viewOf } from '@tokenward/core/adapter';
import { connectionOf, type ConnectionView } from './connection.js';
import { recordOf } from './headers.js';
import { isFetchRequest, type Params } from './input.js';

/** Returns a `Request`, or the request of `node:http`, as a {@link ProtectedRequest}. */
export function view(request: object): ProtectedRequest {
  if (isFetchRequest(request)) return viewOfFetch(request);
  assertHasHeaders(request, 'guard.check(request, ...policies)');
  return viewOf({}, request as IncomingMessage);
}

/** Makes policies see the parameters of the object in which a framework passed a request. */
export function rememberEvent(request: object, event: object): void {
  if (event !== request && isFetchRequest(request)) viewOfFetch(request).event = event;
}

/** Several guards get the same view of a request. */
const views = createMemory<Request, FetchView>();

function viewOfFetch(request: Request): FetchView {
  return views.getOrMake(request, () => new FetchView(request));
}

/** Everything up to the path. */
const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#\\]*/i;

/** A `Request` as a guard sees it. */
export class FetchView implements ProtectedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: ProtectedRequest['headers'];
  /** The object that has the parameters of the route. */
  event: object;
  readonly #request: Request;

  /** @param headers what the guard sees instead of the request's own headers, with names in lower case */
  constructor(request: Request, headers: ProtectedRequest['headers'] = recordOf(request.headers)) {
    this.method = request.method;
    this.target = targetOf(request.url);
    this.headers = headers;
    this.event = request;
    this.#request = request;
  }

  get [LOWER_CASE_NAMES](): boolean {
    return true;
  }

  get identity(): object {
    return this.#request;
  }

  get path(): string {
    return normalPath(this.target);
  }

  /** Read each time, since a router that runs later may add parameters. A promise, as in Next.js, has none. */
  get params(): Params | undefined {
    const { params } = this.event as { readonly params?: unknown };
    return typeof params === 'object' && params !== null ? (params as Params) : undefined;
  }

  /** What the platform put into the URL, unless the client named several hosts or a malformed one (RFC 9112 s3.2). */
  get origin(): string | undefined {
    const { url, headers } = this.#request;
    const host = headers.get('host');
    if (host !== null && originOf('http', host) === undefined) return undefined;
    // a server may have dropped the second line
    if (!namesOneHost({ rawHeaders: this.rawHeaders })) return undefined;
    const parsed = URL.parse(url);
    return parsed?.protocol === 'https:' || parsed?.protocol === 'http:' ? parsed.origin : undefined;
  }

  /** Judged by the headers alone if the connection does not say it: some platforms give every request a stream, even if it has no body. */
  get hasBody(): boolean {
    const known = this.connection()?.hasBody;
    if (known !== undefined) return known;
    const { headers } = this.#request;
    return headers.has('transfer-encoding') || !['0', null].includes(headers.get('content-length'));
  }

  get heldBy(): object | undefined {
    return this.connection()?.heldBy;
  }

  get clientAddress(): string | undefined {
    return this.connection()?.clientAddress;
  }

  get peerAddress(): string | undefined {
    return this.connection()?.peerAddress;
  }

  get rawHeaders(): readonly string[] | undefined {
    return this.connection()?.rawHeaders;
  }

  clientCertificate(): ClientCertificate | undefined {
    return this.connection()?.clientCertificate?.();
  }

  /** What only the server knows. Read each time, since some views are created before `setConnection` is called. */
  protected connection(): ConnectionView | undefined {
    return connectionOf(this.#request);
  }
}

/** Returns path and query of a URL. The fragment is not part of a request (RFC 9110 s7.1). */
function targetOf(url: string): string {
  const rest = url.replace(ORIGIN, '');
  const end = rest.indexOf('#');
  const target = end < 0 ? rest : rest.slice(0, end);
  return target.startsWith('/') ? target : `/${target}`;
}
