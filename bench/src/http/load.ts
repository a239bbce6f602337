import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  readonly requests: number;
  readonly connections: number;
  /** The whole of the next request, as it goes over the wire. */
  readonly nextRequest: () => string;
  /** Sends no more than so many. Without it: as many as are answered. */
  readonly perSecond?: number | undefined;
}

interface Due {
  readonly request: string;
  readonly waitMilliseconds: number;
}

const SILENCE_SECONDS = 10;

/**
 * Sends requests over connections that are kept alive, each with one request on its way at a time, and takes nothing but 200 for an answer.
 * It does just enough of HTTP that the client is no brake on the server: it has one of the machine's cores, the server another.
 *
 * @returns how long it took, in microseconds, the opening of connections not included
 */
export async function applyLoad({ port, requests, connections, nextRequest, perSecond }: Load): Promise<number> {
  const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }));
  try {
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const rest = stayAwake();
    let sent = 0;
    const startedAt = performance.now();
    function takeRequest(): Due | undefined {
      if (sent >= requests) return undefined;
      const dueAt = perSecond === undefined ? 0 : startedAt + (sent / perSecond) * 1000;
      sent++;
      return { request: nextRequest(), waitMilliseconds: dueAt - performance.now() };
    }
    await Promise.all(sockets.map((socket) => converse(socket, takeRequest))).finally(rest);
    return (performance.now() - startedAt) * 1000;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/**
 * Keeps this process from sleeping while it waits. To wake a sleeping process costs him who writes to it more than the writing, on a virtual
 * machine most of all, and the more often the slower he answers: on one machine the client's sleep would stand in the server's account.
 */
function stayAwake(): () => void {
  let immediate = setImmediate(again);
  function again(): void {
    immediate = setImmediate(again);
  }
  return () => clearImmediate(immediate);
}

/** Sends a request whenever the answer to the last one has come, until there are no more. */
async function converse(socket: Socket, takeRequest: () => Due | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    let received = '';

    function send(): void {
      const due = takeRequest();
      if (due === undefined) resolve();
      else if (due.waitMilliseconds < 1) socket.write(due.request, 'latin1');
      else setTimeout(() => socket.write(due.request, 'latin1'), due.waitMilliseconds);
    }

    socket.setEncoding('latin1');
    socket.setTimeout(SILENCE_SECONDS * 1000, () => reject(new Error(`the server was silent for ${SILENCE_SECONDS} s`)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server closed the connection')));
    socket.on('data', (chunk: string) => {
      received += chunk;
      const length = responseLength(received);
      if (length === undefined || received.length < length) return;
      if (!received.startsWith('HTTP/1.1 200 ')) return reject(new Error(`the server answered ${received.slice(9, received.indexOf('\r\n'))}`));
      received = received.slice(length);
      send();
    });
    send();
  });
}

/** undefined while the header section is not complete. */
function responseLength(received: string): number | undefined {
  const headersEnd = received.indexOf('\r\n\r\n');
  if (headersEnd < 0) return undefined;
  const bodyLength = /\r\ncontent-length: (\d+)\r\n/i.exec(received.slice(0, headersEnd + 2))?.[1];
  if (bodyLength === undefined) throw new Error('the response has no Content-Length');
  return headersEnd + 4 + Number(bodyLength);
}
