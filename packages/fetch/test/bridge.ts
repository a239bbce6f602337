import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { pipeline } from 'node:stream/promises';
import { setConnection } from '@tokenward/fetch';

/** Serves Fetch handlers on Node's servers, as the adapters of frameworks do. The signal of a request aborts when its connection closes before the answer. */
export function listenerFor(handle: (request: Request) => Promise<Response>) {
  return (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const leaving = new AbortController();
    outgoing.on('close', () => leaving.abort());
    const request = requestFrom(incoming, leaving.signal);
    if (request) setConnection(request, incoming);
    answer(request ? handle(request) : Promise.resolve(new Response(null, { status: 400 })), outgoing).catch(() => outgoing.destroy());
  };
}

function requestFrom(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '/', rawHeaders } = incoming;
  const fields: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) fields.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  const { host = '' } = incoming.headers;
  const scheme = (incoming.socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
  const base = `${scheme}://${/^[\w.:[\]-]+$/.test(host) ? host : 'localhost'}`;
  const whole = url.startsWith('/') ? URL.parse(base + url) : /^https?:/.test(url) ? URL.parse(url) : null;
  if (!whole) return undefined;
  const body = ['GET', 'HEAD'].includes(method) ? null : bodyOf(incoming);
  return new Request(whole, { method, headers: fields, body, signal, ...(body && { duplex: 'half' }) });
}

/** Reads nothing before the handler does. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> | null {
  const { headers } = incoming;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return null;
  let chunks: AsyncIterator<Buffer> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= incoming[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}

async function answer(pending: Promise<Response>, outgoing: ServerResponse): Promise<void> {
  const response = await pending;
  if (outgoing.headersSent || outgoing.destroyed) return;
  for (const [name, value] of response.headers) if (name !== 'set-cookie') outgoing.setHeader(name, value);
  if (response.headers.has('set-cookie')) outgoing.setHeader('set-cookie', response.headers.getSetCookie());
  outgoing.statusCode = response.status;
  if (response.body) await pipeline(Readable.fromWeb(response.body as never), outgoing);
  else outgoing.end();
}
