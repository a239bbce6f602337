import { misuse, createMemory, problemHeaders, SET_COOKIE } from '@tokenward/core/adapter';
import type { IncomingMessage } from 'node:http';
import type { ApplicationConfig } from '@nestjs/core';
import type { WebSocketAdapter } from '@nestjs/common';
import type { ConfigurationError } from '@tokenward/core';
import { type Auth, type Decision, type Deny } from '@tokenward/core';
import { rememberHandshake, socketIoRequest, upgradeRequest, type ClosableSocket, type SocketIoClient } from '../call/carrier.js';
import { detailsOf } from '../answer/denial.js';

/** Where a gateway listens. */
export interface Place {
  /** undefined: unknown. */
  readonly port: number | undefined;
  readonly path: string | undefined;
  readonly namespace: unknown;
}

/** The sockets of all gateways, each of them guarded. */
export interface GuardedSockets {
  /** How often a gateway was bound to a socket. */
  bound(): number;
}

/** The requirements for clients that connect at a place. */
export interface Handshake {
  decide(request: object): Decision | Promise<Decision>;
  /** Ends the socket when the token of its handshake ends. */
  watch(request: object, socket: ClosableSocket): void;
}

type HandshakeAt = (places: readonly Place[]) => Handshake | undefined;

/**
 * Guards the handshake of every gateway, with any WebSocket adapter: Nest runs no guards for `handleConnection`. Nest gets its adapters after this call, so each
 * one is guarded as it is set.
 */
export function guardHandshakes(config: ApplicationConfig, handshakeAt: HandshakeAt): GuardedSockets {
  const setIoAdapter = config.setIoAdapter.bind(config);
  let bound = 0;
  config.setIoAdapter = (adapter) => setIoAdapter(guardAdapter(adapter, handshakeAt, () => bound++));
  const given = config.getIoAdapter() as WebSocketAdapter | undefined;
  if (given) config.setIoAdapter(given);
  return { bound: () => bound };
}

/** One server. Several gateways may listen at its places. */
interface Guarded {
  readonly places: Place[];
  handshake: Handshake | undefined;
  isAdmitted: OnConnection | undefined;
}

function guardAdapter(adapter: WebSocketAdapter, handshakeAt: HandshakeAt, tell: () => void): WebSocketAdapter {
  const create = adapter.create.bind(adapter);
  const bindClientConnect = adapter.bindClientConnect.bind(adapter);
  const servers = new Map<object, Guarded>();

  function guardedOf(server: object): Guarded {
    const known = servers.get(server) ?? { places: [], handshake: undefined, isAdmitted: undefined };
    servers.set(server, known);
    return known;
  }

  adapter.create = (port: number, options?: { path?: string; namespace?: unknown }): unknown => {
    const server = create(port, options) as object;
    guardedOf(server).places.push({ port, path: options?.path, namespace: options?.namespace });
    return server;
  };

  adapter.bindClientConnect = (server: object, callback: (client: object, ...rest: unknown[]) => void): void => {
    const guarded = guardedOf(server);
    guarded.handshake = handshakeAt(guarded.places.length > 0 ? guarded.places : [NOWHERE]);
    guarded.isAdmitted ??= guardServer(server, guarded);
    if (!guarded.isAdmitted && guarded.handshake) throw unknownServer();
    tell();
    bindClientConnect(server, (client: ClosableSocket, ...rest: unknown[]) => {
      if (!guarded.isAdmitted || guarded.isAdmitted(client, rest[0])) callback(client, ...rest);
      else end(client);
    });
  };
  return adapter;
}

const NOWHERE: Place = { port: undefined, path: undefined, namespace: undefined };

/** Returns whether the handshake of a connected client was admitted, and remembers its credentials for its messages. */
type OnConnection = (client: ClosableSocket, request: unknown) => boolean;

/** Returns undefined for servers of an unknown kind. */
function guardServer(server: object, guarded: Guarded): OnConnection | undefined {
  if (isSocketIo(server)) return guardSocketIo(server, guarded);
  return isWs(server) ? guardWs(server, guarded) : undefined;
}

function unknownServer(): ConfigurationError {
  const message = 'has a server of neither socket.io nor ws, whose handshakes cannot be guarded. Use one of these, or put @Public() on every gateway';
  return misuse('WebSocket adapter', message);
}

/** socket.io's server, or one of its namespaces. */
interface SocketIoServer {
  readonly opts?: { readonly connectionStateRecovery?: { skipMiddlewares?: boolean } };
  /** Namespaces only. */
  readonly server?: SocketIoServer;
  use(middleware: (client: SocketIoClient, next: (error?: Error) => void) => void): void;
}

function isSocketIo(server: object): server is SocketIoServer {
  return typeof (server as Partial<SocketIoServer>).use === 'function';
}

function guardSocketIo(server: SocketIoServer, guarded: Guarded): OnConnection {
  const recovery = (server.server ?? server).opts?.connectionStateRecovery;
  // a client that comes back needs a token like any other: the old one may have expired
  if (recovery) recovery.skipMiddlewares = false;
  const admitted = createMemory<object, true>();

  server.use((client, next) => {
    const request = socketIoRequest(client);
    settle(
      guarded.handshake,
      request,
      () => {
        admitted.set(client, true);
        next();
      },
      (denied) => next(denied ? Object.assign(new Error(denied.body.title), { data: detailsOf(denied) }) : new Error('Internal server error')),
    );
  });

  return (client) => {
    if (!admitted.get(client)) return false;
    rememberHandshake(client, client, client);
    guarded.handshake?.watch(client, client);
    return true;
  };
}

/** The server of `ws`. */
interface WsServer {
  options: { verifyClient?: VerifyClient | null };
}

type VerifyClient = (
  info: { origin: string; secure: boolean; req: IncomingMessage },
  callback: (verified: boolean, code?: number, message?: string, headers?: Record<string, string | string[]>) => void,
) => boolean | void;

function isWs(server: object): server is WsServer {
  return typeof (server as { handleUpgrade?: unknown }).handleUpgrade === 'function' && typeof (server as Partial<WsServer>).options === 'object';
}

/** Refuses an upgrade like any HTTP request, before the socket opens. */
function guardWs({ options }: WsServer, guarded: Guarded): OnConnection {
  const admitted = createMemory<object, true>();
  const given = options.verifyClient;

  options.verifyClient = (info, callback) => {
    const request = upgradeRequest(info.req);
    settle(
      guarded.handshake,
      request,
      () => {
        admitted.set(request, true);
        if (!given) callback(true);
        else if (given.length === 2) given(info, callback);
        else callback(given(info, callback) === true);
      },
      (denied) => (denied ? callback(false, denied.status, JSON.stringify(denied.body), headersOf(denied)) : callback(false, 500)),
    );
  };

  return (client, request) => {
    if (typeof request !== 'object' || request === null || !admitted.get(request)) return false;
    rememberHandshake(client, request, client);
    guarded.handshake?.watch(request, client);
    return true;
  };
}

/**
 * `ws` sets its own content type, unless there is a header with exactly this spelling. It joins several lines of a field to one. So a second challenge has its
 * name in another spelling, and cookies are left out: the session sets them again with the next answer.
 */
function headersOf(decision: Deny): Record<string, string | string[]> {
  const { 'content-type': type, 'www-authenticate': challenges, [SET_COOKIE]: _cookies, ...headers } = problemHeaders(decision);
  const [first, second] = [challenges ?? []].flat();
  return {
    ...headers,
    'Content-Type': type!,
    ...(first !== undefined && { 'www-authenticate': first }),
    ...(second !== undefined && { 'WWW-Authenticate': second }),
  };
}

/** @param refuse gets no decision if the check failed */
function settle(handshake: Handshake | undefined, request: object, admit: () => void, refuse: (denied?: Deny) => void): void {
  function settled(decision: Decision): void {
    if (decision.outcome === 'allow') admit();
    else refuse(decision);
  }

  if (!handshake) return admit();
  new Promise<Decision>((resolve) => resolve(handshake.decide(request))).then(settled).catch(() => refuse());
}

const watched = createMemory<object, true>();

/**
 * Closes a socket when its token expires or is revoked.
 *
 * @param request the carrier of the token
 */
export function endWithToken(request: object, socket: ClosableSocket, { signal }: Auth): void {
  if (watched.get(request)) return;
  watched.set(request, true);

  function endIt(): void {
    end(socket);
  }

  signal.addEventListener('abort', endIt, { once: true });
  // clients of socket.io can send any event but this one
  socket.once(typeof socket.disconnect === 'function' ? 'disconnect' : 'close', () => signal.removeEventListener('abort', endIt));
  if (signal.aborted) endIt();
}

const CLOSING_MS = 1000;
/** The endpoint received a message that violates its policy (RFC 6455 s7.4.1). */
const POLICY_VIOLATION = 1008;

function end(socket: ClosableSocket): void {
  if (typeof socket.disconnect === 'function') socket.disconnect();
  else {
    socket.close?.(socket.closeCode ?? POLICY_VIOLATION, 'The access token is no longer valid');
    // a client may ignore the close frame, and its messages still arrive
    if (socket.terminate) setTimeout(() => socket.terminate!(), CLOSING_MS).unref();
  }
}
