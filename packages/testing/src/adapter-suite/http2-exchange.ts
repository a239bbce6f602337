import { connect, constants, type ClientHttp2Session, type IncomingHttpHeaders, type IncomingHttpStatusHeader, type OutgoingHttpHeaders } from 'node:http2';
import { text } from 'node:stream/consumers';
import { messageOf, received, type Ask, type ClientTls, type Received, type Sent } from './exchange.js';

/** One connection over HTTP/2, for all requests. */
export interface Http2Connection {
  readonly ask: Ask;
  close(): void;
}

/** Connects without TLS at an http origin (prior knowledge). At an https one the server may have any certificate, unless its authority is given. */
export function connectHttp2(origin: string, tls?: ClientTls): Http2Connection {
  const session = connect(origin, tls ?? { rejectUnauthorized: false });
  // each stream reports the errors of the connection
  session.on('error', () => {});
  return { ask: (sent) => sendHttp2(session, new URL(origin).host, sent), close: () => session.destroy() };
}

/** An answer is complete once the server has ended the stream without an error, even if it has not read the body of the request. */
function sendHttp2(session: ClientHttp2Session, host: string, sent: Sent): Promise<Received> {
  const { method = 'GET', path, signal } = sent;
  const { payload, isBegun, lines, timeoutMs } = messageOf(sent, host);
  return new Promise((resolve, reject) => {
    const fields = { ':method': method, ':path': path, ...fieldsOf(lines) };
    const stream = session.request(fields, { endStream: payload === undefined, ...(signal && { signal }) });
    let status = 0;
    let rawHeaders: string[] = [];
    stream.setTimeout(timeoutMs, () => stream.destroy(new Error(`${method} ${path}: no answer within ${timeoutMs / 1000} s`)));
    stream.once('error', reject);
    // Node joins the lines of most fields in the headers, but not in the raw ones, which its types do not know
    const onResponse = ({ ':status': code }: IncomingHttpHeaders & IncomingHttpStatusHeader, _flags: number, raw: readonly string[]): void => {
      status = code ?? 0;
      rawHeaders = raw.filter((_text, at) => !raw[at - (at % 2)]!.startsWith(':'));
    };
    stream.once('response', onResponse as unknown as (headers: IncomingHttpHeaders) => void);
    const closed = new Promise<void>((done) => stream.once('close', done));
    Promise.all([text(stream), closed]).then(([body]) => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR) resolve(received(status, rawHeaders, body));
      else reject(new Error(`${method} ${path}: the stream was reset with code ${stream.rstCode}`));
    }, reject);
    if (isBegun) stream.write(payload);
    else if (payload !== undefined) stream.end(payload);
  });
}

/** A field with several lines becomes an array. HTTP/2 sends the host in `:authority` (RFC 9113 s8.3.1). */
function fieldsOf(lines: readonly (readonly [name: string, value: string])[]): OutgoingHttpHeaders {
  const fields: Record<string, string | string[]> = {};
  for (const [given, value] of lines) {
    const lower = given.toLowerCase();
    const name = lower === 'host' ? ':authority' : lower;
    fields[name] = name in fields ? [fields[name]!, value].flat() : value;
  }
  return fields;
}
