import type { Algorithm } from '../access-token/algorithms.js';
import type { Clock } from '../clock.js';
import { publish } from '../events.js';
import type { OutageWarnings } from '../outage-warnings.js';
import { leadsElsewhere, printable, printableUrl } from '../url.js';
import { fetchJson, type FetchLimits } from './fetch-json.js';
import { freshnessSeconds } from './freshness.js';
import { parseKeySet, type KeySet, type PreparedKey } from './key-set.js';
import type { FoundKeys, KeyHealth, KeySource } from './key-source.js';
import { discoverJwksUri } from './metadata.js';

export interface RemoteKeysConfig extends FetchLimits {
  readonly issuer: string;
  /** undefined: the issuer's metadata says it. */
  readonly jwksUri: string | undefined;
  /** For all of one refresh, metadata included: from the first byte asked for to the last one received. */
  readonly timeoutSeconds: number;
  readonly algorithms: readonly Algorithm[];
  readonly maxKeys: number;
  readonly freshSeconds: number;
  readonly staleSeconds: number;
  readonly unknownKeyCooldownSeconds: number;
  readonly clock: Clock;
  /** The hosts that metadata may name, beside the issuer's own; undefined: any. */
  readonly jwksHosts: ReadonlySet<string> | undefined;
  readonly outages: OutageWarnings;
}

/** An issuer's keys could not be fetched. The message names the address and what went wrong there. */
export class KeysUnavailableError extends Error {
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

/** A `jwks_uri` that metadata named is looked up again after so long. */
const METADATA_LIFE_SECONDS = 3600;
const MAX_BACKOFF_SECONDS = 30;
const REFRESH_AT_SHARE = 0.75;
/** So many requests with unknown keys wait for a refresh while known keys are at hand; more are sent away to come again. */
const MAX_WAITING = 1000;

/** An issuer's published keys: fetched when first needed, renewed in the background, kept for a while when the issuer is away. */
export function createRemoteKeySource(config: RemoteKeysConfig): KeySource {
  let held: HeldKeys | undefined;
  let discovered: { readonly jwksUri: string; readonly until: number } | undefined;
  let underWay: Promise<void> | undefined;
  let flight: AbortController | undefined;
  let closed = false;
  let isFirstLook = true;
  let lastError: Error | undefined;
  let failures = 0;
  let waiting = 0;
  let nextAttemptAt = -Infinity;
  let nextUnknownAt = -Infinity;

  function isUsable(keys: HeldKeys | undefined): keys is HeldKeys {
    return keys !== undefined && config.clock.monotonic() < keys.usableUntil;
  }

  function heldKeys(algorithm: string, keyId: string | undefined): readonly PreparedKey[] | undefined {
    if (!isUsable(held)) return undefined;
    const now = config.clock.monotonic();
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
    const isCurrent = isUsable(before) && (now < before.staleAt || !mustLookFirst());

    function look(): FoundKeys {
      if (!isUsable(held)) return unavailable(nextAttemptAt);
      const found = held === before && isCurrent ? [] : held.set.candidates(algorithm, keyId);
      return found.length === 0 && lastError ? unavailable(Math.max(nextUnknownAt, nextAttemptAt)) : found;
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
    return refresh().then(() => {
      waiting--;
      const found = look();
      const isMissing = 'length' in found && found.length === 0;
      return isMissing && joins && !isCoolingDown && !isSecondLook ? newerKeys(algorithm, keyId, true) : found;
    });
  }

  function unavailable(until: number): FoundKeys {
    const cause = lastError ?? new KeysUnavailableError(`the keys of ${config.issuer} are not here yet`);
    return { retryAfterSeconds: Math.max(1, Math.ceil((until - config.clock.monotonic()) / 1000)), cause };
  }

  /** One at a time; never rejects. */
  function refresh(): Promise<void> {
    if (!underWay) {
      isFirstLook = mustLookFirst();
      underWay = load()
        .then(succeed, fail)
        .finally(() => {
          underWay = undefined;
        });
    }
    return underWay;
  }

  async function load(): Promise<HeldKeys> {
    flight = new AbortController();
    const { signal } = flight;
    if (closed) abort();
    const late = new Error(`no complete answer within ${config.timeoutSeconds} s`);
    const timer = setTimeout((of: AbortController) => of.abort(late), config.timeoutSeconds * 1000, flight);
    try {
      const jwksUri = config.jwksUri ?? (await findJwksUri(signal));
      const { document, header } = await fetchJson(jwksUri, config, signal, config.jwksUri === undefined && isNamedByMetadataAlone(config, jwksUri));
      return hold(keySetOf(document, jwksUri), freshnessSeconds(header, config.freshSeconds));
    } finally {
      clearTimeout(timer);
    }
  }

  function abort(): void {
    flight?.abort(new Error('given up, since the guard was closed'));
  }

  async function findJwksUri(signal: AbortSignal): Promise<string> {
    // after a failure the address itself may be what is wrong
    if (!discovered || lastError || config.clock.monotonic() >= discovered.until) {
      const jwksUri = await discoverJwksUri(config.issuer, config, signal);
      checkHost(config, jwksUri);
      discovered = { jwksUri, until: config.clock.monotonic() + METADATA_LIFE_SECONDS * 1000 };
    }
    return discovered.jwksUri;
  }

  function keySetOf(document: unknown, jwksUri: string): KeySet {
    try {
      return parseKeySet(document, config.algorithms, config.maxKeys, held?.set);
    } catch (error) {
      throw new Error(`${printableUrl(jwksUri)}: ${(error as Error).message}`);
    }
  }

  function hold(set: KeySet, freshSeconds: number): HeldKeys {
    const now = config.clock.monotonic();
    const fresh = freshSeconds * 1000;
    return { set, fetchedAt: now, refreshAt: now + fresh * REFRESH_AT_SHARE, staleAt: now + fresh, usableUntil: now + fresh + config.staleSeconds * 1000 };
  }

  function succeed(keys: HeldKeys): void {
    held = keys;
    failures = 0;
    lastError = undefined;
    nextAttemptAt = -Infinity;
    config.outages.ended(config.issuer, `tokenward: the keys of ${config.issuer} can be fetched again`);
    publish('tokenward:keys-refreshed', { issuer: config.issuer, keyIds: keys.set.keyIds.map((keyId) => printable(keyId)), remarks: keys.set.remarks });
  }

  function fail(error: unknown): void {
    const now = config.clock.monotonic();
    failures++;
    lastError = new KeysUnavailableError(`the keys of ${config.issuer} could not be fetched: ${(error as Error).message}`, { cause: error });
    nextAttemptAt = now + Math.min(MAX_BACKOFF_SECONDS, 2 ** (failures - 1)) * 1000;
    // a closed guard gave its fetch up itself
    if (closed) return;
    const usable = held !== undefined && now < held.usableUntil;
    config.outages.began(config.issuer, `tokenward: ${lastError.message}; ${usable ? 'the cached keys serve on for now' : 'its tokens are answered with 503'}`);
    publish('tokenward:keys-failed', { issuer: config.issuer, message: lastError.message, usable });
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
    async warm() {
      await refresh();
      if (lastError) throw lastError;
    },
    close() {
      closed = true;
      config.outages.forget(config.issuer);
      abort();
    },
  };
}

/** The issuer's word for where its keys are is taken within what was configured: a host of its own, or one that was listed. */
function checkHost({ issuer, jwksHosts }: RemoteKeysConfig, jwksUri: string): void {
  const { hostname } = new URL(jwksUri);
  if (jwksHosts === undefined || jwksHosts.has(hostname) || hostname === new URL(issuer).hostname) return;
  throw new Error(`the metadata of ${issuer} puts its keys on the host ${printable(hostname)}, which is neither the issuer's own nor in keyFetching.jwksHosts`);
}

/** Whether nobody but the metadata names the host. */
function isNamedByMetadataAlone({ issuer, jwksHosts }: RemoteKeysConfig, jwksUri: string): boolean {
  return leadsElsewhere(jwksUri, issuer) && jwksHosts?.has(new URL(jwksUri).hostname) !== true;
}
