import { inspect } from 'node:util';
import { createResourceGuard, type GuardOptions, type IssuerHealth, type Jwks } from '@tokenward/core';
import { createTestIssuer } from '@tokenward/testing';
import { expect, onTestFinished, test } from 'vitest';
import { ask, createScene, type Scene } from './guarded.js';

const life: GuardOptions = { keyFetching: { freshSeconds: 600, staleSeconds: 3600, timeoutSeconds: 0.3 } };

function issuerHealth({ guard }: Pick<Scene, 'guard'>): IssuerHealth {
  const { issuers } = guard.health();
  expect(issuers).toHaveLength(1);
  return issuers[0]!;
}

test('reports "empty" before the first fetch, and fetches nothing itself', async () => {
  const scene = await createScene(life);
  const expected = { state: 'empty', usable: false, ageSeconds: undefined, refreshInSeconds: undefined, keyIds: [], lastError: undefined };
  expect(issuerHealth(scene)).toEqual({ issuer: scene.issuer.issuer, ...expected });
  expect(scene.guard.health().ready).toBe(false);
  expect(scene.issuer.requests).toEqual({ metadata: 0, jwks: 0 });
});

test('reports "empty" with the error if the first fetch failed', async () => {
  const scene = await createScene(life);
  scene.issuer.misbehave('error', 'jwks');
  await expect(scene.guard.warm()).rejects.toThrow();
  expect(issuerHealth(scene)).toMatchObject({ state: 'empty', usable: false, lastError: expect.stringMatching(/\/jwks: answered with status 500$/) });
  expect(scene.guard.health().ready).toBe(false);
});

test('reports "fresh" for three quarters of the lifetime of the keys', async () => {
  const scene = await createScene(life);
  await scene.guard.warm();
  const { kid } = await scene.issuer.signingKey();
  expect(issuerHealth(scene)).toMatchObject({ state: 'fresh', usable: true, ageSeconds: 0, refreshInSeconds: 450, keyIds: [kid], lastError: undefined });
  expect(scene.guard.health().ready).toBe(true);
  scene.clock.advance(449);
  expect(issuerHealth(scene)).toMatchObject({ state: 'fresh', ageSeconds: 449, refreshInSeconds: 1 });
});

test('reports "refreshing" while a refresh is due or under way', async () => {
  const scene = await createScene(life);
  await scene.guard.warm();
  const token = await scene.issuer.issueToken({ lifetimeSeconds: 10_000 });
  scene.clock.advance(450);
  expect(issuerHealth(scene)).toMatchObject({ state: 'refreshing', usable: true, ageSeconds: 450, refreshInSeconds: 0 });
  scene.issuer.misbehave('hang');
  expect(await scene.verdict(token)).toBe('allow');
  expect(issuerHealth(scene)).toMatchObject({ state: 'refreshing', usable: true });
  await expect.poll(() => issuerHealth(scene).lastError).toMatch(/no complete answer within 0\.3 s/);
  // the refresh is retried after a pause
  expect(issuerHealth(scene)).toMatchObject({ state: 'refreshing', usable: true, refreshInSeconds: 1 });
  scene.issuer.behave();
  scene.clock.advance(1);
  expect(await scene.verdict(token)).toBe('allow');
  await expect.poll(() => issuerHealth(scene).state).toBe('fresh');
  expect(issuerHealth(scene)).toMatchObject({ ageSeconds: 0, lastError: undefined });
});

test('reports "stale" for keys past their lifetime while the issuer cannot be reached, then "gone"', async () => {
  const scene = await createScene(life);
  await scene.guard.warm();
  scene.issuer.misbehave('reset');
  scene.clock.advance(600);
  await expect(scene.guard.warm()).rejects.toThrow();
  expect(issuerHealth(scene)).toMatchObject({ state: 'stale', usable: true, ageSeconds: 600, lastError: expect.stringContaining('could not be fetched') });
  expect(scene.guard.health().ready).toBe(true);
  scene.clock.advance(3599.999);
  expect(issuerHealth(scene)).toMatchObject({ state: 'stale', usable: true });
  scene.clock.advance(0.001);
  expect(issuerHealth(scene)).toMatchObject({ state: 'gone', usable: false, ageSeconds: 4200, keyIds: [] });
  expect(scene.guard.health().ready).toBe(false);
  scene.issuer.behave();
  await scene.guard.warm();
  expect(issuerHealth(scene)).toMatchObject({ state: 'fresh', usable: true, ageSeconds: 0, lastError: undefined });
});

test('reports "given" for keys from the options, which never expire', async () => {
  const issuer = await createTestIssuer();
  await issuer.close();
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: 'a', jwks: issuer.jwks as Jwks });
  const { kid } = await issuer.signingKey();
  expect(issuerHealth({ guard })).toMatchObject({ state: 'given', usable: true, ageSeconds: undefined, refreshInSeconds: undefined, keyIds: [kid] });
  expect(guard.health().ready).toBe(true);
});

test('is ready once one of the configured issuers has usable keys', async () => {
  const one = await createTestIssuer();
  const two = await createTestIssuer();
  onTestFinished(async () => {
    await one.close();
    await two.close();
  });
  const guard = createResourceGuard({ audience: one.audience, issuers: [{ issuer: one.issuer }, { issuer: two.issuer }] });
  expect(guard.health().ready).toBe(false);
  two.misbehave('error');
  await expect(guard.warm()).rejects.toThrow(two.issuer);
  expect(guard.health()).toMatchObject({
    ready: true,
    issuers: [
      { issuer: one.issuer, state: 'fresh', usable: true },
      { issuer: two.issuer, state: 'empty', usable: false },
    ],
  });
  two.behave();
  await guard.warm();
  expect(guard.health().ready).toBe(true);
});

test('rule 60: measures ages with the monotonic clock', async () => {
  const scene = await createScene(life);
  await scene.guard.warm();
  scene.clock.skewWall(-1_000_000);
  scene.clock.advance(10);
  expect(issuerHealth(scene)).toMatchObject({ state: 'fresh', ageSeconds: 10, refreshInSeconds: 440 });
});

test('rule 139: contains no token, key or secret, and shows key IDs short and printable', async () => {
  const issuer = await createTestIssuer({ algorithm: 'HS256' });
  onTestFinished(() => issuer.close());
  const secret = Buffer.from(issuer.sharedSecrets[0]!);
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, sharedSecrets: secret });
  const token = await issuer.issueToken({ subject: 'planted-subject' });
  await ask(guard, token);
  const shown = inspect(guard.health(), { depth: 20, showHidden: true }) + JSON.stringify(guard.health());
  for (const hidden of [token, token.split('.')[2]!, 'planted', secret.toString('base64url'), secret.toString('hex'), secret.toString('base64')]) {
    expect(shown).not.toContain(hidden);
  }

  const scene = await createScene({ jwksUri: undefined });
  const key = await scene.issuer.signingKey();
  scene.issuer.publishKey({ ...key, publicJwk: { ...key.publicJwk, kid: `odd\u001b[31m\n${'x'.repeat(200)}` } });
  scene.issuer.publishKey({ ...key, publicJwk: { ...key.publicJwk, kid: `long-${'y'.repeat(5000)}` } });
  await scene.guard.warm();
  const { keyIds } = issuerHealth(scene);
  expect(keyIds).toEqual([key.kid, expect.stringMatching(/^odd \[31m x+(\.\.\.)?$/)]);
  expect(JSON.stringify(scene.guard.health())).not.toContain(key.publicJwk.n);
});

test('is a copy that cannot change the guard', async () => {
  const scene = await createScene();
  await scene.guard.warm();
  const health = scene.guard.health();
  Object.assign(health, { ready: false });
  Object.assign(health.issuers[0]!, { state: 'gone', usable: false });
  (health.issuers[0]!.keyIds as string[]).length = 0;
  expect(scene.guard.health()).toMatchObject({ ready: true, issuers: [{ state: 'fresh', usable: true, keyIds: [expect.any(String)] }] });
  expect(await scene.verdict({})).toBe('allow');
});
