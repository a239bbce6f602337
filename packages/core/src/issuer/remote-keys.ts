import type { Algorithm } from '../access-token/algorithms.js';
import type { Clock } from '../clock.js';
import { publish } from '../events.js';
import { fetchJson, type FetchLimits } from './fetch-json.js';
import { freshnessSeconds } from './freshness.js';
import { parseKeySet, type KeySet, type PreparedKey } from './key-set.js';
import type { FoundKeys, KeySource } from './key-source.js';
import { discoverJwksUri } from './metadata.js';
import { isLoopback } from '../url.js';

export interface RemoteKeysConfig extends FetchLimits {
  readonly issuer: string;
  /** undefined: the issuer's metadata says it. */
  readonly jwksUri: string | undefined;
  readonly algorithms: readonly Algorithm[];
  readonly maxKeys: number;
  readonly freshSeconds: number;
  readonly staleSeconds: number;
  readonly unknownKeyCooldownSeconds: number;
  readonly clock: Clock;
  /** The hosts that metadata may name, beside the issuer's own; undefined: any. */
  readonly jwksHosts: ReadonlySet<string> | undefined;
}

/** An issuer's keys could not be fetched. The message names the address and what went wrong there. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError';
  readonly code = 'TOKENWARD_KEYS_UNAVAILABLE';
}

interface HeldKeys {
  readonly set: KeySet;
  /** All in the monotonic clock's milliseconds. */
  readonly refreshAt: number;
  readonly usableUntil: number;
}

/** A `jwks_uri` that metadata named is looked up again after so long. */
const METADATA_LIFE_SECONDS = 3600;
const MAX_BACKOFF_SECONDS = 30;
const REFRESH_AT_SHARE = 0.75;

/** An issuer's published keys: fetched when first needed, renewed in the background, kept for a while when the issuer is away. */
export function createRemoteKeySource(config: RemoteKeysConfig): KeySource {
  const closing = new AbortController();
  let held: HeldKeys | undefined;
  let discovered: { readonly jwksUri: string; readonly until: number } | undefined;
  let underWay: Promise<void> | undefined;
  let lastError: Error | undefined;
  let failures = 0;
  let nextAttemptAt = 0;
  let nextUnknownAt = 0;

  function isUsable(keys: HeldKeys | undefined): keys is HeldKeys {
    return keys !== undefined && config.clock.monotonic() < keys.usableUntil;
  }

  function heldKeys(algorithm: string, keyId: string | undefined): readonly PreparedKey[] | undefined {
    if (!isUsable(held)) return undefined;
    const now = config.clock.monotonic();
    if (now >= held.refreshAt && now >= nextAttemptAt) void refresh();
    return held.set.candidates(algorithm, keyId);
  }

  function newerKeys(algorithm: string, keyId: string | undefined): FoundKeys | Promise<FoundKeys> {
    const before = held;
    const usable = isUsable(before);
    const look = (): FoundKeys => {
      if (!isUsable(held)) return unavailable(nextAttemptAt);
      if (held === before && usable) return lastError ? unavailable(Math.max(nextUnknownAt, nextAttemptAt)) : [];
      return held.set.candidates(algorithm, keyId);
    };
    if (underWay) return underWay.then(look);
    const now = config.clock.monotonic();
    if (!usable) return now >= nextAttemptAt ? refresh().then(look) : look();
    // a flood of made-up keys must not reach the issuer, whatever came of the last look
    if (now < nextUnknownAt) return look();
    nextUnknownAt = now + config.unknownKeyCooldownSeconds * 1000;
    return refresh().then(look);
  }

  function unavailable(until: number): FoundKeys {
    const cause = lastError ?? new KeysUnavailableError(`the keys of ${config.issuer} are not here yet`);
    return { retryAfterSeconds: Math.max(1, Math.ceil((until - config.clock.monotonic()) / 1000)), cause };
  }

  /** One fetch at a time; never rejects. */
  function refresh(): Promise<void> {
    underWay ??= load()
      .then(succeed, fail)
      .finally(() => {
        underWay = undefined;
      });
    return underWay;
  }

  async function load(): Promise<HeldKeys> {
    const jwksUri = config.jwksUri ?? (await findJwksUri());
    const { document, header } = await fetchJson(jwksUri, config, closing.signal, config.jwksUri === undefined && leadsElsewhere(config, jwksUri));
    let set: KeySet;
    try {
      set = parseKeySet(document, config.algorithms, config.maxKeys);
    } catch (error) {
      throw new Error(`${jwksUri}: ${(error as Error).message}`);
    }
    const now = config.clock.monotonic();
    const fresh = freshnessSeconds(header, config.freshSeconds) * 1000;
    return { set, refreshAt: now + fresh * REFRESH_AT_SHARE, usableUntil: now + fresh + config.staleSeconds * 1000 };
  }

  async function findJwksUri(): Promise<string> {
    // after a failure the address itself may be what is wrong
    if (!discovered || lastError || config.clock.monotonic() >= discovered.until) {
      const jwksUri = await discoverJwksUri(config.issuer, config, closing.signal);
      checkHost(config, jwksUri);
      discovered = { jwksUri, until: config.clock.monotonic() + METADATA_LIFE_SECONDS * 1000 };
    }
    return discovered.jwksUri;
  }

  function succeed(keys: HeldKeys): void {
    held = keys;
    failures = 0;
    lastError = undefined;
    nextAttemptAt = 0;
    publish('tokenward:keys-refreshed', { issuer: config.issuer, keyIds: keys.set.keyIds, remarks: keys.set.remarks });
  }

  function fail(error: unknown): void {
    const now = config.clock.monotonic();
    failures++;
    lastError = new KeysUnavailableError(`the keys of ${config.issuer} could not be fetched: ${(error as Error).message}`, { cause: error });
    nextAttemptAt = now + Math.min(MAX_BACKOFF_SECONDS, 2 ** (failures - 1)) * 1000;
    publish('tokenward:keys-failed', { issuer: config.issuer, error: lastError, usable: held !== undefined && now < held.usableUntil });
  }

  return {
    held: heldKeys,
    newer: newerKeys,
    async warm() {
      await refresh();
      if (lastError) throw lastError;
    },
    close: () => closing.abort(),
  };
}

/** The issuer's word for where its keys are is taken within what was configured: a host of its own, or one that was listed. */
function checkHost({ issuer, jwksHosts }: RemoteKeysConfig, jwksUri: string): void {
  const { hostname } = new URL(jwksUri);
  if (jwksHosts === undefined || jwksHosts.has(hostname) || hostname === new URL(issuer).hostname) return;
  throw new Error(`the metadata of ${issuer} puts its keys on the host ${hostname}, which is neither the issuer's own nor in keyFetching.jwksHosts`);
}

/** Whether only metadata vouches for a host, so that it must be a public one. An issuer on loopback is at home there. */
function leadsElsewhere({ issuer, jwksHosts }: RemoteKeysConfig, jwksUri: string): boolean {
  const { hostname } = new URL(jwksUri);
  const own = new URL(issuer).hostname;
  return hostname !== own && !isLoopback(own) && jwksHosts?.has(hostname) !== true;
}
