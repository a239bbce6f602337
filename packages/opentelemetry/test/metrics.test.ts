import { type Histogram } from '@opentelemetry/sdk-metrics';
import { scope, type GuardHealth, type Reason } from '@tokenward/core';
import { instrumentTokenward } from '@tokenward/opentelemetry';
import { asSigningKey, generatePrivateKey, type TokenOptions } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createMetrics, createScene, publish, type Metrics, type Scene } from './scene.js';

const NO_REQUEST = { guard: 'api', method: 'GET', route: undefined, path: '/', requestId: undefined, clientId: undefined };

async function instrumented(options: Parameters<typeof createScene>[0] = {}): Promise<Scene & Metrics> {
  const scene = await createScene(options);
  const metrics = createMetrics();
  onTestFinished(instrumentTokenward({ guards: { api: scene.guard }, meterProvider: metrics.provider }));
  return { ...scene, ...metrics };
}

describe('requests', () => {
  test('counts an accepted request and records its duration in seconds', async () => {
    const { issuer, decide, value, points } = await instrumented();
    expect(await decide({})).toMatchObject({ outcome: 'allow' });
    const labels = { 'tokenward.outcome': 'accepted', 'tokenward.issuer': issuer.issuer };
    expect(await value('tokenward.requests', labels)).toBe(1);
    const [duration, ...more] = await points('tokenward.validation.duration');
    expect(more).toEqual([]);
    expect(duration!.attributes).toEqual(labels);
    const { count, sum, buckets } = duration!.value as Histogram;
    expect(count).toBe(1);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThan(5);
    expect([buckets.boundaries[0], buckets.boundaries.at(-1)]).toEqual([1e-6, 5]);
  });

  test('counts an anonymous request', async () => {
    const { issuer, decide, value } = await instrumented();
    expect(await decide(undefined, { credentials: 'optional' })).toMatchObject({ outcome: 'allow' });
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'anonymous', 'tokenward.issuer': issuer.issuer })).toBe(1);
    expect(await value('tokenward.requests', { 'tokenward.outcome': 'accepted' })).toBe(0);
  });

  test.each<[Reason, number, (scene: Scene) => Promise<TokenOptions | string | undefined> | TokenOptions | undefined]>([
    ['missing_token', 401, () => undefined],
    ['expired', 401, () => ({ lifetimeSeconds: -100 })],
    ['audience_mismatch', 401, () => ({ audience: 'https://other.example.test' })],
    [
      'bad_signature',
      401,
      async ({ issuer }) => {
        const { kid } = await issuer.signingKey();
        return issuer.issueToken({ key: { ...asSigningKey('RS256', await generatePrivateKey('RS256')), kid } });
      },
    ],
    [
      'revoked',
      401,
      async ({ guard, issuer }) => {
        await guard.revocations.revoke({ subject: 'user-1' }, { reason: 'compromised' });
        return issuer.issueToken();
      },
    ],
    ['insufficient_scope', 403, () => ({ scopes: ['orders:write'] })],
    [
      'keys_unavailable',
      503,
      ({ issuer }) => {
        issuer.misbehave('error');
        return {};
      },
    ],
  ])('counts a refusal by its reason and status: %s', async (reason, status, createToken) => {
    const { value, ...scene } = await instrumented();
    const token = await createToken(scene);
    expect(await scene.decide(token, { policy: scope('orders:read') })).toMatchObject({ outcome: 'deny', reason, status });
    const labels = {
      'tokenward.outcome': 'refused',
      'error.type': reason,
      'http.response.status_code': status,
      'tokenward.issuer': scene.issuer.issuer,
    };
    expect(await value('tokenward.requests', labels)).toBe(1);
    expect(await value('tokenward.validation.duration', { 'tokenward.outcome': 'refused' })).toMatchObject({ count: 1 });
  });

  test('counts guard.permit as a decision without a duration', async () => {
    const { guard, decide, value } = await instrumented();
    const decision = await decide({});
    if (decision.outcome !== 'allow' || !decision.auth) throw new Error('refused');
    expect(guard.permit(decision.auth, scope('orders:read'))).toMatchObject({ outcome: 'deny' });
    expect(await value('tokenward.requests', { 'error.type': 'insufficient_scope' })).toBe(1);
    expect(await value('tokenward.validation.duration', { 'tokenward.outcome': 'refused' })).toBeUndefined();
  });

  test('counts what the shadow options would have refused, by its reason', async () => {
    const { decide, value } = await instrumented({ shadow: { allowedClients: ['client-2'] } });
    expect(await decide({})).toMatchObject({ outcome: 'allow' });
    expect(await value('tokenward.shadow.refusals', { 'error.type': 'client_not_allowed' })).toBe(1);
  });
});

describe('revocations, keys and events', () => {
  test('counts revocations and uses of revoked tokens, by kind and reason', async () => {
    const { issuer, guard, decide, value } = await instrumented();
    await guard.revocations.revoke({ subject: 'user-1' }, { reason: 'logout' });
    await decide({});
    await decide({});
    const labels = { 'tokenward.revocation.kind': 'subject', 'tokenward.revocation.reason': 'logout', 'tokenward.issuer': issuer.issuer };
    expect(await value('tokenward.revocations', labels)).toBe(1);
    expect(await value('tokenward.revoked_token.uses', labels)).toBe(2);
  });

  test("counts fetches of an issuer's keys, and failed ones", async () => {
    const { issuer, guard, value } = await instrumented({ keyFetching: { timeoutSeconds: 0.3 } });
    issuer.misbehave('error');
    await expect(guard.warm()).rejects.toThrow();
    const source = { 'tokenward.keys.source': 'issuer' };
    expect(await value('tokenward.keys.failures', { ...source, 'tokenward.usable': false })).toBe(1);
    expect(await value('tokenward.keys.failures', { ...source, 'tokenward.usable': true })).toBe(0);
    issuer.behave();
    await expect.poll(() => guard.warm().then(() => value('tokenward.keys.refreshes', source)), { timeout: 15_000, interval: 200 }).toBe(1);
  });

  test('counts files of an issuer apart from its keys', async () => {
    const { issuer: { issuer }, value } = await instrumented(); // prettier-ignore
    publish('tokenward:keys-failed', { issuer, source: 'sharedSecretsFile', message: '/secrets: it is empty', usable: true });
    publish('tokenward:keys-refreshed', { issuer, source: 'jwksFile', keyIds: [], remarks: [] });
    for (const source of ['issuer', 'jwksFile', 'sharedSecretsFile', 'introspection.bearerTokenFile']) {
      const labels = { 'tokenward.keys.source': source };
      expect(await value('tokenward.keys.failures', { ...labels, 'tokenward.usable': true })).toBe(source === 'sharedSecretsFile' ? 1 : 0);
      expect(await value('tokenward.keys.refreshes', labels)).toBe(source === 'jwksFile' ? 1 : 0);
    }
    publish('tokenward:keys-failed', { issuer, source: '/etc/keys' as never, message: '', usable: true });
    expect(await value('tokenward.keys.failures', { 'tokenward.keys.source': '_OTHER' })).toBe(1);
  });

  test('counts the events about tokens, stores and authorization servers', async () => {
    const {
      issuer: { issuer },
      value,
    } = await instrumented();
    publish('tokenward:token-reused', { issuer, by: 'session', places: 9, windowSeconds: 60 });
    publish('tokenward:token-replayed', { issuer, of: 'logout_token' });
    for (const cause of ['untrusted_peer', 'unheard-of' as 'malformed'] as const) publish('tokenward:certificate-ignored', { cause, ...NO_REQUEST });
    publish('tokenward:long-lived-token', { issuer, lifetimeSeconds: 1e6, clientId: 'client-1' });
    publish('tokenward:clock-skew', { issuer, skewSeconds: 7 });
    publish('tokenward:introspected', { issuer, outcome: 'inactive', durationSeconds: 0.5, message: undefined });
    publish('tokenward:introspected', { issuer, outcome: 'inactive', durationSeconds: Number.NaN, message: undefined });
    publish('tokenward:security-event', { issuer, channel: 'shared_signals', outcome: 'done', cause: undefined });
    publish('tokenward:security-event', { issuer: undefined, channel: 'backchannel_logout', outcome: 'failed', cause: 'keys' });
    publish('tokenward:revocations-overflowed', { issuer, dropped: 5, issuedUntil: 1 });
    publish('tokenward:revocations-failed', { message: 'unreachable', usable: true });
    publish('tokenward:revocations-synced', { entries: 3 });

    expect(await value('tokenward.token.reuses', { 'tokenward.issuer': issuer, 'tokenward.reused': 'session' })).toBe(1);
    expect(await value('tokenward.token.reuses', { 'tokenward.issuer': issuer, 'tokenward.reused': 'token' })).toBe(0);
    expect(await value('tokenward.token.replays', { 'tokenward.issuer': issuer, 'tokenward.replayed': 'logout_token' })).toBe(1);
    const ignored = ['untrusted_peer', '_OTHER', 'duplicate'].map((cause) => value('tokenward.certificates.ignored', { 'tokenward.certificate.cause': cause }));
    expect(await Promise.all(ignored)).toEqual([1, 1, 0]);
    expect(await value('tokenward.token.long_lived', { 'tokenward.issuer': issuer })).toBe(1);
    expect(await value('tokenward.clock.skew', { 'tokenward.issuer': issuer })).toMatchObject({ count: 1, sum: 7 });
    const asked = { 'tokenward.issuer': issuer, 'tokenward.introspection.outcome': 'inactive' };
    expect(await value('tokenward.introspection.duration', asked)).toMatchObject({ count: 1, sum: 0.5 });
    const done = { 'tokenward.issuer': issuer, 'tokenward.security_event.channel': 'shared_signals', 'tokenward.security_event.outcome': 'done' };
    expect(await value('tokenward.security_events', done)).toBe(1);
    const failed = { 'tokenward.security_event.channel': 'backchannel_logout', 'tokenward.security_event.outcome': 'failed' };
    expect(await value('tokenward.security_events', { 'tokenward.issuer': '_OTHER', ...failed })).toBe(1);
    expect(await value('tokenward.revocation.overflows', { 'tokenward.issuer': issuer })).toBe(1);
    expect(await value('tokenward.revocation.store.failures', { 'tokenward.usable': true })).toBe(1);
    expect(await value('tokenward.revocation.store.syncs')).toBe(1);
  });

  test('counts the events about browser sessions, with words of closed sets alone', async () => {
    const {
      issuer: { issuer },
      value,
      points,
    } = await instrumented();
    publish('tokenward:session', { issuer, action: 'login', outcome: 'done', reason: undefined });
    for (let times = 0; times < 2; times++) publish('tokenward:session', { issuer, action: 'refresh', outcome: 'failed', reason: 'issuer_unavailable' });
    publish('tokenward:session', { issuer, action: 'end', outcome: 'done', reason: 'backchannel_logout' });
    publish('tokenward:session', { issuer: 'https://stranger.test', action: 'x', outcome: 'y', reason: 'the cookie' } as never);

    const session = (action: string, outcome: string) => ({ 'tokenward.session.action': action, 'tokenward.session.outcome': outcome });
    expect(await value('tokenward.sessions', { 'tokenward.issuer': issuer, ...session('login', 'done') })).toBe(1);
    const failed = { ...session('refresh', 'failed'), 'tokenward.session.reason': 'issuer_unavailable' };
    expect(await value('tokenward.sessions', { 'tokenward.issuer': issuer, ...failed })).toBe(2);
    const ended = { ...session('end', 'done'), 'tokenward.session.reason': 'backchannel_logout' };
    expect(await value('tokenward.sessions', { 'tokenward.issuer': issuer, ...ended })).toBe(1);
    const other = { ...session('_OTHER', '_OTHER'), 'tokenward.session.reason': '_OTHER' };
    expect(await value('tokenward.sessions', { 'tokenward.issuer': '_OTHER', ...other })).toBe(1);
    expect(JSON.stringify(await points('tokenward.sessions'))).not.toMatch(/stranger|cookie/);
  });

  test('ignores durations and skews that are not amounts', async () => {
    const {
      issuer: { issuer },
      points,
    } = await instrumented();
    for (const skewSeconds of [Number.NaN, -1, Infinity, '5' as unknown as number]) publish('tokenward:clock-skew', { issuer, skewSeconds });
    for (const durationSeconds of [Number.NaN, -1, undefined]) publish('tokenward:accepted', { issuer, anonymous: false, durationSeconds });
    expect(await points('tokenward.clock.skew')).toEqual([]);
    expect(await points('tokenward.validation.duration')).toEqual([]);
  });

  test('creates rare and alerted series at zero, so that the first event is an increase', async () => {
    const { value } = await instrumented();
    for (const reason of ['revoked', 'bad_signature', 'unknown_key', 'keys_unavailable', 'revocations_unavailable', 'replays_unavailable'])
      expect(await value('tokenward.requests', { 'error.type': reason })).toBe(0);
    for (const kind of ['token', 'session', 'sessionless', 'subject', 'client', 'issuer'])
      expect(await value('tokenward.revoked_token.uses', { 'tokenward.revocation.kind': kind, 'tokenward.revocation.reason': 'compromised' })).toBe(0);
    for (const usable of [true, false]) expect(await value('tokenward.revocation.store.failures', { 'tokenward.usable': usable })).toBe(0);
    for (const of of ['logout_token', 'security_event']) expect(await value('tokenward.token.replays', { 'tokenward.replayed': of })).toBe(0);
    for (const name of ['token.long_lived', 'revocation.overflows']) expect(await value(`tokenward.${name}`)).toBe(0);
  });
});

describe('the health of guards', () => {
  test('shows keys and the token cache, before and after the first fetch', async () => {
    const { issuer, decide, value, points } = await instrumented();
    const keys = { 'tokenward.guard': 'api', 'tokenward.issuer': issuer.issuer };
    expect(await value('tokenward.keys.usable', keys)).toBe(0);
    expect(await points('tokenward.keys.age')).toEqual([]);
    expect(await value('tokenward.guard.ready', { 'tokenward.guard': 'api' })).toBe(0);

    const token = await issuer.issueToken();
    for (let times = 0; times < 3; times++) await decide(token);
    expect(await value('tokenward.keys.usable', keys)).toBe(1);
    expect(await value('tokenward.keys.stale', keys)).toBe(0);
    expect(await value('tokenward.keys.age', keys)).toBeGreaterThanOrEqual(0);
    expect(await value('tokenward.guard.ready', { 'tokenward.guard': 'api' })).toBe(1);
    expect(await value('tokenward.token_cache.entries')).toBe(1);
    expect(await value('tokenward.token_cache.size')).toBeGreaterThan(token.length);
    expect(await value('tokenward.token_cache.hits')).toBe(2);
    expect(await value('tokenward.token_cache.misses')).toBe(1);
  });

  test('shows the state of the revocations', async () => {
    const { guard, value } = await instrumented();
    await guard.revocations.revoke({ subject: 'user-1' });
    await guard.revocations.revoke({ tokenId: 'jti-1' });
    expect(await value('tokenward.revocation.entries')).toBe(2);
    expect(await value('tokenward.revocation.usable')).toBe(1);
    expect(await value('tokenward.revocation.lag')).toBe(0);
    expect(await value('tokenward.revocation.unchecked_requests')).toBe(0);
  });

  test('shows stale keys, a lagging mirror and unchecked requests, and no token cache if there is none', async () => {
    const { provider, value, points } = createMetrics();
    const health: GuardHealth = {
      ready: true,
      issuers: [{ issuer: 'https://a.example.test', state: 'stale', usable: true, ageSeconds: 4000, refreshInSeconds: 1, keyIds: ['k'], lastError: 'x' }],
      introspection: [
        {
          issuer: 'https://a.example.test',
          endpoint: 'https://a.example.test/introspect',
          usable: false,
          activeTokens: 1,
          refusedTokens: 2,
          asking: 3,
          waiting: 4,
          retryInSeconds: 5,
          lastError: 'x',
        },
      ],
      decryption: { keyIds: ['a'], keys: 2, decrypting: 1, waiting: 7, lastError: undefined },
      tokenCache: undefined,
      revocations: { entries: 3, usable: false, ageSeconds: 31.5, uncheckedRequests: 12, lastError: 'x' },
    };
    onTestFinished(instrumentTokenward({ guards: { api: { health: () => health } }, meterProvider: provider }));
    expect(await value('tokenward.keys.stale')).toBe(1);
    expect(await value('tokenward.introspection.usable')).toBe(0);
    expect(await value('tokenward.introspection.waiting')).toBe(4);
    expect([await value('tokenward.decryption.keys'), await value('tokenward.decryption.waiting')]).toEqual([2, 7]);
    expect(await value('tokenward.keys.age')).toBe(4000);
    expect(await value('tokenward.revocation.usable')).toBe(0);
    expect(await value('tokenward.revocation.lag')).toBe(31.5);
    expect(await value('tokenward.revocation.unchecked_requests')).toBe(12);
    expect(await points('tokenward.token_cache.entries')).toEqual([]);
  });

  test('shows two guards under their names', async () => {
    const one = await createScene();
    const two = await createScene();
    const { provider, value } = createMetrics();
    onTestFinished(instrumentTokenward({ guards: { one: one.guard, two: two.guard }, meterProvider: provider }));
    await one.decide({});
    expect(await value('tokenward.keys.usable', { 'tokenward.guard': 'one', 'tokenward.issuer': one.issuer.issuer })).toBe(1);
    expect(await value('tokenward.keys.usable', { 'tokenward.guard': 'two', 'tokenward.issuer': two.issuer.issuer })).toBe(0);
  });
});
