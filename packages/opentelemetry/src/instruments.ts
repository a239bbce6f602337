import { ValueType, type Counter, type Meter, type ObservableCounter, type ObservableGauge } from '@opentelemetry/api';

/** In seconds: from 1 µs for a cached token to 5 s for an issuer that does not answer. */
const DURATION_BUCKETS = [1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const SKEW_BUCKETS = [1, 2, 5, 10, 20, 30, 60, 120, 300];

export type Instruments = ReturnType<typeof createInstruments>;

/** Creates all instruments, with names and units by OpenTelemetry's rules. A gauge of 1 or 0 has a counting unit, such as `{guard}`, so that its sum is meaningful. */
export function createInstruments(meter: Meter) {
  function counter(name: string, unit: string, description: string): Counter {
    return meter.createCounter(`tokenward.${name}`, { unit, description, valueType: ValueType.INT });
  }

  function seconds(name: string, explicitBucketBoundaries: number[], description: string) {
    return meter.createHistogram(`tokenward.${name}`, { unit: 's', description, advice: { explicitBucketBoundaries } });
  }

  function gauge(name: string, unit: string, description: string): ObservableGauge {
    return meter.createObservableGauge(`tokenward.${name}`, { unit, description });
  }

  function observableCounter(name: string, unit: string, description: string): ObservableCounter {
    return meter.createObservableCounter(`tokenward.${name}`, { unit, description, valueType: ValueType.INT });
  }

  return {
    requests: counter('requests', '{request}', 'Decisions on requests'),
    duration: seconds('validation.duration', DURATION_BUCKETS, 'Duration of a decision on a request'),
    shadowRefusals: counter('shadow.refusals', '{request}', 'Admitted requests that the shadow options would have refused'),
    revocations: counter('revocations', '{revocation}', 'Revocations that this process made'),
    revokedTokenUses: counter('revoked_token.uses', '{request}', 'Requests refused because their token was revoked'),
    revocationOverflows: counter('revocation.overflows', '{overflow}', 'Times that there was no room for all revocations of an issuer'),
    storeFailures: counter('revocation.store.failures', '{failure}', 'Times that the shared store of revocations became unreachable'),
    storeSyncs: counter('revocation.store.syncs', '{sync}', 'Full reads of the shared store of revocations'),
    securityEvents: counter('security_events', '{event}', 'Logout tokens and security events received from an authorization server'),
    sessions: counter('sessions', '{event}', 'Logins, refreshes, logouts and ends of browser sessions'),
    tokenReuses: counter('token.reuses', '{reuse}', 'Times that a token or a session was used from too many places'),
    tokenReplays: counter('token.replays', '{replay}', 'Single-use tokens that were received again'),
    ignoredCertificates: counter('certificates.ignored', '{request}', 'Headers with a client certificate that did not count'),
    longLivedTokens: counter('token.long_lived', '{token}', 'Tokens with a lifetime above the threshold'),
    clockSkew: seconds('clock.skew', SKEW_BUCKETS, "How far an issuer's clock is ahead of this one, at least"),
    introspection: seconds('introspection.duration', DURATION_BUCKETS, 'Duration of an introspection'),
    keyRefreshes: counter('keys.refreshes', '{refresh}', "Times that an issuer's keys were fetched, or a file with keys was read again"),
    keyFailures: counter('keys.failures', '{failure}', "Times that an issuer's keys could not be fetched, or a file with keys could not be read"),

    ready: gauge('guard.ready', '{guard}', 'Whether a guard can check tokens: 1 or 0'),
    keysAge: gauge('keys.age', 's', "Time since an issuer's keys were fetched"),
    keysUsable: gauge('keys.usable', '{issuer}', "Whether an issuer's tokens can be checked: 1 or 0"),
    keysStale: gauge('keys.stale', '{issuer}', "Whether an issuer's old keys are still used because it is unreachable: 1 or 0"),
    introspectionUsable: gauge('introspection.usable', '{issuer}', "Whether an issuer's introspection endpoint can be asked: 1 or 0"),
    introspectionWaiting: gauge('introspection.waiting', '{token}', 'Tokens that wait for introspection'),
    decryptionKeys: gauge('decryption.keys', '{key}', 'Keys that decrypt tokens'),
    decryptionWaiting: gauge('decryption.waiting', '{token}', 'Tokens that wait for decryption'),
    cacheEntries: gauge('token_cache.entries', '{token}', 'Cached tokens'),
    cacheSize: gauge('token_cache.size', 'By', 'Estimated memory of the cached tokens'),
    cacheHits: observableCounter('token_cache.hits', '{lookup}', 'Look-ups that found their token'),
    cacheMisses: observableCounter('token_cache.misses', '{lookup}', 'Look-ups that did not find their token'),
    revocationEntries: gauge('revocation.entries', '{revocation}', 'Revocations that are in force'),
    revocationUsable: gauge('revocation.usable', '{guard}', 'Whether tokens can be checked against the revocations: 1 or 0'),
    revocationLag: gauge('revocation.lag', 's', 'Time since this process last knew all revocations'),
    uncheckedRequests: observableCounter('revocation.unchecked_requests', '{request}', 'Requests admitted while the revocations were not current'),
  };
}
