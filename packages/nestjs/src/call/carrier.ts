import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { ProtectedRequest, ResponseHeaders } from '@tokenward/core';
import { connectionOf, createMemory, headersOf, viewOf } from '@tokenward/core/adapter';

/** What carries the credentials of a call: a request, a socket or a message. The guard remembers it, so that each one is verified once. */
export interface Carrier {
  readonly request: object;
  /** The response of the call, if it has its own. */
  readonly response?: NativeResponse | undefined;
  /** The response of a request that several calls share, as in GraphQL. A call only adds cookies to it. */
  readonly sharedResponse?: NativeResponse | undefined;
  /** The socket on which the call arrived, if any. It is closed when the token ends. */
  readonly socket?: ClosableSocket | undefined;
}

/** Express' response, which is Node's own, or Fastify's reply, which holds it. */
export type NativeResponse = ServerResponse | FastifyReply;

export interface FastifyReply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  headers(headers: ResponseHeaders): unknown;
  getHeader(name: string): unknown;
  getHeaders(): Readonly<Record<string, unknown>>;
  removeHeader(name: string): unknown;
  code(status: number): FastifyReply;
  send(body: string): unknown;
}

/** A socket of `ws` or of socket.io. */
export interface ClosableSocket {
  once(event: 'close' | 'disconnect', listener: () => void): unknown;
  close?(code: number, reason: string): void;
  disconnect?(): void;
  /** `ws` only: closes the connection without waiting for the client. */
  terminate?(): void;
  /** The close code. Default: 1008. */
  readonly closeCode?: number;
}

/** Returns the `Authorization` value of a message, for transports that carry it in their own way. */
export type RpcAuthorization = (context: ExecutionContext) => string | undefined;

/** Express' or Fastify's request. */
interface NativeRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly protocol: string;
  readonly host: string;
  readonly raw?: IncomingMessage | undefined;
}

/** The `ProtectedRequest` of each carrier that is not an HTTP request. */
const views = createMemory<object, ProtectedRequest>();

/** Returns what carries a call's credentials, or undefined if that is unknown. */
export function carrierOf(context: ExecutionContext, rpcAuthorization?: RpcAuthorization): Carrier | undefined {
  switch (context.getType<string>()) {
    case 'http':
      return ofHttp(context.getArgByIndex(0), context.getArgByIndex(1));
    case 'graphql':
      return ofGraphql(graphqlContext(context));
    case 'ws':
      return ofSocket(context.getArgByIndex(0));
    case 'rpc':
      return ofMessage(context, rpcAuthorization);
    default:
      return undefined;
  }
}

/** Returns the object by which the guard remembers a call. */
export function requestOf(context: ExecutionContext): object | undefined {
  if (context.getType<string>() !== 'rpc') return carrierOf(context)?.request;
  const [data, message] = context.getArgs<[unknown, unknown]>();
  return isObject(message) && messages.get(message)?.data === data ? message : undefined;
}

/** Returns the request as core checks it. */
export function view(request: object): ProtectedRequest {
  const known = views.get(request);
  if (known) return known;
  const native = request as NativeRequest;
  return viewOf(native, rawOf(native));
}

/** Returns Node's own request: Fastify's request holds it, Express' request is it. */
export function rawOf(request: object): IncomingMessage {
  return (request as NativeRequest).raw ?? (request as IncomingMessage);
}

/** Returns a request without headers, in place of one that cannot be read. */
export function unseenRequest(): object {
  const request = {};
  views.set(request, { method: 'GET', target: '/', headers: {} });
  return request;
}

function ofHttp(request: unknown, response?: NativeResponse): Carrier | undefined {
  return isNativeRequest(request) ? { request, response } : undefined;
}

function isNativeRequest(request: unknown): request is NativeRequest {
  // `in` also finds inherited members, which a copy of a request lacks
  if (typeof request !== 'object' || request === null || !('originalUrl' in request && 'protocol' in request)) return false;
  const raw: Partial<IncomingMessage> = rawOf(request);
  return Array.isArray(raw.rawHeaders) && typeof raw.on === 'function';
}

/** The context of one connection in graphql-ws. */
interface GraphqlConnection {
  readonly connectionParams?: Readonly<Record<string, unknown>> | null | undefined;
  readonly extra: { readonly request: IncomingMessage; readonly socket: ClosableSocket };
}

/** Returns the context that Nest passes to resolvers. Reference resolvers get it one argument earlier. */
function graphqlContext(context: ExecutionContext): unknown {
  return context.getArgByIndex(Reflect.hasMetadata('graphql:resolve_reference', context.getHandler()) ? 1 : 2);
}

/** Over HTTP, the request carries the credentials. On a subscription's socket, the parameters of the connection do. */
function ofGraphql(graphql: unknown): Carrier | undefined {
  const { req, res, reply } = Object(graphql) as { req?: unknown; res?: unknown; reply?: unknown };
  const http = ofHttp(req);
  // Express' request has its response. Fastify's has none, so the application may add it to the context
  if (http) return { ...http, sharedResponse: [res, reply, (req as { res?: unknown }).res].find(isResponse) };
  const connection = [req, graphql].find(isConnection);
  if (!connection) return undefined;
  const { connectionParams, extra } = connection;
  if (!views.get(extra)) views.set(extra, handshakeView(extra.request, authorizationIn(connectionParams)));
  const { socket } = extra;
  return { request: extra, socket: { once: socket.once.bind(socket), close: socket.close!.bind(socket), closeCode: GRAPHQL_FORBIDDEN } };
}

function isResponse(value: unknown): value is NativeResponse {
  const { getHeader, raw, setHeader } = Object(value) as { getHeader?: unknown; raw?: unknown; setHeader?: unknown };
  return typeof getHeader === 'function' && (isObject(raw) || typeof setHeader === 'function');
}

/** After this close code, the client of graphql-ws asks for a token and connects again. */
const GRAPHQL_FORBIDDEN = 4403;

function isConnection(value: unknown): value is GraphqlConnection {
  const { extra } = Object(value) as Partial<GraphqlConnection>;
  return Array.isArray((Object(extra) as Partial<GraphqlConnection['extra']>).request?.rawHeaders);
}

/** Returns every `authorization` member, in whatever case the client wrote its name. */
function authorizationIn(params: GraphqlConnection['connectionParams']): string[] {
  return Object.entries(params ?? {}).flatMap(([name, value]) => (name.toLowerCase() === 'authorization' ? shown(value) : []));
}

/** A value that is not a string becomes malformed credentials: it must not count as absent. */
function shown(value: unknown, scheme = ''): string[] {
  if (value === undefined || value === null) return [];
  return [typeof value === 'string' ? scheme + value : ''];
}

const handshakes = createMemory<object, Carrier>();

function ofSocket(client: unknown): Carrier | undefined {
  return isObject(client) ? handshakes.get(client) : undefined;
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** Remembers the handshake of a gateway's client, because its messages carry no credentials. */
export function rememberHandshake(client: object, request: object, socket: ClosableSocket): void {
  handshakes.set(client, { request, socket });
}

/** A client of socket.io. Browsers cannot set headers in its handshake, so `auth` may hold the token. */
export interface SocketIoClient extends ClosableSocket {
  readonly handshake: { readonly auth?: Readonly<Record<string, unknown>> | undefined };
  readonly request: IncomingMessage;
}

/** Returns what carries the credentials of a socket.io client: the header of its handshake, or `auth: { token }`. */
export function socketIoRequest(client: SocketIoClient): object {
  const { token } = Object(client.handshake.auth) as { token?: unknown };
  views.set(client, handshakeView(client.request, shown(token, 'Bearer ')));
  return client;
}

/** Returns what carries the credentials of a `ws` client: the request that was upgraded. */
export function upgradeRequest(request: IncomingMessage): object {
  if (!views.get(request)) views.set(request, handshakeView(request, []));
  return request;
}

/** Returns a handshake's request. Values in `beside` count like `Authorization` headers, so a token in both places is a duplicate. */
function handshakeView(request: IncomingMessage, beside: readonly string[]): ProtectedRequest {
  const headers = headersOf(request);
  const authorization = [...[headers['authorization'] ?? []].flat(), ...beside];
  // no framework has seen it, so a proxy's fields are not read
  const { origin, heldBy } = viewOf(request as Partial<NativeRequest>, request);
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    headers: beside.length === 0 ? headers : { ...headers, authorization: authorization.length === 1 ? authorization[0] : authorization },
    ...connectionOf(request),
    origin,
    heldBy,
  };
}

interface Message {
  readonly data: unknown;
  readonly authorization: unknown;
}
const messages = createMemory<object, Message>();

/**
 * Reads a message's credentials: from where `rpcAuthorization` says, or from its packet's metadata, for transports that have it (TCP, Redis). If a transport
 * uses one context for several messages, one could pass as another, so the credentials count as unknown.
 */
function ofMessage(context: ExecutionContext, rpcAuthorization: RpcAuthorization | undefined): Carrier | undefined {
  const [data, message] = context.getArgs<[unknown, unknown]>();
  if (!isObject(message)) return undefined;
  const authorization = rpcAuthorization ? rpcAuthorization(context) : metadataOf(message);
  const known = messages.get(message);
  if (known) return known.data === data && known.authorization === authorization ? { request: message } : undefined;
  messages.set(message, { data, authorization });
  const [shownOne] = shown(authorization);
  views.set(message, { method: 'MESSAGE', target: '/', headers: { authorization: shownOne } });
  return { request: message };
}

function metadataOf(message: object): unknown {
  const { getMetadata } = message as { getMetadata?: () => unknown };
  const metadata: unknown = typeof getMetadata === 'function' ? getMetadata.call(message) : undefined;
  return isObject(metadata) && Object.hasOwn(metadata, 'authorization') ? (metadata as { authorization: unknown }).authorization : undefined;
}
