import { webStreamOf } from './body-stream.js';
import type { NodeRequest, NodeResponse } from './native.js';
import { isRead, rebuildBody, type ParsedBody } from './parsed-body.js';

/** A request of Node on its way to a handler of fetch's form. */
export interface Exchange {
  readonly request: NodeRequest;
  readonly response: NodeResponse;
  /** What a body parser made of the body, if one ran before. */
  readonly parsed: ParsedBody;
}

/** Methods that fetch's `Request` refuses. */
const FORBIDDEN_METHODS = new Set(['CONNECT', 'TRACE', 'TRACK']);
const METHOD = /^[\w!#$%&'*+.^`|~-]+$/;
/** Methods that fetch's `Request` writes in upper case. Case matters in HTTP, and HTTP/2 lets `get` pass: it is another method, which nobody knows. */
const NORMALISED_METHODS = new Set(['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT']);

/** Whether a request can be written as a `Request` of fetch. */
export function isReadable({ method }: NodeRequest): boolean {
  if (method === undefined || !METHOD.test(method)) return false;
  const upper = method.toUpperCase();
  return !FORBIDDEN_METHODS.has(upper) && (method === upper || !NORMALISED_METHODS.has(upper));
}

/**
 * Returns the path and the query of a request's target, also of one in absolute form (RFC 9112 s3.2.2), whose host does not count. Returns undefined for a
 * target without a path (`*`).
 */
export function originForm(target: string): string | undefined {
  if (target.startsWith('/')) return target;
  const [start] = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i.exec(target) ?? [];
  if (start === undefined) return undefined;
  const rest = target.slice(start.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * Returns a request of Node as a `Request` of fetch. Its URL has the configured origin: the header `Host` is left out, so nobody can read it by mistake.
 *
 * @param target path and query, beginning with a slash
 * @param left the client left before the whole answer was sent
 * @throws ConfigurationError if a body parser has read the body, and it cannot be written again
 */
export function requestOf(exchange: Exchange, origin: string, target: string, left: AbortSignal): Request {
  const { request } = exchange;
  const { rawHeaders, method = 'GET' } = request;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    // HTTP/2 has pseudo headers
    if (!name.startsWith(':') && name.toLowerCase() !== 'host') headers.append(name, rawHeaders[at + 1]!);
  }
  const body = method === 'GET' || method === 'HEAD' || !hasBody(request) ? undefined : bodyOf(exchange, headers);
  return new Request(`${origin}${target}`, { method, headers, signal: left, ...(body && { body, duplex: 'half' }) } as RequestInit);
}

function hasBody(request: NodeRequest): boolean {
  // an empty body whose end somebody has waited for
  if (request.readableEnded && !isRead(request)) return false;
  const { 'transfer-encoding': encoding, 'content-length': length } = request.headers;
  if (encoding !== undefined) return true;
  if (length !== undefined) return Number(length) > 0;
  // over HTTP/2, a body needs no header that announces it
  return (request as { readonly stream?: { readonly endAfterHeaders?: boolean } }).stream?.endAfterHeaders === false;
}

function bodyOf({ request, response, parsed }: Exchange, headers: Headers): ReadableStream<Uint8Array> | Uint8Array {
  // the rest is read and dropped: the connection can take its next request only after this body, and closing it would lose the answer
  if (!isRead(request)) return webStreamOf(request, () => void request.resume(), response);
  const { bytes, contentType } = rebuildBody(parsed, headers.get('content-type') ?? '');
  headers.delete('content-encoding');
  headers.set('content-length', String(bytes.length));
  if (contentType !== undefined) headers.set('content-type', contentType);
  return bytes;
}
