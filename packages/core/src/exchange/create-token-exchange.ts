import { hasEnded, isWithinLifetime } from '../access-token/verified-auth.js';
import { rawClaims, rawToken, type Auth } from '../auth/auth.js';
import { misuse } from '../lib/configuration-error.js';
import { own } from '../lib/json.js';
import { OptionReader, plainOptions } from '../lib/option-reader.js';
import { shown, shownMember } from '../lib/shown-option.js';
import { sendAs, type Sending } from './send-as.js';
import type { TokenExchangeOptions } from './exchange-options.js';
import { isScope, readExchange, type Target } from './read-exchange.js';
import { TokenExchangeError } from './token-exchange-error.js';
import type { FetchAs, FetchAsOptions, TokenExchange } from './token-exchange.js';
import { createTokenSource } from './token-source.js';

/**
 * Creates a client that calls other APIs in the name of this API's users. For each call, it exchanges the received token for a token for the called API (RFC
 * 8693), and sends the new one only to the origins that the options list for that API.
 *
 * @throws ConfigurationError that lists all invalid options
 *
 * @example
 * const exchange = createTokenExchange({
 *   issuer: 'https://login.example.com',
 *   clientId: 'orders-api',
 *   clientSecret: process.env.CLIENT_SECRET,
 *   audiences: { billing: { origins: ['https://billing.internal'], scope: 'invoices:read' } },
 * });
 * const callBilling = exchange.fetchAs(auth, { audience: 'billing' });
 * const response = await callBilling('https://billing.internal/invoices');
 */
export function createTokenExchange(options: TokenExchangeOptions): TokenExchange {
  const config = readExchange(options);
  const { targets, server, callTimeoutSeconds, apiFetch, clock } = config;
  const source = server && createTokenSource(server, config);

  /** Runs before each call, since a long job may outlive the token in whose name it works. */
  function assertUsable(auth: Auth<object>, { audience, relays }: Target): void {
    if (hasEnded(auth) || !isWithinLifetime(auth, clock.now() / 1000))
      throw new TokenExchangeError('token_ended', `the received token has ended, so ${shownMember(audience)} is not called in its name`);
    if (relays) {
      // a value of any type: whoever bound the token meant it
      if ((own(rawClaims(auth), 'cnf') ?? undefined) !== undefined)
        throw new TokenExchangeError(
          'sender_constrained',
          `the received token is bound to its client, so it cannot be relayed to ${shownMember(audience)}. Exchange it: leave unsafeRelayReceivedToken out`,
        );
    } else if (auth.issuer !== server!.issuer)
      throw new TokenExchangeError(
        'other_issuer',
        'another issuer than that of the options issued the received token, and its tokens are not for other servers',
      );
  }

  return Object.freeze({
    fetchAs(auth: Auth<object>, options: FetchAsOptions): FetchAs {
      const { target, scope } = readCall(options, targets);
      const received = rawToken(auth);
      const wanted = { received, receivedExpiresAt: auth.expiresAt, target, scope: scope ?? target.scope };
      const sending: Sending = {
        target,
        callTimeoutSeconds,
        apiFetch,
        async findToken() {
          assertUsable(auth, target);
          if (!source || target.relays) return { token: received, wasKept: false };
          const found = await source.find(wanted);
          assertUsable(auth, target);
          return found;
        },
        forgetToken: (token) => source?.forget(wanted, token),
      };
      return async (url, init) => sendAs(url, init, sending);
    },
    async warm() {
      await source?.warm();
    },
    health: () => source?.health() ?? NOTHING,
    close: () => source?.close(),
  });
}

const NOTHING = Object.freeze({ endpoint: undefined, entries: 0, exchanging: 0, waiting: 0, lastError: undefined });

function readCall(options: FetchAsOptions, targets: ReadonlyMap<string, Target>): { readonly target: Target; readonly scope: string | undefined } {
  const reader = new OptionReader(plainOptions(options, 'fetchAs(auth, options)'), ['audience', 'scope']);
  const [problem] = reader.problems;
  if (problem) throw misuse(`fetchAs(auth, options).${problem.path}`, problem.message);
  const audience = reader.get('audience');
  const target = typeof audience === 'string' ? targets.get(audience) : undefined;
  if (!target)
    throw misuse(
      'fetchAs(auth, options).audience',
      `must be one of the option audiences: ${[...targets.keys()].map(shownMember).join(', ')} (got ${shown(audience)})`,
    );
  const scope = reader.get('scope');
  if (scope !== undefined && !isScope(scope))
    throw misuse('fetchAs(auth, options).scope', `must be one or more scopes separated by single spaces (got ${shown(scope)})`);
  if (scope !== undefined && target.relays)
    throw misuse('fetchAs(auth, options).scope', 'has no effect with unsafeRelayReceivedToken, which asks for no token');
  return { target, scope };
}
