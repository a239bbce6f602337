import { misuse } from '../lib/configuration-error.js';
import { IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { Roomy } from '../lib/private-slot.js';
import { normalPath } from '../request/request-path.js';
import type { Deny, ResponseHeaders } from '../decision/decision.js';
import type { ProtectedRequest } from '../request/protected-request.js';

const AUTHORIZATION = 'authorization';
/** As most clients write it: to compare costs less than to make a name in lower case. */
const AS_WRITTEN = 'Authorization';

/** Node's own request, over HTTP/1 or HTTP/2; or what stands in for one in tests and on serverless platforms, which may have less. */
interface RawRequest {
  readonly headers?: IncomingMessage['headers'] | undefined;
  readonly rawHeaders?: readonly string[] | undefined;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly socket?: { readonly encrypted?: boolean; readonly remoteAddress?: string | undefined } | null | undefined;
  /** Of HTTP/2. */
  readonly stream?: { readonly endAfterHeaders?: boolean } | undefined;
  /** What request loggers put there, and plugins that number requests. */
  readonly id?: unknown;
}

/** @throws ConfigurationError where something else was given for a request, such as its response: it would be told that it has no token */
export function assertHasHeaders({ headers }: { readonly headers?: unknown }, path: string): void {
  if (typeof headers !== 'object' || headers === null)
    throw misuse(path, "is given no request, since it has no headers: give the framework's request or context, or the request of node:http");
}

/** The headers of Node's request, in which a second `Authorization` line is seen: Node itself drops it from `headers`. */
export function headersOf({ headers = {}, rawHeaders = [] }: RawRequest): ProtectedRequest['headers'] {
  let first: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length !== AUTHORIZATION.length || (name !== AS_WRITTEN && name.toLowerCase() !== AUTHORIZATION)) continue;
    const value = rawHeaders[at + 1]!;
    // what more there may be changes nothing
    if (first !== undefined) return { ...headers, [AUTHORIZATION]: [first, value] };
    first = value;
  }
  return headers;
}

/** What every framework's request tells in the same words. Node's own request, or a part of one, lacks most of it. */
interface NativeRequest {
  readonly method?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly protocol?: string | undefined;
  readonly host?: string | undefined;
  readonly ip?: string | undefined;
  readonly params?: unknown;
  readonly id?: unknown;
  /** Of Express. */
  readonly route?: unknown;
  readonly baseUrl?: unknown;
  /** Of Fastify. */
  readonly routeOptions?: unknown;
  /** Of @koa/router. */
  readonly _matchedRoute?: unknown;
}

/**
 * A framework's request as core wants it.
 *
 * @param raw Node's own request behind it
 * @param hostOf the host, with its port, as the client addressed it by the framework's own proxy rules
 */
export function viewOf<R extends NativeRequest>(
  request: R,
  raw: RawRequest,
  hostOf: (request: R) => string | undefined = ({ host }) => host,
): ProtectedRequest {
  return new View(request, raw, hostOf);
}

/** A class, since a getter in an object literal gives each object a shape of its own, and that keeps the request until a full collection. */
class View<R extends NativeRequest> extends Roomy implements ProtectedRequest {
  readonly target: string;
  readonly headers: ProtectedRequest['headers'];
  readonly #request: R;
  readonly #raw: RawRequest;
  readonly #hostOf: (request: R) => string | undefined;

  constructor(request: R, raw: RawRequest, hostOf: (request: R) => string | undefined) {
    super();
    this.target = request.originalUrl ?? raw.url ?? '/';
    this.headers = headersOf(raw);
    this.#request = request;
    this.#raw = raw;
    this.#hostOf = hostOf;
  }

  /** It may be overridden between two guards. */
  get method(): string {
    return this.#request.method ?? this.#raw.method ?? 'GET';
  }

  get path(): string {
    return normalPath(this.target);
  }

  /** Of the route that stands there when it is asked for: a router that is mounted below knows more of them. */
  get params(): ProtectedRequest['params'] {
    const { params } = this.#request;
    return typeof params === 'object' && params !== null ? (params as ProtectedRequest['params']) : undefined;
  }

  get route(): string | undefined {
    return routeOf(this.#request);
  }

  get requestId(): string | undefined {
    const id = this.#request.id ?? this.#raw.id;
    return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
  }

  get hasBody(): boolean {
    const { headers = {}, stream } = this.#raw;
    if (headers['transfer-encoding'] !== undefined || !['0', undefined].includes(headers['content-length'])) return true;
    return stream?.endAfterHeaders === false;
  }

  get heldBy(): object | undefined {
    return holderOf(this.#raw);
  }

  get clientAddress(): string | undefined {
    return this.#request.protocol === undefined ? this.#raw.socket?.remoteAddress : this.#request.ip;
  }

  get origin(): string | undefined {
    if (!namesOneHost(this.#raw)) return undefined;
    const { protocol } = this.#request;
    if (protocol !== undefined) return originOf(protocol, this.#hostOf(this.#request));
    const { headers = {}, socket } = this.#raw;
    const host = headers[':authority'] ?? headers.host;
    return originOf(socket?.encrypted === true ? 'https' : 'http', typeof host === 'string' ? host : undefined);
  }
}

/** The pattern of the route that the framework matched, where it says so: of Express, Fastify or @koa/router. */
function routeOf({ route, baseUrl, routeOptions, _matchedRoute }: NativeRequest): string | undefined {
  const { path } = Object(route) as { path?: unknown };
  if (typeof path === 'string') return typeof baseUrl === 'string' ? baseUrl + path : path;
  const { url } = Object(routeOptions) as { url?: unknown };
  return [url, _matchedRoute].find((pattern) => typeof pattern === 'string');
}

/**
 * What Node itself holds for as long as the answer goes on: HTTP/1's request, by its response; HTTP/2's stream; of an upgrade, which forgets its request,
 * the socket. What only stands in for one of these is held by nobody.
 */
function holderOf(raw: object): object | undefined {
  if (raw instanceof IncomingMessage) {
    if (!(raw.socket instanceof Socket)) return undefined;
    return raw.headers.upgrade === undefined ? raw : raw.socket;
  }
  const { stream } = raw as { stream?: unknown };
  return stream instanceof Duplex && 'session' in stream ? stream : undefined;
}

const NOT_IN_HOST = /[\s,/?#@\\]/;

/**
 * Whether the client named no second host, of which a proxy may have believed that one, and none that a framework would have to mend
 * (RFC 9112 s3.2, RFC 9113 s8.3.1). Node lets all of these through.
 */
function namesOneHost({ rawHeaders = [] }: RawRequest): boolean {
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

/** A refusal's headers together with the type of its body (RFC 9457), for whoever sends that body. */
export function problemHeaders({ headers }: Deny): ResponseHeaders {
  return { 'content-type': 'application/problem+json', ...headers };
}

/** Sends a refusal as it is meant to be sent, unless another answer was sent meanwhile: by a time-out, say. */
export function sendDenial(response: ServerResponse, denial: Deny): void {
  if (response.headersSent) return;
  response.statusCode = denial.status;
  applyHeaders(response, problemHeaders(denial));
  response.end(JSON.stringify(denial.body));
}

/** Puts a decision's headers on a response that others will send. */
export function applyHeaders(response: ServerResponse, headers: ResponseHeaders): void {
  for (const name in headers) response.setHeader(name, headers[name]!);
}
