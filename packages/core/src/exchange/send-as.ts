import { misuse } from '../lib/configuration-error.js';
import { printable } from '../lib/url.js';
import { rejectOn } from '../net/endpoint-call.js';
import { failureWords, withoutMessage } from '../net/fetch-failure.js';
import type { Target } from './read-exchange.js';
import { TokenExchangeError } from './token-exchange-error.js';
import type { FoundToken } from './token-source.js';

/** What a call in a user's name needs. */
export interface Sending {
  readonly target: Target;
  readonly callTimeoutSeconds: number;
  readonly apiFetch: typeof globalThis.fetch | undefined;
  /** @throws TokenExchangeError */
  findToken(): Promise<FoundToken>;
  /** Forgets a kept token that the API did not accept. */
  forgetToken(token: string): void;
}

/** Fields by which a request could carry other credentials than the token, or a proof that does not fit it. */
const OWN_FIELDS = ['authorization', 'proxy-authorization', 'dpop'];
const PROTOCOLS: ReadonlySet<string> = new Set(['https:', 'http:']);

/**
 * Calls an API with a token. If the API answers 401 to a token that was kept, it may have been revoked meanwhile. So the call is sent once more with a new
 * token, if its body can be sent again. A new token is never tried twice.
 */
export async function sendAs(url: string | URL, init: RequestInit = {}, sending: Sending): Promise<Response> {
  const address = addressOf(url, sending.target);
  const headers = headersOf(init);
  if (init.redirect === 'follow') throw misuse('fetchAs(...)', "redirect must be 'manual' or 'error': the token must not follow a redirect");
  const first = await findToken(init, sending);
  const response = await send(address, init, headers, first.token, sending);
  if (response.status !== 401 || !first.wasKept || !canSendAgain(init.body) || asksForLogin(response)) return response;
  void response.body?.cancel().catch(() => {});
  sending.forgetToken(first.token);
  const second = await findToken(init, sending);
  return send(address, init, headers, second.token, sending);
}

/** Returns the address, if the token may be sent there. */
function addressOf(url: string | URL, { audience, origins }: Target): URL {
  const address = typeof url === 'string' || url instanceof URL || Object.prototype.toString.call(url) === '[object URL]' ? URL.parse(String(url)) : null;
  if (!address) throw misuse('fetchAs(...)', 'the address must be an absolute URL, as a string or a URL');
  if (address.username !== '' || address.password !== '') throw misuse('fetchAs(...)', 'the address must not contain a user name or a password');
  // the origin of a blob is that of its creator
  if (!PROTOCOLS.has(address.protocol) || !origins.has(address.origin))
    throw new TokenExchangeError(
      'origin_not_listed',
      `${printable(address.origin)} is not one of the origins of ${printable(audience)}, so no token is sent there. If it is right, add it to origins`,
    );
  return address;
}

function headersOf({ headers }: RequestInit): Headers {
  const given = new Headers(headers);
  const own = OWN_FIELDS.find((name) => given.has(name));
  if (own !== undefined) throw misuse('fetchAs(...)', `headers must not contain ${own}: the call carries the token of the user`);
  return given;
}

/** A call that is aborted does not end the exchange, which other calls may share. */
async function findToken({ signal }: RequestInit, { findToken: find }: Sending): Promise<FoundToken> {
  if (!signal) return find();
  signal.throwIfAborted();
  let giveUp!: () => void;
  const aborted = new Promise<never>((_resolve, reject) => {
    giveUp = () => reject(signal.reason as Error);
    signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([find(), aborted]);
  } finally {
    // the signal may be that of a whole process
    signal.removeEventListener('abort', giveUp);
  }
}

async function send(address: URL, init: RequestInit, given: Headers, token: string, { callTimeoutSeconds, apiFetch }: Sending): Promise<Response> {
  // the global fetch obeys it, and the token would reach whoever is on the way
  if (!apiFetch && address.protocol === 'https:' && process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    throw misuse(
      'fetchAs(...)',
      'sends no token while NODE_TLS_REJECT_UNAUTHORIZED is 0. Set NODE_EXTRA_CA_CERTS to the authority that signed the certificate',
    );
  const headers = new Headers(given);
  headers.set('authorization', `Bearer ${token}`);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('the time is over')), callTimeoutSeconds * 1000);
  const signal = init.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
  try {
    const answer = (apiFetch ?? globalThis.fetch)(address.href, { ...init, headers, redirect: init.redirect ?? 'manual', signal });
    // a user's own fetch may ignore the signal
    return await Promise.race([answer, rejectOn(late.signal)]);
  } catch (error) {
    // what the caller's signal says is the caller's own
    init.signal?.throwIfAborted();
    const { href, origin } = address;
    const words = late.signal.aborted ? `no answer within ${callTimeoutSeconds} s` : failureWords(apiFetch ? withoutMessage(error) : error, href);
    throw new TokenExchangeError('unreachable', `${printable(origin)}: ${words}`);
  } finally {
    clearTimeout(timer);
  }
}

/** A stream is used up by the first call. */
function canSendAgain(body: RequestInit['body']): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true;
  return !('getReader' in body) && !(Symbol.asyncIterator in body);
}

/** A new login or a stronger one is needed (RFC 9470), which no exchange brings. */
function asksForLogin({ headers }: Response): boolean {
  return /\berror\s*=\s*"?insufficient_user_authentication\b/.test(headers.get('www-authenticate') ?? '');
}
