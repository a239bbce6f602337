import { Agent, request as requestHttp, type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as TlsAgent, request as requestHttps } from 'node:https';
import { failureWords } from '@tokenward/core/store';
import { createClosing } from '../closing.js';
import { createPatience } from './patience.js';
import type { ProxyConfig } from './proxy-options.js';
import { pump } from './pump.js';

/** A call to the API. */
export interface UpstreamCall {
  readonly method: string;
  /** Path and query, with the base path. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The client's request. Its signal is aborted when the client leaves. The signal works only as long as something keeps the request, too. */
  readonly request: Request;
}

/**
 * Why a call has no answer. `unreachable`: no connection, or the answer is not HTTP. `timeout`: the API took too long to begin. `left`: the client left.
 * `body`: the client's body is not as long as it said. `request`: HTTP has no form for the request, such as a control character in a header.
 */
export type UpstreamFailure = 'unreachable' | 'timeout' | 'left' | 'body' | 'request';

/** Calls one API over connections that it keeps. */
export interface Upstream {
  /** Resolves when the answer begins. It never rejects. */
  call(call: UpstreamCall): Promise<IncomingMessage | UpstreamFailure>;
  /** Starts a request without sending it, for an upgrade. */
  open(options: Pick<RequestOptions, 'method' | 'path' | 'headers'>): ClientRequest;
  /** Closes the connections: those without a call at once, the others when their call has ended, after a few seconds at most. Calls that come later use new ones. */
  close(): Promise<void>;
}

const MAX_FREE_SOCKETS = 64;
/** How long a connection without a call is kept, unless `Keep-Alive` of the API says less. Node reads that header only if there is a limit. */
const FREE_MS = 30_000;

/** @param unreachable gets what happened when a call ends with that failure, and the most likely remedy */
export function createUpstream({ origin, timeoutMs, tls }: ProxyConfig, unreachable: (words: string) => void): Upstream {
  const { protocol, hostname, port } = new URL(origin);
  const isTls = protocol === 'https:';
  // also if NODE_TLS_REJECT_UNAUTHORIZED is 0: the API gets access tokens
  const agentOptions = { keepAlive: true, maxFreeSockets: MAX_FREE_SOCKETS, timeout: FREE_MS, ...(isTls && { ...tls, rejectUnauthorized: true }) };
  const agent = isTls ? new TlsAgent(agentOptions) : new Agent(agentOptions);
  // brackets around an address of IPv6 belong to the URL
  const server = { protocol, host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? undefined : Number(port) };

  const underWay = new Set<ClientRequest>();
  const closing = createClosing();

  function open(options: RequestOptions): ClientRequest {
    const sent = (isTls ? requestHttps : requestHttp)({ ...server, agent, ...options });
    underWay.add(sent);
    sent.once('close', () => {
      underWay.delete(sent);
      if (underWay.size === 0) closing.allEnded();
    });
    return sent;
  }

  function opened(options: RequestOptions): ClientRequest | undefined {
    try {
      return open(options);
    } catch {
      // the error of Node may quote a header
      return undefined;
    }
  }

  async function call(parts: UpstreamCall): Promise<IncomingMessage | UpstreamFailure> {
    const first = await attempt(parts);
    // The API closed a kept connection while the request was on its way. Without a body it can be sent again.
    return first === 'stale' ? unstale(await attempt(parts)) : first;
  }

  function attempt({ method, path, headers, request }: UpstreamCall): Promise<IncomingMessage | UpstreamFailure | 'stale'> {
    return new Promise((resolve) => {
      if (request.signal.aborted) return resolve('left');
      const { body } = request;
      const length = lengthOf(headers);
      const sent = opened({ method, path, headers: framed(headers, body !== null, length) });
      if (!sent) return resolve('request');
      let failure: UpstreamFailure | undefined;
      let isAnswered = false;
      const patience = createPatience(timeoutMs, () => giveUp('timeout'));
      function giveUp(why: UpstreamFailure): void {
        failure ??= why;
        sent?.destroy();
      }
      function leave(): void {
        giveUp('left');
      }
      request.signal.addEventListener('abort', leave);
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = sent.reusedSocket && error.code === 'ECONNRESET' && !body && isSafe(method);
        patience.stop();
        // an API that answers before the end of an upload may close the connection
        if (!failure && !isAnswered && !isStale) unreachable(failureWords(error, origin));
        resolve(failure ?? (isStale ? 'stale' : 'unreachable'));
      });
      sent.once('response', (answer) => {
        isAnswered = true;
        patience.stop();
        patience.end();
        answer.once('close', () => request.signal.removeEventListener('abort', leave));
        resolve(answer);
      });
      // also if nobody asked for an upgrade: then Node closes the connection without an error
      sent.once('close', () => {
        patience.stop();
        resolve(failure ?? 'unreachable');
      });
      patience.start();
      if (!body) return void sent.end();
      pump(body, sent, length, patience).catch(() => giveUp('body'));
    });
  }

  async function close(): Promise<void> {
    // from now on no connection is kept
    agent.maxFreeSockets = 0;
    for (const sockets of Object.values(agent.freeSockets)) for (const socket of sockets ?? []) socket.destroy();
    if (underWay.size > 0) await closing.wait();
    agent.destroy();
  }

  return { call, open, close };
}

function unstale(result: IncomingMessage | UpstreamFailure | 'stale'): IncomingMessage | UpstreamFailure {
  return result === 'stale' ? 'unreachable' : result;
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
}

/** By default, Node sends the body of a DELETE without any framing: the API would read it as the next request. */
function framed(headers: UpstreamCall['headers'], hasBody: boolean, length: number | undefined): Record<string, string> {
  const { 'content-length': _length, ...rest } = headers;
  if (!hasBody) return rest;
  return length === undefined ? { ...rest, 'transfer-encoding': 'chunked' } : { ...rest, 'content-length': String(length) };
}

function lengthOf(headers: UpstreamCall['headers']): number | undefined {
  const text = Object.hasOwn(headers, 'content-length') ? headers['content-length']! : '';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
