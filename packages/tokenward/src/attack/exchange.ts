import { request as requestHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP } from 'node:net';
import { collectBytes } from '@tokenward/core/adapter';
import { hostnameOf, isLoopbackAddress } from '../lib/loopback.js';
import type { Target } from './target.js';

/** A request, as it is sent: a name may occur twice. */
export interface AttackRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Parameters to add to those of the URL. */
  readonly query?: string;
  readonly body?: string;
}

export interface ReceivedAnswer {
  readonly kind: 'answer';
  readonly status: number;
  readonly challenge: string | undefined;
  /** The body, or its beginning. */
  readonly body: string;
  /** Whether it is the whole body: it ended in time, was not too large, and did not break off. */
  readonly isComplete: boolean;
}

/** What became of a request that got no answer. */
export interface NoAnswer {
  readonly kind: 'refused-connection' | 'untrusted' | 'reset' | 'timeout' | 'malformed' | 'not-loopback';
}

export type Exchange = (target: Target, request: AttackRequest) => Promise<ReceivedAnswer | NoAnswer>;

const TIMEOUT_MS = 5000;
/** How long to wait for the rest of an answer that has begun. A stream of events never ends. */
const REST_MS = 1000;
const MAX_BODY_BYTES = 64 * 1024;
/** How an answer begins that admits a request (RFC 9112 s4). */
const ADMITTED = /^HTTP\/1\.\d (2\d\d)/;
const STATUS_LENGTH = 'HTTP/1.1 200'.length;

/**
 * Sends one request on a connection of its own. It connects to the address that was checked, never by a proxy, and follows no redirect. The promise never rejects.
 */
export const exchange: Exchange = (target, { method = 'GET', headers = [], query, body }) =>
  new Promise((resolve) => {
    const { url, address } = target;
    const path = `${url.pathname}${url.search}${query === undefined ? '' : `${url.search === '' ? '?' : '&'}${query}`}`;
    const length: [string, string][] = body === undefined ? [] : [['Content-Length', String(Buffer.byteLength(body))]];
    const lines = [['Host', url.host], ['Connection', 'close'], ['Accept', '*/*'], ...length, ...headers].flat();
    const options: RequestOptions & { servername?: string } = {
      host: address,
      port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : url.port,
      method,
      path,
      headers: lines,
      agent: false,
      ...(url.protocol === 'https:' && isIP(hostnameOf(url)) === 0 && { servername: hostnameOf(url) }),
    };
    let finished = false;
    const settle = (result: ReceivedAnswer | NoAnswer): void => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      resolve(result);
      sent.destroy();
    };
    let begun = '';
    let fail = (kind: NoAnswer['kind']): void => {
      const [, status] = ADMITTED.exec(begun) ?? [];
      settle(status === undefined ? { kind } : { kind: 'answer', status: Number(status), challenge: undefined, body: '', isComplete: false });
    };
    const sent = (url.protocol === 'https:' ? requestHttps : requestHttp)(options, (response) => {
      // from here on its status counts, whatever becomes of the rest
      fail = receive(response, settle);
      clearTimeout(timer);
      timer = setTimeout(() => fail('timeout'), REST_MS);
    });
    let timer = setTimeout(() => fail('timeout'), TIMEOUT_MS);
    sent.once('socket', (socket) => {
      // `options` names an address, so there is no second lookup. If that ever changes, this check still keeps the request on loopback
      socket.once('connect', () => void (isLoopbackAddress(socket.remoteAddress ?? '') || settle({ kind: 'not-loopback' })));
      // Node shows the status only with all headers, and an answer may break off among them
      socket.on('data', (chunk: Buffer) => void (begun += chunk.toString('latin1', 0, STATUS_LENGTH - begun.length)));
    });
    sent.once('upgrade', () => settle({ kind: 'malformed' }));
    sent.on('error', ({ code }: NodeJS.ErrnoException) => fail(kindOf(code)));
    sent.once('close', () => fail('reset'));
    sent.end(body);
  });

/** @returns a function that settles with what has arrived */
function receive(response: IncomingMessage, settle: (result: ReceivedAnswer) => void): () => void {
  const bytes = collectBytes(MAX_BODY_BYTES);
  const finish = (isComplete: boolean): void =>
    settle({
      kind: 'answer',
      status: response.statusCode ?? 0,
      challenge: response.headers['www-authenticate'],
      body: bytes.buffer().toString('utf8'),
      isComplete,
    });
  const cut = (): void => finish(false);
  response.on('data', (chunk: Uint8Array) => void (bytes.add(chunk) || cut()));
  response.once('end', () => finish(true));
  response.once('error', cut);
  response.once('close', cut);
  return cut;
}

function kindOf(code: string | undefined): NoAnswer['kind'] {
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL') return 'refused-connection';
  if (/(?:^|_)CERT(?:_|$)|^UNABLE_TO_/.test(code ?? '')) return 'untrusted';
  return code?.startsWith('HPE_') ? 'malformed' : 'reset';
}
