import { TokenwardError } from '../lib/tokenward-error.js';
import { publish } from '../events/events.js';
import type { OutageWarnings } from '../events/outage-warnings.js';
import { printable } from '../lib/url.js';
import { issuerName } from './issuer-name.js';
import { createKeyFetcher, type FetchedKeys, type KeyFetchConfig, type WantedKey } from './key-fetch.js';
import type { KeySet, PreparedKey } from '../jose/key-set.js';
import type { FoundKeys, KeyHealth, KeySource } from './key-source.js';
import { ProbeRefusedError, type Probes } from './probes.js';

export interface RemoteKeysConfig extends KeyFetchConfig {
  readonly staleSeconds: number;
  readonly unknownKeyCooldownSeconds: number;
  readonly outages: OutageWarnings;
  /** undefined: the options name this issuer. Else a token does, and until one was verified its fetches come from this budget. */
  readonly probes: Probes | undefined;
}

/** An issuer's keys could not be fetched. The message names the address and what went wrong there. */
export class KeysUnavailableError extends TokenwardError {
  override readonly name = 'KeysUnavailableError';
  readonly code = 'TOKENWARD_KEYS_UNAVAILABLE';
}

/** Keys and the moments of their life, all in the monotonic clock's milliseconds. */
interface HeldKeys {
  readonly set: KeySet;
  readonly fetchedAt: number;
  /** From here on they are renewed in the background. */
  readonly refreshAt: number;
  /** From here on they serve only because the issuer can't be reached. */
  readonly staleAt: number;
  readonly usableUntil: number;
}

const MAX_BACKOFF_SECONDS = 30;
const REFRESH_AT_SHARE = 0.75;
/** So many requests with unknown keys wait for a refresh while known keys are at hand; more are sent away to come again. */
const MAX_WAITING = 1000;
/** Without requests, keys are renewed so long before they end: an API behind a readiness probe must not wait for a request that never comes. */
const IDLE_LEAD_SECONDS = 60;

/** An issuer's published keys: fetched when first needed, renewed in the background, kept for a while when the issuer is away. */
export function createRemoteKeySource(config: RemoteKeysConfig): KeySource {
  const fetchKeys = createKeyFetcher(config);
  let held: HeldKeys | undefined;
  let underWay: Promise<void> | undefined;
  let flight: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let isVerified = config.probes === undefined;
  let refund: (() => void) | undefined;
  let isFirstLook = true;
  let lastError: Error | undefined;
  let doubt: Error | undefined;
  let failures = 0;
  let waiting = 0;
  let askedAt = -Infinity;
  let nextAttemptAt = -Infinity;
  let nextUnknownAt = -Infinity;

  function name(): string {
    return issuerName(config.issuer, isVerified);
  }

  function isUsable(keys: HeldKeys | undefined, now = config.clock.monotonic()): keys is HeldKeys {
    return keys !== undefined && now < keys.usableUntil;
  }

  function heldKeys(algorithm: string, keyId: string | undefined): readonly PreparedKey[] | undefined {
    const now = config.clock.monotonic();
    if (!isUsable(held, now)) return undefined;
    if (now >= held.refreshAt) {
      // nobody has asked for so long that a withdrawn key could still be among them: one look goes first
      if (now >= held.staleAt && mustLookFirst()) return undefined;
      if (now >= nextAttemptAt) void refresh();
    }
    return held.set.candidates(algorithm, keyId);
  }

  /** A failure of just now says that the issuer is away; one of long ago says nothing. It is decided when a look begins. */
  function mustLookFirst(): boolean {
    if (underWay) return isFirstLook;
    return lastError === undefined || config.clock.monotonic() >= nextAttemptAt + MAX_BACKOFF_SECONDS * 1000;
  }

  function newerKeys(algorithm: string, keyId: string | undefined, isSecondLook = false): FoundKeys | Promise<FoundKeys> {
    const before = held;
    const now = config.clock.monotonic();
    const isCurrent = isUsable(before, now) && (now < before.staleAt || !mustLookFirst());

    function look(): FoundKeys {
      if (!isUsable(held)) return unavailable(nextAttemptAt);
      const found = held === before && isCurrent ? [] : held.set.candidates(algorithm, keyId);
      return found.length === 0 && (lastError ?? doubt) ? unavailable(Math.max(nextUnknownAt, nextAttemptAt)) : found;
    }

    if (!isCurrent) return underWay || now >= nextAttemptAt ? refresh().then(look) : look();
    // a flood of made-up keys must not reach the issuer, whatever came of the last look, nor pile up here
    const isCoolingDown = now < nextUnknownAt;
    if (isCoolingDown && (!underWay || lastError)) return look();
    if (waiting >= MAX_WAITING) return unavailable(now);
    // a look that began before this request was not made for it, and may have missed a key that is newer
    const joins = underWay !== undefined;
    if (!isCoolingDown && !joins) nextUnknownAt = now + config.unknownKeyCooldownSeconds * 1000;
    waiting++;
    return refresh({ algorithm, keyId }).then(() => {
      waiting--;
      const found = look();
      const isMissing = 'length' in found && found.length === 0;
      return isMissing && joins && !isCoolingDown && !isSecondLook ? newerKeys(algorithm, keyId, true) : found;
    });
  }

  function unavailable(until: number): FoundKeys {
    const cause = lastError ?? doubt ?? new KeysUnavailableError(`the keys of ${name()} are not here yet`);
    return { retryAfterSeconds: Math.max(1, Math.ceil((until - config.clock.monotonic()) / 1000)), cause };
  }

  /** One at a time; never rejects. */
  function refresh(wanted?: WantedKey): Promise<void> {
    if (!underWay) {
      isFirstLook = mustLookFirst();
      underWay = load(wanted)
        .then(succeed, fail)
        .finally(() => {
          underWay = undefined;
          schedule();
        });
    }
    return underWay;
  }

  async function load(wanted: WantedKey | undefined): Promise<FetchedKeys> {
    flight = new AbortController();
    const { signal } = flight;
    if (closed) abort();
    const late = new Error(`no complete answer within ${config.timeoutSeconds} s`);
    const deadline = setTimeout((of: AbortController) => of.abort(late), config.timeoutSeconds * 1000, flight);
    try {
      if (!isVerified) refund = await config.probes!.take(signal);
      askedAt = config.clock.monotonic();
      return await fetchKeys({ before: held?.set, wanted, isAfterFailure: lastError !== undefined, signal });
    } finally {
      clearTimeout(deadline);
    }
  }

  function abort(): void {
    flight?.abort(new Error('given up, since the guard was closed'));
  }

  function succeed({ set, freshSeconds, doubt: open }: FetchedKeys): void {
    const now = config.clock.monotonic();
    const fresh = freshSeconds * 1000;
    held = { set, fetchedAt: now, refreshAt: now + fresh * REFRESH_AT_SHARE, staleAt: now + fresh, usableUntil: now + fresh + config.staleSeconds * 1000 };
    failures = 0;
    lastError = undefined;
    doubt = open && unavailableError(open);
    nextAttemptAt = -Infinity;
    config.outages.ended(config.issuer, `tokenward: the keys of ${name()} can be fetched again`);
    publish('tokenward:keys-refreshed', { issuer: name(), keyIds: set.keyIds.map((keyId) => printable(keyId)), remarks: set.remarks });
  }

  function fail(error: Error): void {
    const now = config.clock.monotonic();
    lastError = unavailableError(error);
    if (error instanceof ProbeRefusedError) {
      // nobody was asked, so nothing is known of the issuer
      nextAttemptAt = now + 1000;
      return;
    }
    failures++;
    nextAttemptAt = now + Math.min(MAX_BACKOFF_SECONDS, 2 ** (failures - 1)) * 1000;
    // a closed guard gave its fetch up itself
    if (closed) return;
    const usable = isUsable(held);
    // a name that no token was verified for may be anybody's invention
    if (isVerified) {
      const effect = usable ? 'the cached keys serve on for now' : 'its tokens are answered with 503';
      config.outages.began(config.issuer, `tokenward: ${lastError.message}; ${effect}`);
    }
    publish('tokenward:keys-failed', { issuer: name(), message: lastError.message, usable });
  }

  function unavailableError(cause: Error): KeysUnavailableError {
    return new KeysUnavailableError(`the keys of ${name()} could not be fetched: ${cause.message}`, { cause });
  }

  /** Goes on without requests, lest an API that is not ready waits for a request that it never gets. Never for what strangers can name. */
  function schedule(): void {
    clearTimeout(timer);
    if (closed || config.probes !== undefined) return;
    const now = config.clock.monotonic();
    const dueAt = !isUsable(held) ? nextAttemptAt : lastError ? held.usableUntil : held.usableUntil - leadOf(held);
    timer = setTimeout(() => void refresh(), Math.max(1, dueAt - now));
    timer.unref();
  }

  function health(): KeyHealth {
    const now = config.clock.monotonic();
    const usable = isUsable(held);
    return {
      state: !usable ? (held ? 'gone' : 'empty') : now >= held!.staleAt ? 'stale' : underWay || now >= held!.refreshAt ? 'refreshing' : 'fresh',
      usable,
      ageSeconds: held && (now - held.fetchedAt) / 1000,
      refreshInSeconds: held && Math.max(0, Math.max(held.refreshAt, nextAttemptAt) - now) / 1000,
      keyIds: usable ? held!.set.keyIds.map((keyId) => printable(keyId)) : [],
      lastError: lastError?.message,
    };
  }

  return {
    health,
    held: heldKeys,
    newer: (algorithm, keyId) => newerKeys(algorithm, keyId),
    verified() {
      isVerified = true;
      refund?.();
    },
    isBusy: () => underWay !== undefined || config.clock.monotonic() < askedAt + config.unknownKeyCooldownSeconds * 1000,
    async warm() {
      await refresh();
      if (lastError) throw lastError;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      config.outages.forget(config.issuer);
      abort();
    },
  };
}

function leadOf({ fetchedAt, usableUntil }: HeldKeys): number {
  return Math.min(IDLE_LEAD_SECONDS * 1000, (usableUntil - fetchedAt) / 4);
}
