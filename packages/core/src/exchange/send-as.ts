import { misuse } from '../lib/configuration-error.js';
import { printable } from '../lib/url.js';
import { rejectOn } from '../net/fetch-json.js';
import { isProxiedLoopback } from '../net/connection.js';
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
  /** Removes a cached token that the API did not accept. */
  forgetToken(token: string): void;
}

/** Fields by which a request could carry other credentials than the token, or a proof that does not fit it. */
const OWN_FIELDS = ['authorization', 'proxy-authorization', 'dpop'];
const PROTOCOLS: ReadonlySet<string> = new Set(['https:', 'http:']);

/**
 * Calls an API with a token. A cached token may have been revoked meanwhile. So if the API answers 401 to one, the call is sent once more with a new token,
 * provided that its body can be sent again. A new token is never tried twice.
 */
export async function sendAs(url: string | URL, init: RequestInit = {}, sending: Sending): Promise<Response> {
  const address = addressOf(url, sending.target);
  // its members are inherited, so a copy would lose method and body
  if (Object.prototype.toString.call(init) === '[object Request]') throw misuse('fetchAs(...)', 'takes an address and options, not a Request');
  const call = { ...init, headers: headersOf(init), redirect: redirectOf(init) };
  if (BODILESS.has(call.method?.toUpperCase() ?? 'GET') && (call.body ?? undefined) !== undefined)
    throw misuse('fetchAs(...)', 'a GET or HEAD request has no body. Set method, or leave body out');
  const first = await findToken(call, sending);
  const response = await send(address, call, first.token, sending);
  if (response.status !== 401 || !first.wasKept || !canSendAgain(call.body) || asksForLogin(response)) return response;
  discard(response);
  sending.forgetToken(first.token);
  const second = await findToken(call, sending);
  return send(address, call, second.token, sending);
}

const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Accepts exactly these two values: `fetch` would convert others, such as an object, to a text that may allow redirects. */
function redirectOf({ redirect = 'manual' }: RequestInit): 'manual' | 'error' {
  if (redirect !== 'manual' && redirect !== 'error') throw misuse('fetchAs(...)', "redirect must be 'manual' or 'error': the token must not follow a redirect");
  return redirect;
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
  // Node's fetch ignores `host`. Another fetch may send it, and the server would route the request to another host
  given.delete('host');
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
    // the signal may live as long as the process
    signal.removeEventListener('abort', giveUp);
  }
}

type Call = RequestInit & { readonly headers: Headers; readonly redirect: 'manual' | 'error' };

async function send(address: URL, init: Call, token: string, { callTimeoutSeconds, apiFetch }: Sending): Promise<Response> {
  // the global fetch would then accept any certificate, and send the token to whoever intercepts the connection
  if (!apiFetch && address.protocol === 'https:' && process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0')
    throw misuse(
      'fetchAs(...)',
      'sends no token while NODE_TLS_REJECT_UNAUTHORIZED is 0. Set NODE_EXTRA_CA_CERTS to the authority that signed the certificate',
    );
  if (!apiFetch && isProxiedLoopback(address))
    throw misuse('fetchAs(...)', `sends no token to ${address.hostname} by a proxy, for which that is another machine. Add ${address.hostname} to NO_PROXY`);
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error('the time is over')), callTimeoutSeconds * 1000);
  const signal = init.signal ? AbortSignal.any([init.signal, late.signal]) : late.signal;
  let response: Response;
  try {
    const answer = (apiFetch ?? globalThis.fetch)(address.href, { ...init, headers, signal });
    // a user's own fetch may ignore the signal
    response = await Promise.race([answer, rejectOn(late.signal)]);
  } catch (error) {
    // if the caller's own signal aborted, the caller gets its reason
    init.signal?.throwIfAborted();
    const { href, origin } = address;
    // the global fetch may be the app's own, too: many tools replace it
    const words = late.signal.aborted ? `no answer within ${callTimeoutSeconds} s` : failureWords(withoutMessage(error), href);
    throw new TokenExchangeError('unreachable', `${printable(origin)}: ${words}`);
  } finally {
    clearTimeout(timer);
  }
  if (response.redirected) {
    discard(response);
    const name = apiFetch ? 'apiFetch' : 'the global fetch';
    throw new TokenExchangeError('unreachable', `${printable(address.origin)}: ${name} has followed a redirect. It must obey redirect: 'manual'`);
  }
  return response;
}

/** Abandons the body unread. A user's own fetch may return another kind of body. */
function discard({ body }: Response): void {
  void body?.cancel?.().catch(() => {});
}

/** A stream is used up by the first call. */
function canSendAgain(body: RequestInit['body']): boolean {
  if (body === undefined || body === null || typeof body === 'string') return true;
  return !('getReader' in body) && !(Symbol.asyncIterator in body);
}

/** A new login or a stronger one is needed (RFC 9470), and no exchange can replace it. */
function asksForLogin({ headers }: Response): boolean {
  return /\berror\s*=\s*"?insufficient_user_authentication\b/.test(headers.get('www-authenticate') ?? '');
}
