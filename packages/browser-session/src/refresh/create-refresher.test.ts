import { setTimeout } from 'node:timers/promises';
import { memoryRevocations, memorySessions } from '@tokenward/core';
import type { SessionStore } from '@tokenward/core/store';
import { createTestClock } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { headerAfter } from '../../test/cookie-jar.js';
import { sessionState } from '../../test/session-state.js';
import type { BrowserSessionOptions } from '../browser-session-options.js';
import { hashOf } from '../hash.js';
import type { IssuedTokens, TokensFailure } from '../oidc/login-client.js';
import { readOptions } from '../options.js';
import { createSessions } from '../state/create-sessions.js';
import { createRefresher } from './create-refresher.js';

const NOW_SECONDS = Date.parse('2027-01-15T08:00:00Z') / 1000;
const ANSWER: IssuedTokens = {
  accessToken: 'new',
  accessTokenEndsAt: NOW_SECONDS + 300,
  scopes: [],
  refreshToken: undefined,
  refreshTokenEndsAt: undefined,
  idToken: undefined,
};

function startRefresher(
  options: Partial<BrowserSessionOptions>,
  refresh: (refreshToken: string) => Promise<IssuedTokens | TokensFailure>,
  revocation: Promise<undefined> = Promise.resolve(undefined),
) {
  const clock = createTestClock(NOW_SECONDS * 1000);
  const issuer = 'https://login.example.test';
  const secrets = ['a secret of at least 32 characters'];
  const config = readOptions({ issuer, clientId: 'web-app', clientSecret: 'secret', origin: 'https://app.example', secrets, clock, ...options });
  const sessions = createSessions(config);
  const events: string[] = [];
  const warnings: string[] = [];
  const revoked: string[] = [];
  const publish = (...words: readonly (string | undefined)[]): void => void events.push(words.filter(Boolean).join(' '));
  const refresher = createRefresher({
    config,
    client: { refresh, revoke: (refreshToken) => (revoked.push(refreshToken), revocation) },
    sessions,
    publish,
    warn: (text) => void warnings.push(text),
  });
  /** Starts a session whose access token has ended. */
  async function start(refreshToken: string, accessTokenEndsAt = NOW_SECONDS - 1, subject = 'user-1') {
    const state = sessionState({ subject, refreshToken, accessTokenEndsAt, refreshAt: NOW_SECONDS - 30 }, NOW_SECONDS - 10);
    const cookieHeader = headerAfter(await sessions.start(state));
    return { id: state.id, state, cookieHeader, fresh: async () => refresher.fresh(state, cookieHeader) };
  }
  return { start, refresher, events, warnings, revoked };
}

test('rule 130: sessions whose lease a dead process has keep no other session from being refreshed', async () => {
  const store = memorySessions();
  const refreshed: string[] = [];
  const { start } = startRefresher({ store, timeoutSeconds: 60 }, async (refreshToken) => {
    refreshed.push(refreshToken);
    return ANSWER;
  });

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

test('rule 130: the lease of another process is published only once it keeps a call from its token', async () => {
  const store = memorySessions();
  const { start, events } = startRefresher({ store, timeoutSeconds: 0.2 }, async () => ANSWER);
  const usable = await start('held', NOW_SECONDS + 20);
  const over = await start('held');
  for (const { id } of [usable, over]) await store.lease(hashOf(id), 35);
  expect(await usable.fresh()).toMatchObject({ outcome: 'fresh' });
  // until it no longer waits for the lease
  await setTimeout(400);
  expect(events).toEqual([]);
  expect(await over.fresh()).toMatchObject({ outcome: 'unavailable' });
  await vi.waitFor(() => expect(events).toEqual(['refresh failed lease_taken']));
});

test('rule 130: a store that never answers keeps no session from being refreshed for ever', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const inner = memorySessions();
  let isStuck = true;
  const store: SessionStore = { ...inner, lease: (key, ttlSeconds) => (isStuck ? new Promise(() => {}) : inner.lease(key, ttlSeconds)) };
  const { start, events } = startRefresher({ store, timeoutSeconds: 60 }, async () => ANSWER);
  const stuck = await Promise.all(Array.from({ length: 50 }, async () => start('stuck')));
  const waiting = Promise.all(stuck.map(async ({ fresh }) => fresh()));
  await vi.advanceTimersByTimeAsync(3000);
  expect(new Set((await waiting).map(({ outcome }) => outcome))).toEqual(new Set(['unavailable']));
  expect(new Set(events)).toEqual(new Set(['refresh failed store_unavailable']));
  isStuck = false;
  expect(await (await start('free')).fresh()).toMatchObject({ outcome: 'fresh' });
});

describe('rule 130: the issuer refuses the refresh token of a process that was suspended for longer than its lease', () => {
  const REFUSED: TokensFailure = { failure: 'refused', cause: 'invalid_grant' };

  test('the session goes on if another process has refreshed it, though its tokens fit into no cookie', async () => {
    const shared = { refreshStore: memorySessions(), revocations: memoryRevocations() };
    const lease = () => ({ release() {} });
    const other = startRefresher({ ...shared, refreshStore: { ...shared.refreshStore, lease } }, async () => ({ ...ANSWER, accessToken: 'x'.repeat(12_000) }));
    const { start, events, warnings } = startRefresher(shared, async () => {
      expect(await other.refresher.fresh(session.state, session.cookieHeader)).toMatchObject({ outcome: 'fresh' });
      return REFUSED;
    });
    const session = await start('old');
    expect(await session.fresh()).toMatchObject({ outcome: 'unavailable', cause: 'the refreshed tokens are too large for cookies' });
    expect(events).toEqual(['refresh failed tokens_too_large']);
    expect(warnings).toEqual([expect.stringContaining('access token: 12000 characters')]);
  });

  test.each(['store', 'refreshStore'] as const)('the session goes on if the store cannot say what others did: %s', async (option) => {
    const inner = memorySessions();
    let isAway = false;
    const read: SessionStore['read'] = async (key) => (isAway ? Promise.reject(new Error('away')) : inner.read(key));
    const { start, events } = startRefresher({ [option]: { ...inner, read }, revocations: memoryRevocations() }, async () => {
      isAway = true;
      return REFUSED;
    });
    const session = await start('old');
    expect(await session.fresh()).toMatchObject({ outcome: 'unavailable', cause: 'the session store cannot be reached' });
    expect(events).toEqual(['refresh failed store_unavailable']);
    isAway = false;
    expect(await inner.lease(option === 'store' ? hashOf(session.id) : hashOf(JSON.stringify([session.id, session.state.version])), 30)).toBeDefined();
  });

  test('no event says that the session ended by it if another process has ended the session', async () => {
    const store = memorySessions();
    const { start, events } = startRefresher({ store }, async () => {
      await store.remove(hashOf(session.id));
      return REFUSED;
    });
    const session = await start('old');
    expect(await session.fresh()).toMatchObject({ outcome: 'ended', reason: 'expired' });
    expect(events).toEqual([]);
  });
});

test('rule 130: a session whose turn to be refreshed does not come is refused, and an event says so', async () => {
  const held: ((tokens: IssuedTokens) => void)[] = [];
  let isSlow = true;
  const refresh = () => (isSlow ? new Promise<IssuedTokens>((resolve) => void held.push(resolve)) : Promise.resolve(ANSWER));
  const { start, events } = startRefresher({ timeoutSeconds: 0.5 }, refresh);
  const running = await Promise.all(Array.from({ length: 50 }, async () => (await start('held')).fresh()));
  expect(held).toHaveLength(50);
  expect(running.map(({ outcome }) => outcome)).toEqual(held.map(() => 'unavailable'));
  expect(events).toEqual([]);
  const late = await start('late');
  expect(await late.fresh()).toMatchObject({ outcome: 'unavailable', cause: 'too many sessions are being refreshed at the moment' });
  expect(events).toEqual(['refresh failed too_many_refreshes']);
  isSlow = false;
  for (const resolve of held) resolve(ANSWER);
  await vi.waitFor(async () => expect(await late.fresh()).toMatchObject({ outcome: 'fresh' }));
});

test.each([
  [
    'invalid_client',
    '. The issuer does not accept this client. Compare clientId and its credentials with the registration there, and check that it allows client_secret_basic',
  ],
  ['unauthorized_client', '. At the issuer, allow this client the grants authorization_code and refresh_token'],
  // the remedy for a login would be wrong
  ['invalid_request', ''],
])('rule 131: a refresh that the issuer refuses with %s tells the operator what to do', async (cause, remedy) => {
  const { start, events, warnings } = startRefresher({}, async () => ({ failure: 'refused', cause }));
  expect(await (await start('refused')).fresh()).toMatchObject({ outcome: 'unavailable', cause });
  expect(events).toEqual(['refresh refused issuer_refused']);
  expect(warnings).toEqual([`tokenward: a refresh at https://login.example.test failed: ${cause}${remedy}`]);
});

test('close() revokes the new refresh token of a session that has ended during its refresh, though the issuer answers while it waits', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const store = memorySessions();
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<IssuedTokens>();
  const { start, refresher, revoked } = startRefresher({ store, revocations: memoryRevocations() }, () => {
    asked.resolve();
    return answer.promise;
  });
  const { id, fresh } = await start('old');
  void fresh();
  await asked.promise;
  let revokedByThen: readonly string[] | undefined;
  void refresher.close().then(() => (revokedByThen = [...revoked]));
  await vi.advanceTimersByTimeAsync(3000);
  // another process has ended the session, and this one does not learn why
  await store.remove(hashOf(id));
  answer.resolve({ ...ANSWER, refreshToken: 'new' });
  await vi.waitFor(() => expect(revokedByThen).toEqual(['new']));
});

test('close() waits for the refresh tokens that are being revoked in the background', async () => {
  const answer = Promise.withResolvers<undefined>();
  const { start, refresher, revoked } = startRefresher({ store: memorySessions() }, () => Promise.reject(new Error('nothing is refreshed')), answer.promise);
  const { state } = await start('left');
  refresher.revokeLeft({ ...state, usedAt: 0 });
  expect(revoked).toEqual(['left']);
  let isClosed = false;
  const closed = refresher.close().then(() => (isClosed = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isClosed).toBe(false);
  answer.resolve(undefined);
  await closed;
});

test('if the answers to the refreshes of many sessions fail a check, the end of one does not look at all that wait', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  onTestFinished(() => void vi.useRealTimers());
  const store = memoryRevocations();
  const find = vi.fn(store.find);
  const { start, refresher, revoked } = startRefresher({ revocations: { ...store, find } }, async () => ({
    failure: 'unusable',
    cause: 'it fails a check',
    refreshToken: 'new',
  }));
  const all = await Promise.all(Array.from({ length: 200 }, (_, at) => start('old', undefined, `user-${at}`)));
  await Promise.all(all.map(({ fresh }) => fresh()));
  const closed = refresher.close();
  await vi.advanceTimersByTimeAsync(3000);
  await closed;
  expect(revoked).toHaveLength(200);
  expect(find.mock.calls.length).toBeLessThan(200 * 20);
});

test('rule 199: of many sessions that end a moment after their refresh, 50 refresh tokens are revoked at a time, and a request revokes that of another one later', async () => {
  const revocations = memoryRevocations();
  const answer = Promise.withResolvers<undefined>();
  const { start, refresher, revoked } = startRefresher({ revocations }, async () => ({ ...ANSWER, refreshToken: 'new' }), answer.promise);
  const all = await Promise.all(Array.from({ length: 60 }, () => start('old')));
  const results = await Promise.all(all.map(({ fresh }) => fresh()));
  const issuer = 'https://login.example.test';
  await revocations.add({
    kind: 'subject',
    issuer,
    value: 'user-1',
    issuedUntil: NOW_SECONDS,
    until: NOW_SECONDS + 90_000,
    isFinal: false,
    reason: 'administrative',
  });
  await vi.waitFor(() => expect(revoked).not.toHaveLength(0));
  expect(revoked).toHaveLength(50);
  answer.resolve(undefined);
  await refresher.close();
  for (const result of results) if (result.outcome === 'fresh') refresher.revokeLeft(result.state);
  expect(revoked).toEqual(Array.from({ length: 60 }, () => 'new'));
});
