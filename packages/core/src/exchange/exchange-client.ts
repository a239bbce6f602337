import { createCircuit } from '../access-token/introspection-circuit.js';
import type { Clock } from '../lib/clock.js';
import { parseStrictObject, own, type JsonObject } from '../lib/json.js';
import { printableUrl } from '../lib/url.js';
import { createEndpointAddress, isJsonType, postForm, type EndpointAnswer } from '../net/endpoint-call.js';
import { IssuerRequestError } from '../net/issuer-request-error.js';
import { nodeRequest } from '../net/transport.js';
import { isToken68 } from '../request/credentials.js';
import type { ExchangeServer, Target } from './read-exchange.js';
import { TokenExchangeError } from './token-exchange-error.js';

/** A token that the authorization server issued for another API. */
export interface IssuedToken {
  readonly token: string;
  /** undefined: the server does not say how long the token is valid. */
  readonly expiresInSeconds: number | undefined;
}

/** Asks the token endpoint of an authorization server. */
export interface ExchangeClient {
  /** @throws TokenExchangeError */
  exchange(token: string, target: Target, scope: string | undefined, signal: AbortSignal): Promise<IssuedToken>;
  /** Finds the endpoint. @throws TokenExchangeError */
  warm(signal: AbortSignal): Promise<void>;
  close(): void;
  /** undefined: not known yet. */
  readonly address: string | undefined;
  /** Why the endpoint could not be looked for again, after the last exchange failed. */
  readonly renewalError: string | undefined;
}

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
/** RFC 8693 s3: an access token, or one that is also known to be a JWT. */
const ISSUED_TYPES: ReadonlySet<unknown> = new Set([ACCESS_TOKEN, 'urn:ietf:params:oauth:token-type:jwt']);
const MAX_ANSWER_BYTES = 65_536;
const MAX_TOKEN_LENGTH = 16_384;
/** With these statuses, a server says that there is no token endpoint at the address, or no longer, even if it adds an error code. */
const ELSEWHERE: ReadonlySet<number | undefined> = new Set([301, 302, 303, 307, 308, 404, 405, 410]);
/** The least time between two searches for an endpoint that may have moved, however many exchanges fail. */
const BETWEEN_RENEWALS_MS = 10_000;
/** RFC 6749 s5.2 */
const ERROR_CODE = /^[a-z_]{1,60}$/;

export function createExchangeClient({ endpoint, authenticate, tls }: ExchangeServer, timeoutSeconds: number, clock: Pick<Clock, 'monotonic'>): ExchangeClient {
  const ca = tls()?.ca;
  const access = ca === undefined ? undefined : () => ({ tls: { ca } });
  const limits = { transport: nodeRequest, maxBytes: MAX_ANSWER_BYTES, timeoutSeconds, access };
  const address = createEndpointAddress(endpoint, limits);
  /** Pauses the search for an unknown address after failures, as introspection does: otherwise each call would fetch the metadata. */
  const search = createCircuit(clock, () => {});
  let renewedAtMs = -Infinity;

  async function findAddress(signal: AbortSignal): Promise<string> {
    if (address.known === undefined && !search.mayAsk())
      throw new TokenExchangeError('unavailable', search.lastError!, { retryAfterSeconds: Math.max(1, Math.ceil(search.pauseSeconds)) });
    try {
      const url = await address.find(signal);
      search.succeeded();
      return url;
    } catch (error) {
      search.failed((error as Error).message);
      throw error;
    }
  }

  function renewAddress(): void {
    const now = clock.monotonic();
    if (address.known === undefined || now < renewedAtMs + BETWEEN_RENEWALS_MS) return;
    renewedAtMs = now;
    address.renew();
  }

  /**
   * Looks for the endpoint again if it may have moved: a server without it, or one in front of it, sends other answers than the refusals of RFC 6749. Throws a
   * TokenExchangeError in place of every other error: an error about the key that signs assertions could quote that key.
   */
  async function attempt<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const answered = error instanceof TokenExchangeError ? error : undefined;
      if (answered?.reason !== 'refused' || ELSEWHERE.has(answered.status)) renewAddress();
      else address.worked();
      if (answered) throw answered;
      throw new TokenExchangeError('unavailable', error instanceof IssuerRequestError ? error.message : 'the exchange could not be sent');
    }
  }

  return {
    exchange: (token, { audience, resource }, scope, signal) =>
      attempt(async () => {
        const url = await findAddress(signal);
        const form = new URLSearchParams({ grant_type: GRANT, subject_token: token, subject_token_type: ACCESS_TOKEN, requested_token_type: ACCESS_TOKEN });
        form.set(resource === undefined ? 'audience' : 'resource', resource ?? audience);
        if (scope !== undefined) form.set('scope', scope);
        const headers = await authenticate(form);
        const issued = readAnswer(printableUrl(url), await postForm(endpoint, url, { form, headers, tls: tls() }, limits, signal));
        address.worked();
        return issued;
      }),
    async warm(signal) {
      await attempt(() => address.find(signal));
    },
    close() {
      address.close();
    },
    get address() {
      return address.known;
    },
    get renewalError() {
      return address.renewalError;
    },
  };
}

function readAnswer(where: string, answer: EndpointAnswer): IssuedToken {
  const { status } = answer;
  const isJson = isJsonType(answer.header('content-type') ?? '');
  const members = isJson ? parseStrictObject(answer.body) : undefined;
  if (status !== 200) throw refusal(where, answer, members);
  if (!members) throw new TokenExchangeError('unusable_answer', `${where}: answered with something other than a strict JSON object`, { status });
  const token = own(members, 'access_token');
  const problem = problemOf(token, members);
  if (problem !== undefined) throw new TokenExchangeError('unusable_answer', `${where}: ${problem}`, { status });
  const expiresIn = own(members, 'expires_in');
  return { token: token as string, expiresInSeconds: typeof expiresIn === 'number' && expiresIn >= 0 ? expiresIn : undefined };
}

/** Returns what is wrong with an answer (RFC 8693 s2.2.1), without quoting it. */
function problemOf(token: unknown, members: JsonObject): string | undefined {
  if (typeof token !== 'string' || token.length > MAX_TOKEN_LENGTH || !isToken68(token)) return 'the answer has no access_token that can be sent';
  if (!ISSUED_TYPES.has(own(members, 'issued_token_type'))) return 'the answer does not say that the token is an access token (issued_token_type)';
  const type = own(members, 'token_type');
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer')
    return 'the token is not a bearer token (token_type). Configure the authorization server to issue bearer tokens to this client, since it sends no proofs';
  return undefined;
}

function refusal(where: string, { status, header }: EndpointAnswer, members: JsonObject | undefined): TokenExchangeError {
  const code = members && own(members, 'error');
  const error = typeof code === 'string' && ERROR_CODE.test(code) ? code : undefined;
  const retryAfter = header('retry-after');
  const retryAfterSeconds = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? Number(retryAfter) : undefined;
  const message = `${where}: answered with status ${status}${error === undefined ? '' : ` (${error})`}${remedyFor(status, error)}`;
  const isDown = status >= 500 || status === 429 || status === 408;
  const isRefusal = !isDown && (error !== undefined || status === 400 || status === 401 || status === 403);
  return new TokenExchangeError(isRefusal ? 'refused' : 'unavailable', message, { status, error, retryAfterSeconds });
}

function remedyFor(status: number, error: string | undefined): string {
  if (error === 'unsupported_grant_type' || error === 'unauthorized_client') return ': allow this client to use the grant type of RFC 8693 there';
  if (error === 'invalid_target') return ': this client may not get tokens for the audience or resource, or there is none of that name';
  if (error === 'invalid_client' || status === 401) return ": it does not accept this API's credentials";
  return status >= 300 && status < 400 ? ': redirects are not followed, so set tokenEndpoint to the final address' : '';
}
