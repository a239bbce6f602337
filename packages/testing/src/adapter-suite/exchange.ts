import { Agent, request as requestOverHttp, type AgentOptions } from 'node:http';
import { request as requestOverTls } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { FetchedResponse } from '../received.js';

export interface Sent {
  readonly method?: string | undefined;
  /** Path and query, sent as they are. */
  readonly path: string;
  /** Field lines in their order. A name may be repeated. */
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
  readonly token?: string | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Instead of `json`: a form body, sent as it is. */
  readonly form?: string | undefined;
  /** With `form`: another content type. */
  readonly contentType?: string | undefined;
  /** Instead of `json`: announces a body of this many bytes and sends only its beginning. A server that reads the whole body never answers. */
  readonly announcedBytes?: number | undefined;
  /** Ignored over HTTP/2, which uses one connection. */
  readonly agent?: Agent | undefined;
  /** At an https origin: the authority of the server, and the certificate of the client. */
  readonly tls?: ClientTls | undefined;
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

export interface ClientTls {
  readonly ca: string;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface Received extends FetchedResponse {
  readonly body: string;
  /** Returns every line of a field. */
  lines(name: string): string[];
  json(): unknown;
}

export type Ask = (sent: Sent) => Promise<Received>;

const TIMEOUT_MS = 10_000;
/** A server that waits for the rest of an unfinished body is detected sooner. */
const UNREAD_TIMEOUT_MS = 3_000;
/** A little less than HTTP/2 lets a client send before the server has read some of it (RFC 9113 s6.9.2). */
const BEGUN_BYTES = 65_000;

/** How long a connection waits for its next request. Servers close theirs after some seconds: Node's after five. */
const IDLE_MS = 1_000;

/**
 * Returns an agent whose requests share connections. It closes an idle connection long before a server does: a request that is sent while the server closes the
 * connection would fail. Without a time, Node's agent keeps connections until the server closes them, whatever its `Keep-Alive` says.
 */
export function keepAliveAgent(options: Pick<AgentOptions, 'maxSockets'> = {}): Agent {
  return new Agent({ ...options, keepAlive: true, timeout: IDLE_MS });
}

/** Sends one request, over its own socket if no agent is given. */
export function send(origin: string, sent: Sent): Promise<Received> {
  const { method = 'GET', path, agent, tls, signal } = sent;
  const { hostname, port, host, protocol } = new URL(origin);
  const request = protocol === 'https:' ? requestOverTls : requestOverHttp;
  const { payload, isBegun, lines, timeoutMs } = messageOf(sent, host);
  return new Promise((resolve, reject) => {
    const headers = lines.flat() as never;
    const outgoing = request({ hostname, port, method, path, headers, ...tls, agent: agent ?? false, timeout: timeoutMs, ...(signal && { signal }) });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs / 1000} s`)));
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      text(incoming)
        .then((body) => resolve(received(incoming.statusCode!, incoming.rawHeaders, body)), reject)
        .finally(() => isBegun && outgoing.destroy());
    });
    if (isBegun) outgoing.write(payload);
    else outgoing.end(payload);
  });
}

/** Returns the field lines and the body of a request, whether the body is unfinished, and how long to wait for the answer. */
export function messageOf({ headers = [], token, json, form, contentType, announcedBytes }: Sent, host: string) {
  const isBegun = announcedBytes !== undefined;
  const payload = isBegun ? Buffer.alloc(Math.min(announcedBytes, BEGUN_BYTES), ' ') : (form ?? (json === undefined ? undefined : JSON.stringify(json)));
  const lines: (readonly [name: string, value: string])[] = [
    ...(headers.some(([name]) => name.toLowerCase() === 'host') ? [] : [['host', host] as const]),
    ...headers,
    ...(token === undefined ? [] : [['authorization', `Bearer ${token}`] as const]),
  ];
  if (payload !== undefined) {
    lines.push(['content-type', form === undefined ? 'application/json' : (contentType ?? 'application/x-www-form-urlencoded')]);
    lines.push(['content-length', String(announcedBytes ?? Buffer.byteLength(payload))]);
  }
  return { payload, isBegun, lines, timeoutMs: isBegun ? UNREAD_TIMEOUT_MS : TIMEOUT_MS };
}

/**
 * Sends bytes that no HTTP client would send, and returns the status of the answer, or undefined if the connection was closed without one. The message
 * must contain `Connection: close`.
 */
export async function sendRaw(origin: string, message: string): Promise<number | undefined> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
  socket.write(message, 'latin1');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(await text(socket))?.[1];
  return status === undefined ? undefined : Number(status);
}

export function received(status: number, rawHeaders: readonly string[], body: string): Received {
  function lines(name: string): string[] {
    return rawHeaders.filter((_line, index) => index % 2 === 1 && rawHeaders[index - 1]!.toLowerCase() === name.toLowerCase());
  }

  return {
    status,
    body,
    lines,
    headers: { get: (name) => (lines(name).length > 0 ? lines(name).join(', ') : null) },
    text: () => Promise.resolve(body),
    json: () => JSON.parse(body) as unknown,
  };
}
