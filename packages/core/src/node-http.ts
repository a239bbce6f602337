import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Deny, ProtectedRequest, ResponseHeaders } from './seam.js';

const AUTHORIZATION = 'authorization';

/** Node's own request, over HTTP/1 or HTTP/2. */
type RawRequest = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;

/** The headers of Node's request, in which a second `Authorization` line is seen: Node itself drops it from `headers`. */
export function headersOf({ headers, rawHeaders }: RawRequest): ProtectedRequest['headers'] {
  let first: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length !== AUTHORIZATION.length || name.toLowerCase() !== AUTHORIZATION) continue;
    const value = rawHeaders[at + 1]!;
    // what more there may be changes nothing
    if (first !== undefined) return { ...headers, [AUTHORIZATION]: [first, value] };
    first = value;
  }
  return headers;
}

/** What every framework's request tells in the same words. */
interface NativeRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly protocol: string;
  readonly ip?: string | undefined;
}

/**
 * A framework's request as core wants it.
 *
 * @param raw Node's own request behind it
 * @param hostOf the host, with its port, as the client addressed it by the framework's own proxy rules
 */
export function viewOf<R extends NativeRequest>(request: R, raw: RawRequest, hostOf: (request: R) => string | undefined): ProtectedRequest {
  return new View(request, raw, hostOf);
}

/** A class, since a getter in an object literal gives each object a shape of its own, and that keeps the request until a full collection. */
class View<R extends NativeRequest> implements ProtectedRequest {
  readonly target: string;
  readonly headers: ProtectedRequest['headers'];
  readonly #request: R;
  readonly #raw: RawRequest;
  readonly #hostOf: (request: R) => string | undefined;

  constructor(request: R, raw: RawRequest, hostOf: (request: R) => string | undefined) {
    this.target = request.originalUrl;
    this.headers = headersOf(raw);
    this.#request = request;
    this.#raw = raw;
    this.#hostOf = hostOf;
  }

  /** It may be overridden between two guards. */
  get method(): string {
    return this.#request.method;
  }

  get clientAddress(): string | undefined {
    return this.#request.ip;
  }

  get origin(): string | undefined {
    return namesOneHost(this.#raw) ? originOf(this.#request.protocol, this.#hostOf(this.#request)) : undefined;
  }
}

const NOT_IN_HOST = /[\s,/?#@\\]/;

/**
 * Whether the client named no second host, of which a proxy may have believed that one, and none that a framework would have to mend
 * (RFC 9112 s3.2, RFC 9113 s8.3.1). Node lets all of these through.
 */
function namesOneHost({ rawHeaders }: RawRequest): boolean {
  const hosts = rawHeaders.filter((_value, at) => at % 2 === 1 && /^(?:host|:authority)$/i.test(rawHeaders[at - 1]!));
  return new Set(hosts).size <= 1 && !hosts.some((host) => NOT_IN_HOST.test(host));
}

/** `scheme://host[:port]` of what a framework says of a request; undefined where that is no web address. */
export function originOf(protocol: string, host: string | undefined): string | undefined {
  if (protocol !== 'http' && protocol !== 'https') return undefined;
  const url = host && !NOT_IN_HOST.test(host) ? URL.parse(`${protocol}://${host}`) : null;
  return url?.origin;
}

/** A response, over HTTP/1 or HTTP/2. */
interface NativeResponse extends Pick<ServerResponse, 'headersSent' | 'destroyed'> {
  /** Of HTTP/2, where it alone knows that the client has left. */
  readonly stream?: { readonly destroyed: boolean } | undefined;
}

/** Whether a response needs no answer any more: while keys were fetched a time-out may have answered, or the client may have left. */
export function isAnswered({ headersSent, destroyed, stream }: NativeResponse): boolean {
  return headersSent || destroyed || stream?.destroyed === true;
}

/** Sends a refusal as it is meant to be sent, unless another answer was sent meanwhile: by a time-out, say. */
export function sendDenial(response: ServerResponse, { status, headers, body }: Deny): void {
  if (response.headersSent) return;
  response.statusCode = status;
  applyHeaders(response, headers);
  response.end(JSON.stringify(body));
}

/** Puts a decision's headers on a response that others will send. */
export function applyHeaders(response: ServerResponse, headers: ResponseHeaders): void {
  for (const name in headers) response.setHeader(name, headers[name]!);
}
