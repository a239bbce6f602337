import type { Auth } from '../auth/auth.js';

/** Calls other APIs in the name of the users of this one. */
export interface TokenExchange {
  /**
   * Returns a `fetch` for one API. It sends a token for that API, which the authorization server issues in exchange for the received one (RFC 8693), and
   * only to the API's listed origins.
   *
   * @param auth of the request in whose name the API is called
   * @throws ConfigurationError if the audience is not one of the options, or no guard created the Auth
   *
   * @example
   * const callBilling = exchange.fetchAs(getAuth(req), { audience: 'billing' });
   * const response = await callBilling('https://billing.internal/invoices');
   */
  fetchAs(auth: Auth<object>, options: FetchAsOptions): FetchAs;
  /** Finds the token endpoint before the first call. @throws TokenExchangeError if it cannot be found; later calls try again */
  warm(): Promise<void>;
  health(): TokenExchangeHealth;
  /** Ends pending exchanges, and forgets all tokens. Calls that need an exchange then fail. */
  close(): void;
}

export interface FetchAsOptions {
  /** One of the option `audiences`. */
  readonly audience: string;
  /** Scopes to request instead of those in the options, separated by spaces. The authorization server decides whether to grant it. */
  readonly scope?: string | undefined;
}

/**
 * Works as `fetch` does, with the address as a string or a URL. It sets `Authorization`, and returns redirects instead of following them.
 *
 * Rejects with a {@link TokenExchangeError}, with the reason of `init.signal` if that aborts, or with a ConfigurationError if `init` has a member that is not
 * allowed here.
 */
export type FetchAs = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** The state of a token exchange. It contains no token. */
export interface TokenExchangeHealth {
  /** The token endpoint. undefined if it is not known yet, or if all audiences relay the received token. */
  readonly endpoint: string | undefined;
  /** How many tokens are cached. */
  readonly entries: number;
  /** How many exchanges are under way, and how many wait for their turn. */
  readonly exchanging: number;
  readonly waiting: number;
  /** Why the last exchange failed, and why the metadata could not be read again afterwards. undefined if the exchange did not fail. */
  readonly lastError: string | undefined;
}
