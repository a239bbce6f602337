import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { collectBytes } from '../lib/collect-bytes.js';
import { connectionOptions } from './connection.js';
import { bodyWithoutMessages, withoutMessage } from './fetch-failure.js';
import { InternalAddressError, isInternal } from './public-address.js';

/** A response. The body is decompressed, and the reader must limit its size. */
export interface Answer {
  readonly status: number;
  header(name: string): string | null;
  readonly body: AsyncIterable<Uint8Array>;
  /** Abandons the body unread. */
  discard(): void;
}

/**
 * Fetches a URL with GET, or posts to it, and follows no redirect. With `publicOnly` it does not connect to hosts without a public address. The signal aborts
 * after `timeoutMs` at the latest.
 */
export type Transport = (
  url: string,
  signal: AbortSignal,
  publicOnly: boolean,
  timeoutMs: number,
  /** undefined: GET without credentials. */
  sent?: PostRequest | AuthorizedGet,
  /** Only for https. A user's own fetch opens its own connections, so it ignores them. */
  tls?: TlsParts | TlsTrust,
) => Promise<Answer>;

const HEADERS = { accept: 'application/json', 'accept-encoding': 'identity' };

/** The parts of a POST request. */
export interface PostRequest {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A GET request with the credentials of this API. */
export interface AuthorizedGet {
  readonly method: 'GET';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: undefined;
}

/** The authorities that sign the server's certificate, in PEM, instead of those of Node. */
export interface TlsTrust {
  readonly ca: string;
  /** The same authorities, already parsed. Not every runtime can use it. */
  readonly secureContext?: SecureContext | undefined;
}

/** What a TLS connection shows and trusts, in PEM. */
export interface TlsParts {
  /** The client certificate (RFC 8705). */
  readonly cert: string;
  readonly key: string;
  /** The authorities that sign the server's certificate. Default: those of Node. */
  readonly ca?: string | undefined;
}

/** Sends one request with Node's own HTTP client, which lets us check the address before it connects. See {@link connectionOptions}. */
export const nodeRequest: Transport = (url, signal, publicOnly, timeoutMs, sent, tls) =>
  new Promise((resolve, reject) => {
    const { protocol, hostname } = new URL(url);
    if (publicOnly && isInternal(url)) {
      reject(new InternalAddressError(hostname));
      return;
    }
    const { method = 'GET', headers, body } = sent ?? {};
    const length = body === undefined ? undefined : { 'content-length': Buffer.byteLength(body) };
    const options = { method, headers: { ...HEADERS, ...length, ...headers }, signal, ...connectionOptions(url, publicOnly, timeoutMs) };
    const request = protocol === 'https:' ? requestHttps(url, { ...options, ...tls }) : requestHttp(url, options);
    request.once('response', (incoming) => resolve(answerOf(incoming)));
    request.once('upgrade', (_incoming, socket) => {
      socket.destroy();
      reject(new Error('the server switched to another protocol'));
    });
    // stays after the response begins: an error event without a listener would end the process
    request.on('error', reject);
    // does nothing if the promise is settled already
    request.once('close', () => reject(new Error('the connection was closed without an answer')));
    request.end(body);
  });

/**
 * Reads the body of an answer.
 *
 * @throws Error if it has more than `maxBytes` after decompression
 */
export async function readBytes({ body }: Answer, maxBytes: number): Promise<Buffer> {
  const bytes = collectBytes(maxBytes);
  // leaving the loop abandons the rest
  for await (const chunk of body) if (!bytes.add(chunk)) throw new Error(`the answer is larger than ${maxBytes} bytes`);
  return bytes.buffer();
}

function answerOf(incoming: IncomingMessage): Answer {
  const { headers } = incoming;
  return {
    status: incoming.statusCode ?? 0,
    header(name) {
      const value = headers[name];
      return value === undefined ? null : String(value);
    },
    get body() {
      return inflated(incoming, headers['content-encoding']?.toLowerCase());
    },
    discard: () => void incoming.destroy(),
  };
}

/** The request asks for no compression, but some servers store only compressed documents. */
function inflated(incoming: IncomingMessage, encoding: string | undefined): Readable {
  if (encoding === undefined || encoding === 'identity') return incoming;
  const inflate =
    encoding === 'gzip' || encoding === 'x-gzip'
      ? createGunzip()
      : encoding === 'deflate'
        ? createInflate()
        : encoding === 'br'
          ? createBrotliDecompress()
          : undefined;
  if (!inflate) {
    incoming.destroy();
    // not repeated: a server may have copied it from the request
    throw new Error('the answer has an unknown content-encoding');
  }
  incoming.once('error', (error) => inflate.destroy(error));
  inflate.once('close', () => incoming.destroy());
  return incoming.pipe(inflate);
}

/** Returns a transport over the user's own fetch. It checks an address in the URL, but not the addresses to which that fetch resolves a host name. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return async (url, signal, publicOnly, _timeoutMs, sent) => {
    if (publicOnly && isInternal(url)) throw new InternalAddressError(new URL(url).hostname);
    const { method = 'GET', headers, body = null } = sent ?? {};
    const response = await call();
    const content = response.body ?? NOTHING;
    return {
      // a fetch that does not know `redirect: 'manual'` has followed it
      status: response.redirected ? 302 : response.status,
      header: (name) => response.headers.get(name),
      body: sent ? bodyWithoutMessages(content) : content,
      // the user's own fetch may return another kind of body
      discard: () => void response.body?.cancel?.().catch(() => {}),
    };

    async function call(): Promise<Response> {
      try {
        return await fetch(url, { method, headers: { accept: HEADERS.accept, ...headers }, body, redirect: 'manual', signal });
      } catch (error) {
        // the message may quote what was sent: a token, or the credentials of a client
        throw sent ? withoutMessage(error) : error;
      }
    }
  };
}

const NOTHING: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
};
