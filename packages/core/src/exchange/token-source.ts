import { createHash } from 'node:crypto';
import { joinedErrors } from '../lib/joined-errors.js';
import { createLruMap } from '../lib/lru.js';
import { createTurns, TooManyWaitError } from '../lib/turns.js';
import { printable, printableUrl } from '../lib/url.js';
import { createExchangeClient, type IssuedToken } from './exchange-client.js';
import type { ExchangeConfig, ExchangeServer, Target } from './read-exchange.js';
import { TokenExchangeError } from './token-exchange-error.js';
import type { TokenExchangeHealth } from './token-exchange.js';

/** The requested token: one for an API, in exchange for a received one. */
export interface Wanted {
  readonly received: string;
  /** When the received token expires, in seconds since the epoch. */
  readonly receivedExpiresAt: number;
  readonly target: Target;
  readonly scope: string | undefined;
}

/** A token for an API. */
export interface FoundToken {
  readonly token: string;
  /** Whether it was exchanged for an earlier call. */
  readonly wasKept: boolean;
}

/** Exchanges tokens, and caches them. */
export interface TokenSource {
  /** @throws TokenExchangeError */
  find(wanted: Wanted): Promise<FoundToken>;
  /** Removes a token that an API did not accept, unless it was replaced meanwhile. */
  forget(wanted: Wanted, token: string): void;
  warm(): Promise<void>;
  health(): TokenExchangeHealth;
  close(): void;
}

interface KeptToken {
  readonly token: string;
  /** In milliseconds of the monotonic clock, which stands still while a machine is suspended ... */
  readonly usableUntilMs: number;
  /** ... and in seconds since the epoch, by a clock that may be set back. The earlier one counts. */
  readonly usableUntilSeconds: number;
}

/** A token must still be valid when it arrives. */
const MARGIN_SECONDS = 5;

export function createTokenSource(server: ExchangeServer, config: ExchangeConfig): TokenSource {
  const { timeoutSeconds, cacheSeconds, maxEntries, maxConcurrent, maxQueued, clock } = config;
  const client = createExchangeClient(server, timeoutSeconds, clock);
  const turns = createTurns(maxConcurrent, maxQueued);
  let kept = createLruMap<KeptToken>(maxEntries);
  /** Calls that want the same token at once share an exchange. */
  const underWay = new Map<string, Promise<FoundToken>>();
  const limits = new Set<AbortController>();
  let isClosed = false;
  let lastError: string | undefined;

  function keptToken(name: string): string | undefined {
    const found = kept.get(name);
    if (!found) return undefined;
    if (clock.monotonic() < found.usableUntilMs && clock.now() / 1000 < found.usableUntilSeconds) return found.token;
    kept.delete(name);
    return undefined;
  }

  async function exchange(name: string, wanted: Wanted): Promise<FoundToken> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new Error('the time is over')), timeoutSeconds * 1000);
    timer.unref();
    limits.add(limit);
    let leave: (() => void) | undefined;
    try {
      leave = await turn(limit.signal);
      // the lifetime of the new token may count from the moment at which the request was sent
      const askedAtMs = clock.monotonic();
      const askedAt = clock.now() / 1000;
      const issued = await client.exchange(wanted.received, wanted.target, wanted.scope, limit.signal);
      keep(name, issued, Math.min(issued.expiresInSeconds ?? 0, wanted.receivedExpiresAt - askedAt) - MARGIN_SECONDS, askedAtMs, askedAt);
      lastError = undefined;
      return { token: issued.token, wasKept: false };
    } catch (error) {
      lastError = printable((error as Error).message, 500);
      throw error;
    } finally {
      leave?.();
      clearTimeout(timer);
      limits.delete(limit);
    }
  }

  async function turn(signal: AbortSignal): Promise<() => void> {
    if (isClosed) throw closedError();
    try {
      return await turns.take(signal);
    } catch (error) {
      if (error instanceof TooManyWaitError)
        throw new TokenExchangeError('unavailable', 'too many exchanges wait. Raise maxConcurrent or maxQueued', { retryAfterSeconds: 1 });
      throw isClosed ? closedError() : new TokenExchangeError('unavailable', `no turn for an exchange within ${timeoutSeconds} s`, { retryAfterSeconds: 1 });
    }
  }

  function keep(name: string, { token }: IssuedToken, seconds: number, askedAtMs: number, askedAt: number): void {
    const usable = Math.min(cacheSeconds, seconds);
    if (usable > 0 && !isClosed) kept.set(name, { token, usableUntilMs: askedAtMs + usable * 1000, usableUntilSeconds: askedAt + usable });
  }

  return {
    find(wanted) {
      const name = nameOf(wanted);
      const token = keptToken(name);
      if (token !== undefined) return Promise.resolve({ token, wasKept: true });
      const known = underWay.get(name);
      if (known) return known;
      const started = exchange(name, wanted).finally(() => underWay.delete(name));
      underWay.set(name, started);
      return started;
    },
    forget(wanted, token) {
      const name = nameOf(wanted);
      if (kept.get(name)?.token === token) kept.delete(name);
    },
    async warm() {
      await client.warm(AbortSignal.timeout(timeoutSeconds * 1000));
    },
    health() {
      const { running, waiting } = turns.size;
      const { address, renewalError } = client;
      return {
        endpoint: address === undefined ? undefined : printableUrl(address),
        entries: kept.size,
        exchanging: running,
        waiting,
        lastError: lastError === undefined ? undefined : joinedErrors(lastError, renewalError),
      };
    },
    close() {
      isClosed = true;
      kept = createLruMap(1);
      for (const limit of limits) limit.abort(new Error('the token exchange is closed'));
      client.close();
    },
  };
}

function closedError(): TokenExchangeError {
  return new TokenExchangeError('unavailable', 'the token exchange is closed');
}

/** Returns a hash: otherwise the token would be kept in one more place. */
function nameOf({ received, target, scope }: Wanted): string {
  return createHash('sha256')
    .update(JSON.stringify([received, target.audience, scope ?? null]))
    .digest('base64url');
}
