import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

type AnyIncoming = IncomingMessage | Http2ServerRequest;
type AnyOutgoing = ServerResponse | Http2ServerResponse;

/** Serves Fetch handlers on Node's servers, as the adapters of frameworks do. The signal of a request aborts when its connection closes before the answer. */
export function listenerFor(handle: (request: Request) => Promise<Response>) {
  return (incoming: AnyIncoming, outgoing: AnyOutgoing): void => {
    const leaving = new AbortController();
    outgoing.on('close', () => leaving.abort());
    const request = requestFrom(incoming, leaving.signal);
    answer(request ? handle(request) : Promise.resolve(new Response(null, { status: 400 })), outgoing).catch(() => outgoing.destroy());
  };
}

function requestFrom(incoming: AnyIncoming, signal: AbortSignal): Request | undefined {
  const { method = 'GET', url = '/', rawHeaders, socket } = incoming;
  const fields: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) if (!rawHeaders[at]!.startsWith(':')) fields.push([rawHeaders[at]!, rawHeaders[at + 1]!]);
  const named = 'authority' in incoming ? incoming.authority : (incoming.headers.host ?? '');
  const base = `${'encrypted' in socket ? 'https' : 'http'}://${/^[\w.:[\]-]+$/.test(named) ? named : 'localhost'}`;
  const whole = url.startsWith('/') ? URL.parse(base + url) : /^https?:/.test(url) ? URL.parse(url) : null;
  if (!whole) return undefined;
  const body = ['GET', 'HEAD'].includes(method) ? null : bodyOf(incoming);
  return new Request(whole, { method, headers: fields, body, signal, ...(body && { duplex: 'half' }) });
}

/** Reads nothing before the handler does. */
function bodyOf(incoming: AnyIncoming): ReadableStream<Uint8Array> | null {
  const { headers } = incoming;
  const isEmpty =
    'stream' in incoming ? incoming.stream.endAfterHeaders : headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
  if (isEmpty) return null;
  let chunks: AsyncIterator<Buffer> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        chunks ??= (incoming as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
    },
    { highWaterMark: 0 },
  );
}

async function answer(pending: Promise<Response>, outgoing: AnyOutgoing): Promise<void> {
  const response = await pending;
  if (outgoing.headersSent || outgoing.destroyed) return;
  for (const [name, value] of response.headers) if (name !== 'set-cookie') outgoing.setHeader(name, value);
  if (response.headers.has('set-cookie')) outgoing.setHeader('set-cookie', response.headers.getSetCookie());
  outgoing.statusCode = response.status;
  if (response.body) await pipeline(Readable.fromWeb(response.body as never), outgoing as NodeJS.WritableStream);
  else outgoing.end();
}
