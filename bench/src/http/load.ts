import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Load {
  readonly port: number;
  readonly requests: number;
  readonly connections: number;
  /** Returns the text of the next request. */
  readonly nextRequest: () => string;
  /** Upper limit of requests per second. Default: as many as the server answers. */
  readonly perSecond?: number | undefined;
}

interface Due {
  readonly request: string;
  readonly waitMilliseconds: number;
}

const SILENCE_SECONDS = 10;

/**
 * Sends requests over connections that are kept alive, one at a time on each, and accepts no answer but 200. It does just enough of HTTP not to slow
 * the server down: the client has one of the machine's cores, the server another.
 *
 * @returns the duration in microseconds, without the opening of connections
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
    await Promise.all(sockets.map((socket) => sendRequests(socket, takeRequest))).finally(rest);
    return (performance.now() - startedAt) * 1000;
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

/**
 * Keeps this process from sleeping while it waits. To wake a sleeping process costs the writer more than the write itself, most of all on a virtual
 * machine, and a slow server would have to do so more often: the client's sleep would count as the server's CPU time.
 */
function stayAwake(): () => void {
  let immediate = setImmediate(again);
  function again(): void {
    immediate = setImmediate(again);
  }
  return () => clearImmediate(immediate);
}

/** Sends the next request when the answer to the last one has arrived, until there are no more. */
async function sendRequests(socket: Socket, takeRequest: () => Due | undefined): Promise<void> {
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

/** Without it in a body, the last chunk ends a response. JSON in one line does not contain it. */
const LAST_CHUNK = '\r\n0\r\n\r\n';

/** Returns undefined until the header section is complete, and the last of the chunks of a body without a length. */
function responseLength(received: string): number | undefined {
  const headersEnd = received.indexOf('\r\n\r\n');
  if (headersEnd < 0) return undefined;
  const head = received.slice(0, headersEnd + 2);
  const bodyLength = /\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1];
  if (bodyLength !== undefined) return headersEnd + 4 + Number(bodyLength);
  if (!/\r\ntransfer-encoding: chunked\r\n/i.test(head)) throw new Error('the response has no Content-Length and no chunks');
  const lastChunk = received.indexOf(LAST_CHUNK, headersEnd);
  return lastChunk < 0 ? undefined : lastChunk + LAST_CHUNK.length;
}
