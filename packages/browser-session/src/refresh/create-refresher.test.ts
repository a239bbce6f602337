import { setTimeout } from 'node:timers/promises';
import { memorySessions } from '@tokenward/core';
import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { headerAfter } from '../../test/cookie-jar.js';
import { sessionState } from '../../test/session-state.js';
import { hashOf } from '../hash.js';
import { readOptions } from '../options.js';
import { createSessions } from '../state/create-sessions.js';
import { createRefresher } from './create-refresher.js';

test('rule 130: sessions whose lease a dead process has keep no other session from being refreshed', async () => {
  const clock = createTestClock('2027-01-15T08:00:00Z');
  const store = memorySessions();
  const issuer = 'https://login.example.test';
  const secrets = ['a secret of at least 32 characters'];
  const config = readOptions({ issuer, clientId: 'web-app', clientSecret: 'secret', origin: 'https://app.example', secrets, clock, store, timeoutSeconds: 60 });
  const sessions = createSessions(config);
  const nowSeconds = clock.now() / 1000;
  const refreshed: string[] = [];
  const client = {
    async refresh(refreshToken: string) {
      refreshed.push(refreshToken);
      const answer = { accessToken: 'new', accessTokenEndsAt: nowSeconds + 300, scopes: [], refreshToken: undefined };
      return { ...answer, refreshTokenEndsAt: undefined, idToken: undefined };
    },
    revoke: async () => undefined,
  };
  const refresher = createRefresher({ config, client, sessions, publish() {}, warn() {} });
  async function start(refreshToken: string) {
    const state = sessionState({ refreshToken, accessTokenEndsAt: nowSeconds - 1, refreshAt: nowSeconds - 30 }, nowSeconds - 10);
    const cookieHeader = headerAfter(await sessions.start(state));
    return { id: state.id, fresh: async () => refresher.fresh(state, cookieHeader) };
  }

  const held = await Promise.all(Array.from({ length: 50 }, async () => start('held')));
  const leases = await Promise.all(held.map(async ({ id }) => store.lease(hashOf(id), 35)));
  const waiting = Promise.all(held.map(async ({ fresh }) => fresh()));
  await setTimeout(50);
  const free = await start('free');
  expect(await Promise.race([free.fresh(), setTimeout(2000, 'still waiting')])).toMatchObject({ outcome: 'fresh' });
  expect(refreshed).toEqual(['free']);

  // the leases end by themselves
  for (const lease of leases) await lease!.release();
  expect((await waiting).map(({ outcome }) => outcome)).toEqual(held.map(() => 'fresh'));
  expect(refreshed).toHaveLength(51);
});
