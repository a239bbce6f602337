import { TokenwardError } from '../lib/tokenward-error.js';
import { publish } from '../events/events.js';
import type { OutageWarnings } from '../events/outage-warnings.js';
import { printable } from '../lib/url.js';
import { OtherIssuerError } from '../net/metadata.js';
import { issuerName } from './issuer-name.js';
import { createKeyFetcher, type FetchedKeys, type KeyFetchConfig, type WantedKey } from './key-fetch.js';
import type { KeySet, PreparedKey } from '../jose/key-set.js';
import type { FoundKeys, KeyHealth, KeySource } from './key-source.js';
import { ProbeRefusedError, type Probes } from './probes.js';

export interface RemoteKeysConfig extends KeyFetchConfig {
  readonly staleSeconds: number;
  readonly unknownKeyCooldownSeconds: number;
  readonly outages: OutageWarnings;
  /** Outages of the metadata alone. */
  readonly metadataOutages: OutageWarnings;
  /** The budget for fetches of an issuer that only tokens name, until one of its tokens is verified. undefined if the options name the issuer. */
  readonly probes: Probes | undefined;
}

/** An issuer's keys could not be fetched. The message names the address and what happened there. */
export class KeysUnavailableError extends TokenwardError {
  override readonly name = 'KeysUnavailableError';
  readonly code = 'TOKENWARD_KEYS_UNAVAILABLE';
}

/** Keys and their times, in milliseconds of the monotonic clock. */
interface CachedKeys {
  readonly set: KeySet;
  readonly fetchedAt: number;
  /** From then on, requests refresh them in the background. */
  readonly refreshAt: number;
  /** From then on, they are used only while the issuer is unreachable. */
  readonly staleAt: number;
  readonly usableUntil: number;
}

const MAX_BACKOFF_SECONDS = 30;
const REFRESH_AT_SHARE = 0.75;
/** How many requests with unknown keys may wait for a refresh while usable keys are cached. Further ones get 503. */
const MAX_WAITING = 1000;
/**
 * If no request refreshes the keys, a timer does so this long before they become unusable. An API that is not ready gets no requests.
 */
const IDLE_LEAD_SECONDS = 60;

/** Creates the source of an issuer's published keys. It fetches them when first needed, refreshes them in the background, and uses stale keys during an outage. */
export function createRemoteKeySource(config: RemoteKeysConfig): KeySource {
  const fetchKeys = createKeyFetcher(config);
  let cached: CachedKeys | undefined;
  let pending: Promise<void> | undefined;
  let controller: AbortController | undefined;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let isVerified = config.probes === undefined;
  let returnProbe: (() => void) | undefined;
  let isPendingRequired = true;
  let lastError: Error | undefined;
  let metadataError: Error | undefined;
  let failures = 0;
  let waiting = 0;
  let warming = 0;
  let isMetadataDown = false;
  let fetchedAt = -Infinity;
  let nextAttemptAt = -Infinity;
  let nextUnknownAt = -Infinity;

  function name(): string {
    return issuerName(config.issuer, isVerified);
  }

  function isUsable(keys: CachedKeys | undefined, now = config.clock.monotonic()): keys is CachedKeys {
    return keys !== undefined && now < keys.usableUntil;
  }

  function cachedKeys(algorithm: string, keyId: string | undefined): readonly PreparedKey[] | undefined {
    const now = config.clock.monotonic();
    if (!isUsable(cached, now)) return undefined;
    if (now >= cached.refreshAt) {
      // after a long time without requests, a withdrawn key may still be cached
      if (now >= cached.staleAt && mustRefreshFirst()) return undefined;
      if (now >= nextAttemptAt) void refresh();
    }
    return cached.set.candidates(algorithm, keyId);
  }

  /** Whether stale keys must be refreshed before they are used: not if a refresh failed lately, as in an outage. Does not change while a refresh is pending. */
  function mustRefreshFirst(): boolean {
    if (pending) return isPendingRequired;
    return lastError === undefined || config.clock.monotonic() >= nextAttemptAt + MAX_BACKOFF_SECONDS * 1000;
  }

  function fetchMissingKeys(algorithm: string, keyId: string | undefined, isRepeated = false): FoundKeys | Promise<FoundKeys> {
    const previous = cached;
    const now = config.clock.monotonic();
    const isCurrent = isUsable(previous, now) && (now < previous.staleAt || !mustRefreshFirst());

    function result(): FoundKeys {
      if (!isUsable(cached)) return unavailable(nextAttemptAt);
      const found = cached === previous && isCurrent ? [] : cached.set.candidates(algorithm, keyId);
      return found.length === 0 && (lastError ?? metadataError) ? unavailable(Math.max(nextUnknownAt, nextAttemptAt)) : found;
    }

    if (!isCurrent) return pending || now >= nextAttemptAt ? refresh().then(result) : result();
    // many requests with invented key ids must neither reach the issuer nor pile up here, even if the last fetch failed
    const isCoolingDown = now < nextUnknownAt;
    if (isCoolingDown && (!pending || lastError)) return notFetched(result());
    if (waiting >= MAX_WAITING)
      return { retryAfterSeconds: 1, cause: new KeysUnavailableError(`${MAX_WAITING} requests wait for new keys of ${name()} already`) };
    // a refresh that began before this request may have missed a key that was published since
    const joins = pending !== undefined;
    if (!isCoolingDown && !joins) nextUnknownAt = now + config.unknownKeyCooldownSeconds * 1000;
    waiting++;
    return refresh({ algorithm, keyId }).then(() => {
      waiting--;
      const found = result();
      const isMissing = 'length' in found && found.length === 0;
      if (!isMissing || !joins || isRepeated) return found;
      return isCoolingDown ? notFetched(found) : fetchMissingKeys(algorithm, keyId, true);
    });
  }

  function notFetched(found: FoundKeys): FoundKeys {
    const isMissing = 'length' in found && found.length === 0;
    return isMissing ? { fetchedAgainInSeconds: Math.max(1, Math.ceil((nextUnknownAt - config.clock.monotonic()) / 1000)) } : found;
  }

  function unavailable(until: number): FoundKeys {
    const cause = lastError ?? metadataError ?? new KeysUnavailableError(`the keys of ${name()} are not fetched yet`);
    return { retryAfterSeconds: Math.max(1, Math.ceil((until - config.clock.monotonic()) / 1000)), cause };
  }

  /** Fetches the keys, or joins a pending fetch. Never rejects. */
  function refresh(wanted?: WantedKey): Promise<void> {
    if (!pending) {
      isPendingRequired = mustRefreshFirst();
      pending = load(wanted)
        .then(succeed, fail)
        .finally(() => {
          pending = undefined;
          schedule();
        });
    }
    return pending;
  }

  async function load(wanted: WantedKey | undefined): Promise<FetchedKeys> {
    controller = new AbortController();
    const { signal } = controller;
    if (closed) abort();
    const late = new Error(`no complete answer within ${config.timeoutSeconds} s`);
    const deadline = setTimeout((of: AbortController) => of.abort(late), config.timeoutSeconds * 1000, controller);
    try {
      if (!isVerified) returnProbe = await config.probes!.take(signal);
      fetchedAt = config.clock.monotonic();
      return await fetchKeys({ previous: cached?.set, wanted, lastFailure: lastError ? 'keys' : metadataError && 'metadata', signal });
    } finally {
      clearTimeout(deadline);
    }
  }

  function abort(): void {
    controller?.abort(new Error('cancelled, because the guard was closed'));
  }

  function succeed({ set, freshSeconds, ...fetched }: FetchedKeys): void {
    const now = config.clock.monotonic();
    const fresh = freshSeconds * 1000;
    // this fetch did not ask for the metadata again, so it must not delay the next fetch that does
    const latestRefreshAt = fetched.metadataError && fetched.metadataError === metadataError?.cause ? cached!.refreshAt : Infinity;
    metadataError = fetched.metadataError && metadataUnavailable(fetched.metadataError);
    // without the metadata, the address may be an old one
    const refreshMs = Math.min(fresh * REFRESH_AT_SHARE, metadataError ? MAX_BACKOFF_SECONDS * 1000 : Infinity);
    const refreshAt = Math.min(now + refreshMs, latestRefreshAt);
    cached = { set, fetchedAt: now, refreshAt, staleAt: now + fresh, usableUntil: now + fresh + config.staleSeconds * 1000 };
    failures = 0;
    lastError = undefined;
    nextAttemptAt = -Infinity;
    config.outages.ended(config.issuer, `tokenward: the keys of ${name()} can be fetched again`);
    reportMetadataOutage();
    publish('tokenward:keys-refreshed', { issuer: name(), source: 'issuer', keyIds: set.keyIds.map((keyId) => printable(keyId)), remarks: set.remarks });
  }

  /** Prints that the metadata cannot be fetched, or can be again. It publishes no event, because the keys were refreshed. */
  function reportMetadataOutage(): void {
    if (closed || isMetadataDown === (metadataError !== undefined)) return;
    // anybody can invent an unverified issuer
    if (!isMetadataDown && !isVerified) return;
    isMetadataDown = metadataError !== undefined;
    if (metadataError)
      config.metadataOutages.began(config.issuer, `tokenward: ${metadataError.message}; the keys at the last known address stay in use for now`);
    else config.metadataOutages.ended(config.issuer, `tokenward: the metadata of ${name()} can be fetched again`);
  }

  function fail(error: Error): void {
    const now = config.clock.monotonic();
    lastError = unavailableError(error);
    if (error instanceof ProbeRefusedError) {
      // the issuer was not asked, so this is not its failure
      nextAttemptAt = now + 1000;
      return;
    }
    failures++;
    nextAttemptAt = now + Math.min(MAX_BACKOFF_SECONDS, 2 ** (failures - 1)) * 1000;
    // closing the guard cancelled the fetch
    if (closed) return;
    const usable = isUsable(cached);
    // anybody can invent an unverified issuer
    if (isVerified) {
      const isMistake = otherIssuerIn(error) !== undefined;
      const effect = usable ? '; the cached keys stay in use for now' : isMistake ? '' : '; its tokens get 503';
      const reason = isMistake ? 'issuer_mismatch' : undefined;
      config.outages.began(config.issuer, `tokenward: ${lastError.message}${effect}`, { isTold: warming > 0, reason });
    }
    publish('tokenward:keys-failed', { issuer: name(), source: 'issuer', message: lastError.message, usable });
  }

  function metadataUnavailable(cause: Error): KeysUnavailableError {
    return new KeysUnavailableError(`the metadata of ${name()} could not be fetched: ${cause.message}`, { cause });
  }

  function unavailableError(cause: Error): KeysUnavailableError {
    const other = otherIssuerIn(cause);
    // this issuer has no tokens that could get a 503
    const effect = other === undefined ? '' : `. Until then, tokens of "${printable(other)}" get 401 issuer_mismatch`;
    return new KeysUnavailableError(`the keys of ${name()} could not be fetched: ${cause.message}${effect}`, { cause });
  }

  /** Schedules a refresh by a timer, since an API that is not ready gets no requests. Issuers that only tokens name get none. */
  function schedule(): void {
    clearTimeout(timer);
    if (closed || config.probes !== undefined) return;
    timer = setTimeout(() => void refresh(), Math.max(1, dueAt() - config.clock.monotonic()));
    timer.unref();
  }

  function dueAt(): number {
    if (!isUsable(cached)) return nextAttemptAt;
    if (lastError) return cached.usableUntil;
    if (metadataError) return cached.refreshAt;
    return cached.usableUntil - leadOf(cached);
  }

  function stateAt(now: number): KeyHealth['state'] {
    if (!cached) return 'empty';
    if (!isUsable(cached, now)) return 'gone';
    if (now >= cached.staleAt) return 'stale';
    return pending || now >= cached.refreshAt ? 'refreshing' : 'fresh';
  }

  function health(): KeyHealth {
    const now = config.clock.monotonic();
    const usable = isUsable(cached);
    return {
      state: stateAt(now),
      usable,
      ageSeconds: cached && (now - cached.fetchedAt) / 1000,
      refreshInSeconds: cached && Math.max(0, Math.max(cached.refreshAt, nextAttemptAt) - now) / 1000,
      keyIds: usable ? cached!.set.keyIds.map((keyId) => printable(keyId)) : [],
      lastError: (lastError ?? metadataError)?.message,
    };
  }

  return {
    health,
    cachedKeys,
    fetchKeys: (algorithm, keyId) => fetchMissingKeys(algorithm, keyId),
    markVerified() {
      isVerified = true;
      returnProbe?.();
    },
    isBusy: () => pending !== undefined || config.clock.monotonic() < fetchedAt + config.unknownKeyCooldownSeconds * 1000,
    async warm() {
      warming++;
      await refresh();
      warming--;
      if (lastError) throw lastError;
    },
    close() {
      closed = true;
      clearTimeout(timer);
      config.outages.forget(config.issuer);
      if (isMetadataDown) config.metadataOutages.forget(config.issuer);
      abort();
    },
  };
}

/** Returns the issuer that the metadata names, if it is not the configured one. */
function otherIssuerIn(error: Error): string | undefined {
  return error instanceof OtherIssuerError ? error.found : undefined;
}

function leadOf({ fetchedAt, usableUntil }: CachedKeys): number {
  return Math.min(IDLE_LEAD_SECONDS * 1000, (usableUntil - fetchedAt) / 4);
}
