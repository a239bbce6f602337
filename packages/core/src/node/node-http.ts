import { misuse } from '../lib/configuration-error.js';
import { IncomingMessage, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { WithNotes } from '../lib/private-slot.js';
import { linesOf, LOWER_CASE_NAMES } from '../request/fields.js';
import { normalPath } from '../request/request-path.js';
import type { Deny, ResponseHeaders } from '../decision/decision.js';
import type { ClientCertificate, ProtectedRequest } from '../request/protected-request.js';
import { certificateOf } from './connection.js';
import { removeCacheFields } from './cache-fields.js';
import { addCookies, SET_COOKIE } from './set-cookie.js';

const AUTHORIZATION = 'authorization';
/** As most clients write it: comparing costs less than converting a name to lower case. */
const AS_WRITTEN = 'Authorization';

/** Node's own request over HTTP/1 or HTTP/2. A stand-in, in tests and on serverless platforms, may lack some members. */
interface RawRequest {
  readonly headers?: IncomingMessage['headers'] | undefined;
  readonly rawHeaders?: readonly string[] | undefined;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly socket?: { readonly encrypted?: boolean; readonly remoteAddress?: string | undefined } | null | undefined;
  /** HTTP/2 only. */
  readonly stream?: { readonly endAfterHeaders?: boolean } | undefined;
  /** Set by request loggers, and by plugins that number requests. */
  readonly id?: unknown;
}

/** @throws ConfigurationError if a value is not a request, but for example a response, in which the guard would find no token */
export function assertHasHeaders({ headers }: { readonly headers?: unknown }, path: string): void {
  if (typeof headers !== 'object' || headers === null)
    throw misuse(path, "has no headers, so it is not a request. Pass the framework's request or context, or the request of node:http");
}

/** Returns the headers of Node's request with all `Authorization` lines. Node itself drops all but the first. */
export function headersOf({ headers = {}, rawHeaders = [] }: RawRequest): ProtectedRequest['headers'] {
  let first: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length !== AUTHORIZATION.length || (name !== AS_WRITTEN && name.toLowerCase() !== AUTHORIZATION)) continue;
    const value = rawHeaders[at + 1]!;
    // two are enough to refuse the request
    if (first !== undefined) return { ...headers, [AUTHORIZATION]: [first, value] };
    first = value;
  }
  return headers;
}

/** The members of frameworks' requests that are read. Node's own request lacks most of them. */
interface NativeRequest {
  readonly method?: string | undefined;
  readonly originalUrl?: string | undefined;
  readonly protocol?: string | undefined;
  readonly host?: string | undefined;
  readonly ip?: string | undefined;
  readonly params?: unknown;
  readonly id?: unknown;
  /** Express. */
  readonly route?: unknown;
  readonly baseUrl?: unknown;
  /** Fastify. */
  readonly routeOptions?: unknown;
  /** @koa/router. */
  readonly _matchedRoute?: unknown;
}

/**
 * Returns a framework's request as a `ProtectedRequest`.
 *
 * @param raw Node's own request behind it
 * @param hostOf returns the host and port that the client addressed, by the framework's proxy rules
 */
export function viewOf<R extends NativeRequest>(
  request: R,
  raw: RawRequest,
  hostOf: (request: R) => string | undefined = ({ host }) => host,
): ProtectedRequest {
  return new View(request, raw, hostOf);
}

/** A class, because getters in an object literal would give each object its own hidden class, which keeps the request until a full collection. */
class View<R extends NativeRequest> extends WithNotes implements ProtectedRequest {
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

  /** A stand-in may pass names on as the client sent them. */
  get [LOWER_CASE_NAMES](): boolean {
    return this.#raw instanceof IncomingMessage || streamOf(this.#raw) !== undefined;
  }

  /** Read each time, since middleware may override it between two guards. */
  get method(): string {
    return this.#request.method ?? this.#raw.method ?? 'GET';
  }

  get path(): string {
    return normalPath(this.target);
  }

  /** Read each time, since a router that is mounted further down adds parameters. */
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

  get peerAddress(): string | undefined {
    return this.#raw.socket?.remoteAddress;
  }

  get rawHeaders(): readonly string[] | undefined {
    return this.#raw.rawHeaders;
  }

  clientCertificate(): ClientCertificate | undefined {
    return certificateOf(this.#raw);
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

/** Returns the pattern of the matched route, if Express, Fastify or @koa/router provides it. */
function routeOf({ route, baseUrl, routeOptions, _matchedRoute }: NativeRequest): string | undefined {
  const { path } = Object(route) as { path?: unknown };
  if (typeof path === 'string') return typeof baseUrl === 'string' ? baseUrl + path : path;
  const { url } = Object(routeOptions) as { url?: unknown };
  return [url, _matchedRoute].find((pattern) => typeof pattern === 'string');
}

/**
 * Returns an object that Node itself keeps until the response ends: the request of HTTP/1, which its response refers to, or the stream of HTTP/2. After an
 * upgrade it is the socket, since Node drops the request. For a stand-in there is none.
 */
function holderOf(raw: object): object | undefined {
  if (raw instanceof IncomingMessage) {
    if (!(raw.socket instanceof Socket)) return undefined;
    return raw.headers.upgrade === undefined ? raw : raw.socket;
  }
  return streamOf(raw);
}

/** Returns the stream of a request over HTTP/2. */
function streamOf(raw: object): Duplex | undefined {
  const { stream } = raw as { stream?: unknown };
  return stream instanceof Duplex && 'session' in stream ? stream : undefined;
}

const NOT_IN_HOST = /[\s,/?#@\\]/;

/**
 * Whether the client named one well-formed host (RFC 9112 s3.2, RFC 9113 s8.3.1). Node accepts several hosts, and malformed ones. A proxy may then have
 * used another host than the framework does. Two `Host` lines do not count even if they are equal: RFC 9112 has a server refuse them, and ordinary
 * clients do not send them. Over HTTP/2, `Host` may repeat what `:authority` says.
 */
export function namesOneHost({ headers = {}, rawHeaders = [] }: Pick<RawRequest, 'headers' | 'rawHeaders'>): boolean {
  const byName = ['host', ':authority'].map((name) =>
    rawHeaders.length > 0 ? rawHeaders.filter((_value, at) => at % 2 === 1 && rawHeaders[at - 1]!.toLowerCase() === name) : linesOf({ headers }, name),
  );
  const hosts = byName.flat();
  return byName.every((lines) => lines.length <= 1) && new Set(hosts).size <= 1 && !hosts.some((host) => NOT_IN_HOST.test(host));
}

/** Returns `scheme://host[:port]`, or undefined if the protocol or host is invalid. */
export function originOf(protocol: string, host: string | undefined): string | undefined {
  if (protocol !== 'http' && protocol !== 'https') return undefined;
  const url = host && !NOT_IN_HOST.test(host) ? URL.parse(`${protocol}://${host}`) : null;
  return url?.origin;
}

/** A response, over HTTP/1 or HTTP/2. */
interface NativeResponse extends Pick<ServerResponse, 'headersSent' | 'destroyed'> {
  /** HTTP/2 only, where the stream alone shows that the client disconnected. */
  readonly stream?: { readonly destroyed: boolean } | undefined;
}

/** Whether a response was sent or its client disconnected. Both may happen while keys are fetched. */
export function isAnswered({ headersSent, destroyed, stream }: NativeResponse): boolean {
  return headersSent || destroyed || stream?.destroyed === true;
}

/** Returns the headers of a refusal with the content type of its body (RFC 9457). */
export function problemHeaders({ headers }: Deny): ResponseHeaders {
  return { 'content-type': 'application/problem+json', ...headers };
}

/** Sends a refusal, unless another response, such as that of a time-out, was sent already. */
export function sendDenial(response: ServerResponse, denial: Deny): void {
  if (response.headersSent) return;
  response.statusCode = denial.status;
  // earlier middleware may have let shared caches keep the answer
  removeCacheFields(response);
  applyHeaders(response, problemHeaders(denial));
  response.end(JSON.stringify(denial.body));
}

/** Sets a decision's headers on a response. It adds to `Set-Cookie`, and replaces other headers. It does nothing if the headers have been sent. */
export function applyHeaders(response: ServerResponse, headers: ResponseHeaders): void {
  for (const name in headers) {
    if (!Object.hasOwn(headers, name) || response.headersSent) continue;
    if (name === SET_COOKIE) addCookies(response, headers);
    // a copy, because Node appends to the list that it gets
    else response.setHeader(name, copyOf(headers[name]!));
  }
}

function copyOf(value: string | string[]): string | string[] {
  return typeof value === 'string' ? value : [...value];
}
