import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { connectionOptions } from './connection.js';
import { InwardAddressError, isInward } from './public-address.js';

/** An answer as far as it is needed: its body is bytes after decompression, read by whoever bounds it. */
export interface Answer {
  readonly status: number;
  header(name: string): string | null;
  readonly body: AsyncIterable<Uint8Array>;
  /** Gives the body up unread. */
  discard(): void;
}

/** GETs a URL and follows no redirect. `publicOnly`: a host that leads inward is not connected to. The signal ends it after `timeoutMs`, or earlier. */
export type Transport = (url: string, signal: AbortSignal, publicOnly: boolean, timeoutMs: number) => Promise<Answer>;

const HEADERS = { accept: 'application/json', 'accept-encoding': 'identity' };

/** What is sent with a request that is no plain GET. */
export interface Sent {
  readonly method: 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** GETs over Node's own HTTP client. */
export const nodeTransport: Transport = (url, signal, publicOnly, timeoutMs) => nodeRequest(url, signal, publicOnly, timeoutMs);

/**
 * Sends one request over Node's own HTTP client, which tells the address before it connects, and follows no redirect. See {@link connectionOptions}.
 */
export function nodeRequest(url: string, signal: AbortSignal, publicOnly: boolean, timeoutMs: number, sent?: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { protocol, hostname } = new URL(url);
    if (publicOnly && isInward(url)) {
      reject(new InwardAddressError(hostname));
      return;
    }
    const { method = 'GET', headers, body } = sent ?? {};
    const length = body === undefined ? undefined : { 'content-length': Buffer.byteLength(body) };
    const options = { method, headers: { ...HEADERS, ...length, ...headers }, signal, ...connectionOptions(url, publicOnly, timeoutMs) };
    const request = protocol === 'https:' ? requestHttps(url, options) : requestHttp(url, options);
    request.once('response', (incoming) => resolve(answerOf(incoming)));
    request.once('upgrade', (_incoming, socket) => {
      socket.destroy();
      reject(new Error('answered with another protocol'));
    });
    // also after the answer began: what cuts the body off is told by the body
    request.on('error', reject);
    // where the connection ends and nothing else was said
    request.once('close', () => reject(new Error('the connection was closed without an answer')));
    request.end(body);
  });
}

/**
 * Reads the body of an answer.
 *
 * @throws Error where it has more than `maxBytes`, counted after decompression
 */
export async function readBytes({ body }: Answer, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    // leaving the loop gives the rest up
    if (bytes > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
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

/** Nothing compressed was asked for, but some servers hold nothing else. */
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
    throw new Error(`the answer has the unknown encoding "${encoding.slice(0, 40)}"`);
  }
  incoming.once('error', (error) => inflate.destroy(error));
  inflate.once('close', () => incoming.destroy());
  return incoming.pipe(inflate);
}

/** Over a fetch of the user's own. What its URL shows is looked at before; what a name leads to is then its own business. */
export function fetchTransport(fetch: typeof globalThis.fetch): Transport {
  return async (url, signal, publicOnly) => {
    if (publicOnly && isInward(url)) throw new InwardAddressError(new URL(url).hostname);
    const response = await fetch(url, { headers: { accept: HEADERS.accept }, redirect: 'manual', signal });
    return {
      status: response.status,
      header: (name) => response.headers.get(name),
      body: response.body ?? NOTHING,
      // a fetch of the user's own may give a body of another kind
      discard: () => void response.body?.cancel?.().catch(() => {}),
    };
  };
}

const NOTHING: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
};
