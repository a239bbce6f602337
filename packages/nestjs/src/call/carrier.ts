import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { ProtectedRequest, ResponseHeaders } from '@tokenward/core';
import { createMemory, headersOf, viewOf } from '@tokenward/core/adapter';

/** What carries the credentials of a call: a request, a socket, a message. The guard remembers it, so that it is verified once. */
export interface Carrier {
  readonly request: object;
  /** The answer that headers are put on, where the call has one of its own. */
  readonly response?: NativeResponse | undefined;
  /** The socket that ends with the token, where the call came by one. */
  readonly socket?: ClosableSocket | undefined;
}

/** Express' response is Node's own, Fastify's reply has it. */
export type NativeResponse = ServerResponse | FastifyReply;

export interface FastifyReply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  headers(headers: ResponseHeaders): unknown;
  code(status: number): FastifyReply;
  send(body: string): unknown;
}

/** A socket of `ws` or of socket.io. */
export interface ClosableSocket {
  once(event: 'close' | 'disconnect', listener: () => void): unknown;
  close?(code: number, reason: string): void;
  disconnect?(): void;
  /** Of `ws`: without waiting for the client's word. */
  terminate?(): void;
  /** What it is closed with. Default: 1008. */
  readonly closeCode?: number;
}

/** Reads the `Authorization` value of a message whose transport has a way of its own to carry one. */
export type RpcAuthorization = (context: ExecutionContext) => string | undefined;

/** Express' or Fastify's request. */
interface NativeRequest {
  readonly method: string;
  readonly originalUrl: string;
  readonly protocol: string;
  readonly host: string;
  readonly raw?: IncomingMessage | undefined;
}

/** Requests that are none of HTTP, as core wants them. */
const views = createMemory<object, ProtectedRequest>();

/** What carries a call's credentials; undefined where that is not known. */
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

/** The request by which a guard knows a call, for those who ask afterwards. */
export function requestOf(context: ExecutionContext): object | undefined {
  if (context.getType<string>() !== 'rpc') return carrierOf(context)?.request;
  const [data, message] = context.getArgs<[unknown, unknown]>();
  return isObject(message) && messages.get(message)?.data === data ? message : undefined;
}

/** Reads what a guard is to decide on. */
export function view(request: object): ProtectedRequest {
  const known = views.get(request);
  if (known) return known;
  const native = request as NativeRequest;
  return viewOf(native, rawOf(native));
}

/** Node's own request: Fastify's has it, Express' is it. */
export function rawOf(request: object): IncomingMessage {
  return (request as NativeRequest).raw ?? (request as IncomingMessage);
}

/** What stands for a request that can't be seen: it shows nothing. */
export function unseenRequest(): object {
  const request = {};
  views.set(request, { method: 'GET', target: '/', headers: {} });
  return request;
}

function ofHttp(request: unknown, response?: NativeResponse): Carrier | undefined {
  return isNativeRequest(request) ? { request, response } : undefined;
}

function isNativeRequest(request: unknown): request is NativeRequest {
  // by what it inherits as well, which a copy has not
  if (typeof request !== 'object' || request === null || !('originalUrl' in request && 'protocol' in request)) return false;
  const raw: Partial<IncomingMessage> = rawOf(request);
  return Array.isArray(raw.rawHeaders) && typeof raw.on === 'function';
}

/** graphql-ws' context of one connection. */
interface GraphqlConnection {
  readonly connectionParams?: Readonly<Record<string, unknown>> | null | undefined;
  readonly extra: { readonly request: IncomingMessage; readonly socket: ClosableSocket };
}

/** The context that Nest hands to resolvers. A reference resolver gets it one argument earlier. */
function graphqlContext(context: ExecutionContext): unknown {
  return context.getArgByIndex(Reflect.hasMetadata('graphql:resolve_reference', context.getHandler()) ? 1 : 2);
}

/** Over HTTP the request; over a subscription's socket what the client said when it connected. */
function ofGraphql(graphql: unknown): Carrier | undefined {
  const { req } = Object(graphql) as { req?: unknown };
  const http = ofHttp(req);
  if (http) return http;
  const connection = [req, graphql].find(isConnection);
  if (!connection) return undefined;
  const { connectionParams, extra } = connection;
  if (!views.get(extra)) views.set(extra, handshakeView(extra.request, authorizationIn(connectionParams)));
  const { socket } = extra;
  return { request: extra, socket: { once: socket.once.bind(socket), close: socket.close!.bind(socket), closeCode: GRAPHQL_FORBIDDEN } };
}

/** The code after which graphql-ws' client connects anew, with a token that it asks for. */
const GRAPHQL_FORBIDDEN = 4403;

function isConnection(value: unknown): value is GraphqlConnection {
  const { extra } = Object(value) as Partial<GraphqlConnection>;
  return Array.isArray((Object(extra) as Partial<GraphqlConnection['extra']>).request?.rawHeaders);
}

/** `Authorization`, in the case in which the client wrote it. */
function authorizationIn(params: GraphqlConnection['connectionParams']): string[] {
  return Object.entries(params ?? {}).flatMap(([name, value]) => (name.toLowerCase() === 'authorization' ? shown(value) : []));
}

/** What is no string is no credentials, and not the absence of them. */
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

/** Remembers what a gateway's client said when it connected, since its messages say nothing of it. */
export function rememberHandshake(client: object, request: object, socket: ClosableSocket): void {
  handshakes.set(client, { request, socket });
}

/** What socket.io tells of a client's handshake, in which a browser can't set headers. */
export interface SocketIoClient extends ClosableSocket {
  readonly handshake: { readonly auth?: Readonly<Record<string, unknown>> | undefined };
  readonly request: IncomingMessage;
}

/** What carries the credentials of a socket.io client: the header of its handshake, or `auth: { token }`. */
export function socketIoRequest(client: SocketIoClient): object {
  const { token } = Object(client.handshake.auth) as { token?: unknown };
  views.set(client, handshakeView(client.request, shown(token, 'Bearer ')));
  return client;
}

/** What carries the credentials of a `ws` client: the request that was upgraded. */
export function upgradeRequest(request: IncomingMessage): object {
  if (!views.get(request)) views.set(request, handshakeView(request, []));
  return request;
}

/** A handshake's request. What stands beside a header is a second way of showing a token, and is seen as one. */
function handshakeView(request: IncomingMessage, beside: readonly string[]): ProtectedRequest {
  const headers = headersOf(request);
  const authorization = [...[headers['authorization'] ?? []].flat(), ...beside];
  return {
    method: request.method ?? 'GET',
    target: request.url ?? '/',
    headers: beside.length === 0 ? headers : { ...headers, authorization: authorization.length === 1 ? authorization[0] : authorization },
  };
}

interface Message {
  readonly data: unknown;
  readonly authorization: unknown;
}
const messages = createMemory<object, Message>();

/**
 * A message's credentials are in its packet's metadata, where the transport has such (TCP, Redis), or where the option says. A transport that
 * hands one context to several messages would have one pass for the other: they are not known.
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
