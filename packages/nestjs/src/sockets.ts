import type { IncomingMessage } from 'node:http';
import type { ApplicationConfig } from '@nestjs/core';
import type { WebSocketAdapter } from '@nestjs/common';
import { ConfigurationError, type Auth, type Decision, type Deny } from '@tokenward/core';
import { createMemory } from '@tokenward/core/adapter';
import { rememberHandshake, socketIoRequest, upgradeRequest, type ClosableSocket, type SocketIoClient } from './carrier.js';
import { detailsOf } from './denial.js';

/** Where a gateway listens. */
export interface Place {
  readonly port: number;
  readonly path: string | undefined;
  readonly namespace: unknown;
}

/** What those who connect at a place must show. */
export interface Handshake {
  decide(request: object): Decision | Promise<Decision>;
  /** Sees to it that the socket ends with the token that it came with. */
  watch(request: object, socket: ClosableSocket): void;
}

/**
 * Has every gateway's handshake decided on, whatever adapter the application uses, since Nest runs no guard for `handleConnection`. The adapter
 * is given to Nest after this, so each one that Nest is given is looked after.
 */
export function guardHandshakes(config: ApplicationConfig, handshakeAt: (place: Place) => Handshake | undefined): void {
  const setIoAdapter = config.setIoAdapter.bind(config);
  config.setIoAdapter = (adapter) => setIoAdapter(guardAdapter(adapter, handshakeAt));
  const given = config.getIoAdapter() as WebSocketAdapter | undefined;
  if (given) config.setIoAdapter(given);
}

function guardAdapter(adapter: WebSocketAdapter, handshakeAt: (place: Place) => Handshake | undefined): WebSocketAdapter {
  const create = adapter.create.bind(adapter);
  const bindClientConnect = adapter.bindClientConnect.bind(adapter);
  const places = new Map<object, Place>();
  /** One for each server, which gateways may share. */
  const guarded = new Map<object, OnConnection | undefined>();

  adapter.create = (port: number, options?: { path?: string; namespace?: unknown }): unknown => {
    const server = create(port, options) as object;
    places.set(server, { port, path: options?.path, namespace: options?.namespace });
    return server;
  };

  adapter.bindClientConnect = (server: object, callback: (client: object, ...rest: unknown[]) => void): void => {
    if (!guarded.has(server)) guarded.set(server, guardServer(server, handshakeAt(places.get(server) ?? NOWHERE)));
    const isAdmitted = guarded.get(server);
    bindClientConnect(server, (client: ClosableSocket, ...rest: unknown[]) => {
      if (!isAdmitted || isAdmitted(client, rest[0])) callback(client, ...rest);
      else end(client);
    });
  };
  return adapter;
}

/** A server that the adapter made in a way of its own: what any gateway needs is needed there. */
const NOWHERE: Place = { port: -1, path: undefined, namespace: undefined };

/** Tells, when a client is connected, whether its handshake was admitted; what it came with is then known for its messages. */
type OnConnection = (client: ClosableSocket, request: unknown) => boolean;

/** @returns undefined for servers that are open to everybody, and whose clients can't be known */
function guardServer(server: object, handshake: Handshake | undefined): OnConnection | undefined {
  if (isSocketIo(server)) return guardSocketIo(server, handshake);
  if (isWs(server)) return guardWs(server, handshake);
  if (!handshake) return undefined;
  throw new ConfigurationError([
    { path: 'WebSocket adapter', message: "has a server that is neither socket.io's nor that of ws: only where all gateways are @Public() can it be used" },
  ]);
}

/** socket.io's server, or one of its namespaces. */
interface SocketIoServer {
  use(middleware: (client: SocketIoClient, next: (error?: Error) => void) => void): void;
}

function isSocketIo(server: object): server is SocketIoServer {
  return typeof (server as Partial<SocketIoServer>).use === 'function';
}

function guardSocketIo(server: SocketIoServer, handshake: Handshake | undefined): OnConnection {
  const admitted = createMemory<object, true>();

  server.use((client, next) => {
    const request = socketIoRequest(client);
    settle(
      handshake,
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
    handshake?.watch(client, client);
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

/** The upgrade is refused as an HTTP request is, before the socket opens. */
function guardWs({ options }: WsServer, handshake: Handshake | undefined): OnConnection {
  const admitted = createMemory<object, true>();
  const given = options.verifyClient;

  options.verifyClient = (info, callback) => {
    const request = upgradeRequest(info.req);
    settle(
      handshake,
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
    handshake?.watch(request, client);
    return true;
  };
}

/** `ws` has a content type of its own, and looks for another one by this spelling. */
function headersOf({ headers: { 'content-type': type, ...headers } }: Deny): Record<string, string | string[]> {
  return { ...headers, 'Content-Type': type! };
}

/** @param refuse gets no decision where deciding failed */
function settle(handshake: Handshake | undefined, request: object, admit: () => void, refuse: (denied?: Deny) => void): void {
  function settled(decision: Decision): void {
    if (decision.outcome === 'allow') admit();
    else refuse(decision);
  }

  if (!handshake) return admit();
  new Promise<Decision>((resolve) => resolve(handshake.decide(request))).then(settled).catch(() => refuse());
}

const watched = createMemory<object, true>();
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const AGAIN_MS = 1000;

/**
 * Ends a socket when the token that it came with does.
 *
 * @param request what the token is known by
 */
export function endWithToken(request: object, socket: ClosableSocket, { expiresAt }: Auth, stillAdmitted: () => boolean): void {
  if (watched.get(request)) return;
  watched.set(request, true);
  let timer: NodeJS.Timeout;

  function wait(): void {
    const milliseconds = expiresAt * 1000 - Date.now();
    timer = setTimeout(look, Math.min(Math.max(milliseconds, AGAIN_MS), LONGEST_TIMER_MS));
    timer.unref();
  }

  function look(): void {
    if (stillAdmitted()) wait();
    else end(socket);
  }

  for (const event of ['close', 'disconnect'] as const) socket.once(event, () => clearTimeout(timer));
  wait();
}

/** RFC 6455 s7.4.1: for one that acts against the rules of the place. */
const POLICY_VIOLATION = 1008;

function end(socket: ClosableSocket): void {
  if (typeof socket.disconnect === 'function') socket.disconnect();
  else socket.close?.(socket.closeCode ?? POLICY_VIOLATION, 'The access token is no longer valid');
}
