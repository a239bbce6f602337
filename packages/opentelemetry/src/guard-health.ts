import { diag, type Attributes, type BatchObservableResult, type Observable } from '@opentelemetry/api';
import type { GuardHealth } from '@tokenward/core';
import { ATTRIBUTE } from './attributes.js';
import type { Instruments } from './instruments.js';
import { issuersWithKeys, type IssuerLabels } from './issuer-labels.js';
import type { HasHealth } from './options.js';

/** A callback that reads the guards' health whenever metrics are collected. */
export interface HealthObservation {
  readonly instruments: Observable[];
  readonly callback: (result: BatchObservableResult) => void;
}

/** Creates the callback for these guards, and lists the instruments that it fills. */
export function observeHealth(all: Instruments, guards: ReadonlyMap<string, HasHealth>, labels: IssuerLabels): HealthObservation {
  const { ready, keysAge, keysUsable, keysStale, cacheEntries, cacheSize, cacheHits, cacheMisses } = all;
  const { introspectionUsable, introspectionWaiting, decryptionKeys, decryptionWaiting } = all;
  const { revocationEntries, revocationUsable, revocationLag, uncheckedRequests } = all;

  function observeGuard(result: BatchObservableResult, name: string, state: GuardHealth): void {
    const { issuers, introspection, decryption, tokenCache, revocations } = state;
    const guard = { [ATTRIBUTE.guard]: name };

    function observe(instrument: Observable, value: unknown, attributes: Attributes = guard): void {
      if (typeof value === 'boolean') result.observe(instrument, value ? 1 : 0, attributes);
      else if (typeof value === 'number' && Number.isFinite(value)) result.observe(instrument, value, attributes);
    }

    labels.add(issuersWithKeys(state));
    for (const { issuer, ageSeconds, usable, state: keys } of issuers) {
      // issuers without a label of their own share one, and a gauge cannot show several issuers
      const label = labels.own(issuer);
      if (!label) continue;
      const attributes = { ...guard, ...label.issuerOnly };
      observe(keysAge, ageSeconds, attributes);
      observe(keysUsable, usable, attributes);
      observe(keysStale, keys === 'stale', attributes);
    }
    for (const { issuer, usable, waiting } of introspection) {
      const label = labels.own(issuer);
      if (!label) continue;
      const attributes = { ...guard, ...label.issuerOnly };
      observe(introspectionUsable, usable, attributes);
      observe(introspectionWaiting, waiting, attributes);
    }
    observe(ready, state.ready);
    observe(decryptionKeys, decryption?.keys);
    observe(decryptionWaiting, decryption?.waiting);
    observe(cacheEntries, tokenCache?.entries);
    observe(cacheSize, tokenCache?.bytes);
    observe(cacheHits, tokenCache?.hits);
    observe(cacheMisses, tokenCache?.misses);
    observe(revocationEntries, revocations.entries);
    observe(revocationUsable, revocations.usable);
    observe(revocationLag, revocations.ageSeconds);
    observe(uncheckedRequests, revocations.uncheckedRequests);
  }

  return {
    instruments: [
      ready,
      keysAge,
      keysUsable,
      keysStale,
      introspectionUsable,
      introspectionWaiting,
      decryptionKeys,
      decryptionWaiting,
      cacheEntries,
      cacheSize,
      cacheHits,
      cacheMisses,
      revocationEntries,
      revocationUsable,
      revocationLag,
      uncheckedRequests,
    ],
    callback(result) {
      for (const [name, guard] of guards) {
        const state = healthOf(name, guard);
        if (state) observeGuard(result, name, state);
      }
    },
  };
}

/** Returns a guard's health, or undefined if `health()` throws, so that the other guards are still shown. The error is not logged: its text may contain a secret. */
export function healthOf(name: string, guard: HasHealth): GuardHealth | undefined {
  try {
    return guard.health();
  } catch {
    diag.warn(`tokenward: health() of guard "${name}" threw, so its gauges are missing`);
    return undefined;
  }
}
