import { diag, type Attributes, type BatchObservableResult, type Observable } from '@opentelemetry/api';
import type { GuardHealth } from '@tokenward/core';
import { ATTRIBUTE } from './attributes.js';
import type { Instruments } from './instruments.js';
import { issuersWithKeys, type IssuerLabels } from './issuer-labels.js';
import type { HasHealth } from './options.js';

/** What is asked of the guards each time that metrics are collected. */
export interface HealthObservation {
  readonly instruments: Observable[];
  readonly callback: (result: BatchObservableResult) => void;
}

export function observeHealth(all: Instruments, guards: ReadonlyMap<string, HasHealth>, labels: IssuerLabels): HealthObservation {
  const { ready, keysAge, keysUsable, keysStale, cacheEntries, cacheSize, cacheHits, cacheMisses } = all;
  const { revocationEntries, revocationUsable, revocationLag, uncheckedRequests } = all;

  function show(result: BatchObservableResult, name: string, state: GuardHealth): void {
    const { issuers, tokenCache, revocations } = state;
    const guard = { [ATTRIBUTE.guard]: name };

    function tell(instrument: Observable, value: unknown, attributes: Attributes = guard): void {
      if (typeof value === 'boolean') result.observe(instrument, value ? 1 : 0, attributes);
      else if (typeof value === 'number' && Number.isFinite(value)) result.observe(instrument, value, attributes);
    }

    labels.admit(issuersWithKeys(state));
    for (const { issuer, ageSeconds, usable, state: keys } of issuers) {
      // of those without a label one value would stand for all
      const label = labels.listed(issuer);
      if (!label) continue;
      const attributes = { ...guard, ...label.alone };
      tell(keysAge, ageSeconds, attributes);
      tell(keysUsable, usable, attributes);
      tell(keysStale, keys === 'stale', attributes);
    }
    tell(ready, state.ready);
    tell(cacheEntries, tokenCache?.entries);
    tell(cacheSize, tokenCache?.bytes);
    tell(cacheHits, tokenCache?.hits);
    tell(cacheMisses, tokenCache?.misses);
    tell(revocationEntries, revocations.entries);
    tell(revocationUsable, revocations.usable);
    tell(revocationLag, revocations.ageSeconds);
    tell(uncheckedRequests, revocations.uncheckedRequests);
  }

  return {
    instruments: [
      ready,
      keysAge,
      keysUsable,
      keysStale,
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
        if (state) show(result, name, state);
      }
    },
  };
}

/** One guard that fails must not hide the others. What it throws may quote anything, and is not told. */
export function healthOf(name: string, guard: HasHealth): GuardHealth | undefined {
  try {
    return guard.health();
  } catch {
    diag.warn(`tokenward: the health of guard "${name}" can't be told`);
    return undefined;
  }
}
