import { setTimeout as wait } from 'node:timers/promises';
import { createResourceGuard, memoryRevocations, RevocationStoreError } from '@tokenward/core';
import type { RevocationStore } from '@tokenward/core/store';
import { createTestIssuer } from '@tokenward/testing';
import { test } from 'vitest';
import { ask, createScene, verdictOf } from './guarded.js';
import { AUDIENCE, createTenantServer } from './tenant-server.js';

// nearly all of the time of these tests is waiting, so they wait at once

const SOON = { timeout: 8000, interval: 20 };

test.concurrent('rule 61: becomes ready by itself once the issuer is back, if it was warmed while the issuer was down', async ({ expect, onTestFinished }) => {
  const { issuer, guard } = await createScene({}, {}, onTestFinished);
  issuer.misbehave('error');
  await expect(guard.warm()).rejects.toThrow('could not be fetched');
  expect(guard.health().ready).toBe(false);
  issuer.behave();
  await expect.poll(() => guard.health().ready, SOON).toBe(true);
  const { jwks } = issuer.requests;
  await wait(1500);
  expect(issuer.requests.jwks).toBe(jwks);
});

test.concurrent('rule 61: becomes ready by itself after a first request that failed, with back-off', async ({ expect, onTestFinished }) => {
  const { issuer, guard, verdict } = await createScene({}, {}, onTestFinished);
  issuer.misbehave('error', 'jwks');
  expect(await verdict({})).toBe('keys_unavailable');
  await wait(3500);
  // at 0, 1 and 3 s
  expect(issuer.requests.jwks).toBeGreaterThan(1);
  expect(issuer.requests.jwks).toBeLessThan(4);
  issuer.behave();
  await expect.poll(() => guard.health().ready, SOON).toBe(true);
}, 15_000);

test.concurrent('sends no request after it is closed, even if it is not ready', async ({ expect, onTestFinished }) => {
  const { issuer, guard } = await createScene({}, {}, onTestFinished);
  issuer.misbehave('error', 'jwks');
  await expect(guard.warm()).rejects.toThrow();
  await guard.close();
  await wait(1300);
  expect(issuer.requests.jwks).toBe(1);
});

test.concurrent('refreshes keys before they expire, so that it stays ready without requests', async ({ expect, onTestFinished }) => {
  const issuer = await createTestIssuer({ cacheControl: undefined });
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, keyFetching: { freshSeconds: 1, staleSeconds: 0 } });
  onTestFinished(async () => {
    await guard.close();
    await issuer.close();
  });
  await guard.warm();
  for (let look = 0; look < 25; look++) {
    await wait(100);
    expect(guard.health().ready).toBe(true);
  }
  expect(issuer.requests.jwks).toBeGreaterThan(2);
});

test.concurrent('rule 161: sends no background requests to an issuer that only a token names', async ({ expect, onTestFinished }) => {
  const server = await createTenantServer([], Date, onTestFinished);
  const guard = createResourceGuard({ issuers: (issuer) => ({ issuer, audience: AUDIENCE }) });
  onTestFinished(() => guard.close());
  const known = await createTenantServer(['one'], Date, onTestFinished);
  expect(verdictOf(await ask(guard, known.token('one', { iss: server.issuerOf('one') })))).toBe('keys_unavailable');
  const requests = server.requestsOf('one');
  expect(requests).toBeGreaterThan(0);
  await wait(1500);
  expect(server.requestsOf('one')).toBe(requests);
  expect(guard.health().ready).toBe(true);
});

/** A shared store that is unreachable at first and becomes usable only by `warm`. */
function createLateStore() {
  const store = memoryRevocations();
  const state = { isReachable: false, isWarm: false, attempts: 0 };
  const late: RevocationStore = {
    ...store,
    isCurrent: () => state.isWarm,
    health: () => ({ ...store.health(), usable: state.isWarm }),
    async warm() {
      state.attempts++;
      if (!state.isReachable) throw new RevocationStoreError('it is away');
      state.isWarm = true;
    },
  };
  return { late, state };
}

test.concurrent.for(['warmed', 'called'])(
  'rule 112: becomes ready by itself once its store is back, if it was %s while the store was unreachable',
  async (way, { expect, onTestFinished }) => {
    const { late, state } = createLateStore();
    const { issuer, guard, verdict } = await createScene({ revocations: { store: late } }, {}, onTestFinished);
    if (way === 'warmed') await expect(guard.warm()).rejects.toThrow('it is away');
    else {
      expect(await verdict({})).toBe('revocations_unavailable');
      expect(await verdict({})).toBe('revocations_unavailable');
    }
    expect(guard.health().ready).toBe(false);
    state.isReachable = true;
    await expect.poll(() => guard.health().ready, SOON).toBe(true);
    expect(issuer.requests.jwks).toBe(1);
    const { attempts } = state;
    await wait(1500);
    expect(state.attempts).toBe(attempts);
    state.isWarm = state.isReachable = false;
    expect(await verdict({})).toBe('revocations_unavailable');
    await guard.close();
    await wait(1300);
    expect(state.attempts).toBe(attempts);
  },
);
