import {
  bodyWithoutMessages,
  failureWords,
  InternalAddressError,
  isInternal,
  leadsToOtherHost,
  nodeRequest,
  printableUrl,
  readBytes,
  silenceHint,
  urlProblem,
  withoutMessage,
  type Answer,
  type Transport,
} from '@tokenward/core/store';
import type { SessionConfig } from '../config.js';

/** After decompression. No metadata, key set or token response is nearly as large. */
export const MAX_RESPONSE_BYTES = 1_048_576;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Statuses whose responses have no body (Fetch s2.2.3). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);
/** The only response headers that are read. Others, such as cookies of the issuer, are not needed. */
const READ_HEADERS = ['content-type', 'www-authenticate', 'retry-after'];

/** A request to the issuer got no usable response. The message names the address and what happened there. It contains nothing of request or response. */
export class IssuerCallError extends Error {
  override readonly name = 'IssuerCallError';
}

/** The parts of `fetch` that openid-client and jose use. */
export type IssuerFetch = (
  url: string,
  init: {
    readonly method?: string;
    readonly headers?: ConstructorParameters<typeof Headers>[0];
    readonly body?: unknown;
    readonly signal?: AbortSignal | undefined;
  },
  /** Default: the option `timeoutSeconds`. */
  timeoutSeconds?: number,
) => Promise<Response>;

/** The connection to the issuer, under the rules of all calls: a time limit, a size limit, no redirect, no address that only metadata names and that is private. */
export interface IssuerHttp {
  /** For openid-client and jose. @throws IssuerCallError (the promise rejects) */
  readonly fetch: IssuerFetch;
  /** For core's discovery. */
  readonly transport: Transport;
}

type HttpConfig = Pick<SessionConfig, 'issuer' | 'metadataUrl' | 'unsafeHttpHosts' | 'timeoutSeconds' | 'tls' | 'fetch'>;

export function createIssuerHttp(config: HttpConfig): IssuerHttp {
  const { unsafeHttpHosts } = config;
  const send = config.fetch ? overFetch(config.fetch) : overNode(config.tls);

  async function fetchFromIssuer(
    url: string,
    { method = 'GET', headers, body, signal }: Parameters<IssuerFetch>[1],
    timeoutSeconds = config.timeoutSeconds,
  ): Promise<Response> {
    const where = printableUrl(url);
    const problem = urlProblem(url, unsafeHttpHosts);
    if (problem !== undefined) throw new IssuerCallError(`${where}: the address in the issuer's metadata ${problem}`);
    const limit = timeLimit(timeoutSeconds * 1000);
    const both = signal ? AbortSignal.any([limit.signal, signal]) : limit.signal;
    try {
      const post = { headers: Object.fromEntries(new Headers(headers)), body: method === 'GET' ? undefined : bodyText(body) };
      // a user's own fetch may ignore the signal
      const { answer, bytes } = await Promise.race([load(url, post, both, timeoutSeconds * 1000), rejectOn(both)]);
      return responseOf(answer, bytes, where);
    } catch (error) {
      if (error instanceof IssuerCallError) throw error;
      if (both.aborted) throw new IssuerCallError(`${where}: no complete answer within ${timeoutSeconds} s${silenceHint(url)}`);
      if (error instanceof InternalAddressError)
        throw new IssuerCallError(
          `${where}: the host has a private, loopback or link-local address, and only the issuer's metadata names it. If it is right, list the host in unsafeHttpHosts, or set metadataUrl to an address on this host`,
        );
      // without a cause: it could contain a token, a code or a secret
      throw new IssuerCallError(`${where}: ${failureWords(error, url)}`);
    } finally {
      limit.clear();
    }
  }

  async function load(url: string, { headers, body }: Sent, signal: AbortSignal, timeoutMs: number): Promise<{ answer: Answer; bytes: Buffer }> {
    signal.throwIfAborted();
    const answer = await send(url, { headers, body }, signal, isPublicOnly(url), timeoutMs);
    return { answer, bytes: await readBytes(answer, MAX_RESPONSE_BYTES) };
  }

  /** Hosts that an option names are the operator's choice. */
  function isPublicOnly(url: string): boolean {
    return leadsToOtherHost(url, config) && !unsafeHttpHosts.has(new URL(url).hostname);
  }

  return {
    fetch: fetchFromIssuer,
    transport: (url, signal, publicOnly, timeoutMs) => send(url, { headers: { accept: 'application/json' }, body: undefined }, signal, publicOnly, timeoutMs),
  };
}

interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  /** undefined for a GET. */
  readonly body: string | undefined;
}

type Send = (url: string, sent: Sent, signal: AbortSignal, publicOnly: boolean, timeoutMs: number) => Promise<Answer>;

function overNode(tls: HttpConfig['tls']): Send {
  return (url, { headers, body }, signal, publicOnly, timeoutMs) =>
    nodeRequest(url, signal, publicOnly, timeoutMs, body === undefined ? undefined : { method: 'POST', headers, body }, tls);
}

/** Over the user's own fetch. It checks addresses in the URL; that fetch is responsible for what names resolve to. */
function overFetch(fetch: typeof globalThis.fetch): Send {
  return async (url, { headers, body }, signal, publicOnly) => {
    if (publicOnly && isInternal(url)) throw new InternalAddressError(new URL(url).hostname);
    const init = { headers, redirect: 'manual', signal, ...(body !== undefined && { method: 'POST', body }) } as const;
    const holdsSecrets = body !== undefined || headers['authorization'] !== undefined;
    const response = await call();
    const content = response.body ?? NOTHING;
    return {
      // a fetch that does not know `redirect: 'manual'` has followed it
      status: response.redirected ? 302 : response.status,
      header: (name) => response.headers.get(name),
      body: holdsSecrets ? bodyWithoutMessages(content) : content,
      discard: () => void response.body?.cancel().catch(() => {}),
    };

    async function call(): Promise<Response> {
      try {
        return await fetch(url, init);
      } catch (error) {
        throw holdsSecrets ? withoutMessage(error) : error;
      }
    }
  };
}

const NOTHING: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
};

/** openid-client sends forms only. */
function bodyText(body: unknown): string {
  if (typeof body === 'string' || body instanceof URLSearchParams) return String(body);
  throw new IssuerCallError('the request has a body of an unknown kind');
}

function responseOf(answer: Answer, bytes: Buffer, where: string): Response {
  const { status } = answer;
  // an opaque redirect of a user's own fetch has the status 0
  if (REDIRECTS.has(status) || status === 0)
    throw new IssuerCallError(`${where}: answered with a redirect. Redirects are not followed, so the metadata must name the final address`);
  if (status < 200 || status > 599) throw new IssuerCallError(`${where}: answered with status ${status}`);
  const headers = new Headers();
  for (const name of READ_HEADERS) {
    const value = answer.header(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(WITHOUT_BODY.has(status) ? null : new Uint8Array(bytes), { status, headers });
}

/**
 * Creates a signal that aborts after a time. After a process was suspended, such as a paused container, its timer is over, but an answer may wait in its socket.
 * It reads this answer first. Otherwise a refresh token in it would be lost.
 */
function timeLimit(milliseconds: number): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  // sockets are read between the timers and the immediates; the end of a body may come one round later
  const timer = setTimeout(() => setImmediate(() => setImmediate(() => controller.abort())), milliseconds);
  timer.unref();
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}

function rejectOn(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
