import { ValueType, type Counter, type Meter, type ObservableCounter, type ObservableGauge } from '@opentelemetry/api';

/** From what is remembered of a token to an issuer that does not answer: 1 µs to 5 s. */
const DURATION_BUCKETS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const SKEW_BUCKETS = [1, 2, 5, 10, 20, 30, 60, 120, 300];

export type Instruments = ReturnType<typeof createInstruments>;

/** All instruments, with names and units by OpenTelemetry's rules. A gauge that is 0 or 1 counts what it is about, so that its sum means something. */
export function createInstruments(meter: Meter) {
  function counter(name: string, unit: string, description: string): Counter {
    return meter.createCounter(`tokenward.${name}`, { unit, description, valueType: ValueType.INT });
  }

  function seconds(name: string, explicitBucketBoundaries: number[], description: string) {
    return meter.createHistogram(`tokenward.${name}`, { unit: 's', description, advice: { explicitBucketBoundaries } });
  }

  function shown(name: string, unit: string, description: string): ObservableGauge {
    return meter.createObservableGauge(`tokenward.${name}`, { unit, description });
  }

  function counted(name: string, unit: string, description: string): ObservableCounter {
    return meter.createObservableCounter(`tokenward.${name}`, { unit, description, valueType: ValueType.INT });
  }

  return {
    requests: counter('requests', '{request}', 'Decisions on requests'),
    duration: seconds('validation.duration', DURATION_BUCKETS, 'What a decision on a request took'),
    shadowRefusals: counter('shadow.refusals', '{request}', 'Admitted requests that the shadow options would have refused'),
    revocations: counter('revocations', '{revocation}', 'Revocations that this process made'),
    revokedTokenUses: counter('revoked_token.uses', '{request}', 'Requests refused since their token was revoked'),
    revocationOverflows: counter('revocation.overflows', '{overflow}', 'Times that there was no room for all revocations of an issuer'),
    storeFailures: counter('revocation.store.failures', '{failure}', 'Times that the shared store of revocations was out of reach'),
    storeSyncs: counter('revocation.store.syncs', '{sync}', 'Times that all of the shared store of revocations was read'),
    securityEvents: counter('security_events', '{event}', 'Logout tokens and security events that an authorization server sent'),
    tokenReuses: counter('token.reuses', '{reuse}', 'Times that a token or a session came from too many places'),
    tokenReplays: counter('token.replays', '{replay}', 'Tokens that count once and came again'),
    longLivedTokens: counter('token.long_lived', '{token}', 'Tokens that were made to live too long'),
    clockSkew: seconds('clock.skew', SKEW_BUCKETS, "How far an issuer's clock is ahead of this one, at the least"),
    keyRefreshes: counter('keys.refreshes', '{refresh}', "Times that an issuer's keys were fetched"),
    keyFailures: counter('keys.failures', '{failure}', "Times that an issuer's keys could not be had"),

    ready: shown('guard.ready', '{guard}', 'Whether a guard can check tokens: 1 or 0'),
    keysAge: shown('keys.age', 's', "Since an issuer's keys were fetched"),
    keysUsable: shown('keys.usable', '{issuer}', "Whether an issuer's tokens can be checked: 1 or 0"),
    keysStale: shown('keys.stale', '{issuer}', "Whether an issuer's old keys serve on since it can't be reached: 1 or 0"),
    cacheEntries: shown('token_cache.entries', '{token}', 'Tokens that are remembered'),
    cacheSize: shown('token_cache.size', 'By', 'What the remembered tokens take, estimated'),
    cacheHits: counted('token_cache.hits', '{lookup}', 'Look-ups that found their token'),
    cacheMisses: counted('token_cache.misses', '{lookup}', 'Look-ups that did not find their token'),
    revocationEntries: shown('revocation.entries', '{revocation}', 'Revocations that are in force'),
    revocationUsable: shown('revocation.usable', '{guard}', 'Whether tokens can be checked against the revocations: 1 or 0'),
    revocationLag: shown('revocation.lag', 's', 'Since this process knew for the last time that it knows all revocations'),
    uncheckedRequests: counted('revocation.unchecked_requests', '{request}', 'Requests let through although the revocations were not current'),
  };
}
