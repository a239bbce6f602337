import { request, type Agent } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ReceivedResponse } from '../expect-refusal.js';

export interface Sent {
  readonly method?: string | undefined;
  /** Path and query, to the letter. */
  readonly path: string;
  /** Field lines, in their order; a name may stand twice. */
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined;
  readonly token?: string | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly agent?: Agent | undefined;
}

export interface Received extends ReceivedResponse {
  readonly body: string;
  /** Every line of a field. */
  lines(name: string): string[];
  json(): unknown;
}

const TIMEOUT_MS = 10_000;

/** Sends one request over a socket of its own, unless an agent is given. */
export function send(origin: string, { method = 'GET', path, headers = [], token, json, agent }: Sent): Promise<Received> {
  const { hostname, port, host } = new URL(origin);
  const payload = json === undefined ? undefined : JSON.stringify(json);
  const lines = [
    ...(headers.some(([name]) => name.toLowerCase() === 'host') ? [] : [['host', host] as const]),
    ...headers,
    ...(token === undefined ? [] : [['authorization', `Bearer ${token}`] as const]),
    ...(payload === undefined ? [] : [['content-type', 'application/json'] as const, ['content-length', String(Buffer.byteLength(payload))] as const]),
  ];
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path, headers: lines.flat() as never, agent: agent ?? false, timeout: TIMEOUT_MS });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer within ${TIMEOUT_MS / 1000} s`)));
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      text(incoming).then((body) => resolve(received(incoming.statusCode!, incoming.rawHeaders, body)), reject);
    });
    outgoing.end(payload);
  });
}

/**
 * Sends bytes as they are, where no HTTP client would, and gives the answer's status; undefined where the connection was closed without one.
 * The message must say `Connection: close`.
 */
export async function sendRaw(origin: string, message: string): Promise<number | undefined> {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
  socket.write(message, 'latin1');
  const status = /^HTTP\/1\.1 (\d{3})/.exec(await text(socket))?.[1];
  return status === undefined ? undefined : Number(status);
}

function received(status: number, rawHeaders: readonly string[], body: string): Received {
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
