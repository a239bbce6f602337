import { request } from 'node:http';
import { json, text } from 'node:stream/consumers';

export interface Upload {
  readonly path: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly token?: string;
  /** Default: 20 kB of JSON, which is above what is read in any case. */
  readonly body?: string;
  /** In chunks, with no length said. */
  readonly chunked?: boolean;
  readonly signal?: AbortSignal;
}

export interface Uploaded {
  readonly status: number;
  readonly body: unknown;
}

export const LARGE = JSON.stringify({ filler: 'x'.repeat(20_000) });

/** Sends a body by any method, GET too, as `fetch` would not. */
export function upload(origin: string, { path, method = 'POST', headers = {}, token, body = LARGE, chunked = false, signal }: Upload): Promise<Uploaded> {
  return new Promise((resolve, reject) => {
    const outgoing = request(origin + path, {
      method,
      agent: false,
      timeout: 5000,
      ...(signal && { signal }),
      headers: {
        'content-type': 'application/json',
        ...(chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': Buffer.byteLength(body) }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`${method} ${path}: no answer within 5 s`)));
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      const isJson = /json/.test(incoming.headers['content-type'] ?? '');
      (isJson ? json(incoming) : text(incoming)).then((body) => resolve({ status: incoming.statusCode!, body }), reject);
    });
    outgoing.end(body);
  });
}
