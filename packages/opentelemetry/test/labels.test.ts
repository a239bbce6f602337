import { channel } from 'node:diagnostics_channel';
import { createResourceGuard, EVENT_NAMES, type GuardHealth, type IssuerHealth } from '@tokenward/core';
import { instrumentTokenward, type HasHealth } from '@tokenward/opentelemetry';
import { asSigningKey, base64url, compactJws, createTestIssuer, generatePrivateKey, hostileTokens, signBytes } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';
import { createMetrics, createScene, publish } from './scene.js';

const KEYS = { state: 'fresh', usable: true, ageSeconds: 1, refreshInSeconds: 1, keyIds: [], lastError: undefined } as const;

/** Returns a guard whose health lists these issuers. */
function guardOf(issuers: () => readonly IssuerHealth[]): HasHealth {
  const revocations = { entries: 0, usable: true, ageSeconds: 0, uncheckedRequests: 0, lastError: undefined };
  return { health: (): GuardHealth => ({ ready: true, issuers: issuers(), introspection: [], decryption: undefined, tokenCache: undefined, revocations }) };
}

function accept(issuer: string): void {
  publish('tokenward:accepted', { issuer, anonymous: false, durationSeconds: 0.001 });
}

/** Returns how many series there are: a histogram has one for each bucket. */
function seriesOf(all: string): number {
  const metrics = JSON.parse(all) as { dataPoints: { value: number | { buckets: { counts: number[] } } }[] }[];
  return metrics.flatMap(({ dataPoints }) => dataPoints).reduce((sum, { value }) => sum + (typeof value === 'number' ? 1 : value.buckets.counts.length + 2), 0);
}

test('rule 143, rule 142: hostile events and tokens add no series and none of their text', async () => {
  const { issuer, guard, decide } = await createScene();
  const metrics = createMetrics();
  onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: metrics.provider }));
  const rows = await hostileTokens(issuer);
  const good = await issuer.issueToken({ subject: 'planted-subject', clientId: 'planted-client', claims: { jti: 'planted-id', sid: 'planted-session' } });

  async function attack(round: number): Promise<void> {
    await decide(good);
    for (const { token } of rows) await decide(token);
    for (let i = 0; i < 300; i++) {
      const planted = `planted-${round}-${i} ${good}`;
      const event = {
        issuer: planted,
        reason: planted,
        status: 1000 * round + i,
        cause: planted,
        kind: planted,
        by: planted,
        of: planted,
        channel: planted,
        outcome: planted,
        clientId: planted,
        error: new Error(planted),
        usable: planted,
        anonymous: planted,
        keyIds: [planted],
        remarks: [planted],
        entries: planted,
        dropped: planted,
        durationSeconds: planted,
        skewSeconds: planted,
        secondsLate: planted,
      };
      for (const name of EVENT_NAMES) channel(name).publish(event);
      // again with an issuer that has a label
      for (const name of EVENT_NAMES) channel(name).publish({ ...event, issuer: issuer.issuer });
    }
  }

  await attack(0);
  const first = await metrics.all();
  await attack(1);
  const second = await metrics.all();

  expect(seriesOf(second)).toBe(seriesOf(first));
  expect(seriesOf(second)).toBeLessThan(400);
  expect(second).toContain('_OTHER');
  expect(second).toContain(issuer.issuer);
  expect(second).not.toContain('planted');
  for (const token of [good, ...rows.map((row) => row.token)]) {
    for (const part of token.split('.')) if (part.length > 24 && !/^(.)\1*$/.test(part)) expect(second.includes(part.slice(0, 40))).toBe(false);
  }
});

test('rule 143: an issuer that only a token claims gets no label', async () => {
  const { issuer, decide } = await createScene();
  const metrics = createMetrics();
  const listed = await createTestIssuer();
  const guard = createResourceGuard({
    issuers: [
      { issuer: issuer.issuer, audience: issuer.audience },
      { issuer: listed.issuer, audience: listed.audience },
    ],
  });
  onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: metrics.provider }));
  onTestFinished(() => listed.close());
  const token = await issuer.issueToken({ claims: { iss: 'https://evil.example.test' } });
  await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
  await decide({});
  const issuers = new Set((await metrics.points('tokenward.requests')).map(({ attributes }) => attributes['tokenward.issuer']));
  expect(issuers).toEqual(new Set([issuer.issuer, listed.issuer, '_OTHER']));
});

test('rule 143: beyond 200 issuers the others share a label, and their keys are not shown', async () => {
  const issuers = Array.from({ length: 300 }, (_, i) => ({ issuer: `https://i${i}.example.test`, ...KEYS }));
  const { provider, points, value } = createMetrics();
  onTestFinished(instrumentTokenward({ guards: { api: guardOf(() => issuers) }, meterProvider: provider }));
  for (const { issuer } of issuers) accept(issuer);
  const accepted = (await points('tokenward.requests')).filter(({ attributes }) => attributes['tokenward.outcome'] === 'accepted');
  expect(accepted).toHaveLength(201);
  expect(await value('tokenward.requests', { 'tokenward.issuer': '_OTHER', 'tokenward.outcome': 'accepted' })).toBe(100);
  expect(await points('tokenward.keys.usable')).toHaveLength(200);
});

test('rule 143: a later issuer gets a label once its keys were fetched', async () => {
  let issuers: readonly IssuerHealth[] = [];
  const { provider, value } = createMetrics();
  onTestFinished(instrumentTokenward({ guards: { api: guardOf(() => issuers) }, meterProvider: provider }));
  const issuer = 'https://late.example.test';
  issuers = [{ issuer, ...KEYS, state: 'empty', usable: false }];
  await value('tokenward.keys.usable');
  accept(issuer);
  expect(await value('tokenward.requests', { 'tokenward.issuer': '_OTHER' })).toBe(1);
  expect(await value('tokenward.keys.usable')).toBeUndefined();
  issuers = [{ issuer, ...KEYS }];
  // read when metrics are collected
  expect(await value('tokenward.keys.usable', { 'tokenward.issuer': issuer })).toBe(1);
  accept(issuer);
  expect(await value('tokenward.requests', { 'tokenward.issuer': issuer, 'tokenward.outcome': 'accepted' })).toBe(1);
});

test('rule 143: the guards are read at most once a second, however many events name unknown issuers', async () => {
  let reads = 0;
  const guard = guardOf(() => {
    reads++;
    return [];
  });
  onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: createMetrics().provider }));
  reads = 0;
  const startedAt = performance.now();
  for (let i = 0; i < 50_000; i++) accept(`https://i${i}.example.test`);
  expect(reads).toBeGreaterThan(0);
  expect(reads).toBeLessThanOrEqual(1 + (performance.now() - startedAt) / 1000);
});

test('rule 143: tenants that share their keys count under their template', async () => {
  const key = asSigningKey('ES256', await generatePrivateKey('ES256'));
  const template = 'https://login.example.test/{tenant}/v2.0';
  const guard = createResourceGuard({ issuer: template, audience: 'api', unsafeAcceptAnyTenant: true, jwks: { keys: [key.publicJwk] } });
  const { provider, points } = createMetrics();
  onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: provider }));
  const now = Math.floor(Date.now() / 1000);
  for (const tenant of ['one', 'two', 'planted']) {
    const claims = { iss: template.replace('{tenant}', tenant), tid: tenant, aud: 'api', sub: 's', iat: now, exp: now + 60 };
    const header = { alg: 'ES256', kid: key.kid, typ: 'at+jwt' };
    const token = compactJws(base64url(JSON.stringify(header)), base64url(JSON.stringify(claims)), (bytes) => signBytes('ES256', key.privateKey, bytes));
    expect(await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } })).toMatchObject({ outcome: 'allow' });
  }
  const accepted = (await points('tokenward.requests')).filter(({ attributes }) => attributes['tokenward.outcome'] === 'accepted');
  expect(accepted).toMatchObject([{ attributes: { 'tokenward.issuer': template }, value: 3 }]);
});

test('requests with the same outcome, reason, issuer and status share one attributes object', async () => {
  const seen = new Set<unknown>();
  const { guard, decide } = await createScene();
  const { provider } = createMetrics();
  const counting = {
    getMeter(name: string) {
      const meter = provider.getMeter(name);
      return Object.assign(Object.create(meter) as typeof meter, {
        createCounter: () => ({ add: (amount: number, attributes: unknown) => void (amount > 0 && seen.add(attributes)) }),
      });
    },
  };
  onTestFinished(instrumentTokenward({ guards: { api: guard }, meterProvider: counting }));
  await guard.warm();
  seen.clear();
  for (let i = 0; i < 5; i++) {
    await decide({});
    await decide(undefined);
    await decide({ lifetimeSeconds: -100 });
  }
  expect(seen.size).toBe(3);
});
