import assert from 'node:assert/strict';
import type { StoredSession } from '@tokenward/core/store';
import { hashOf, storedSession, type SessionStoreCase } from './session-case.js';
import { nowSeconds } from './store-case.js';

/** Texts that a store must keep as they are. */
const ODD_TEXTS = ['', ' ', '"', "'", '\\', '\r\n', '\u0000', '{}', '%s', 'é', '\u{1f600}', '$1', 'x'.repeat(60_000)];

export const sessionCases: readonly SessionStoreCase[] = [
  {
    name: 'a session is read as it was created',
    async run({ store }) {
      const session = storedSession({ version: 7, until: nowSeconds() + 3600.5 });
      await store.create(session);
      assert.deepEqual({ ...(await store.read(session.key)) }, session);
      assert.equal(await store.read(hashOf('unknown')), undefined);
    },
  },
  {
    name: 'unusual texts are kept as they are',
    async run({ store }) {
      const sessions = ODD_TEXTS.map((sealed) => storedSession({ sealed, labels: [] }));
      for (const session of sessions) await store.create(session);
      for (const session of sessions) assert.equal((await store.read(session.key))?.sealed, session.sealed);
    },
  },
  {
    name: 'a session whose end has passed is not there',
    async run({ store }) {
      const session = storedSession({ until: nowSeconds() - 1 });
      await store.create(session);
      assert.equal(await store.read(session.key), undefined);
      assert.equal(await store.replace({ ...session, version: 2, until: nowSeconds() + 3600 }, 1), 'absent');
      assert.equal(await store.read(session.key), undefined);
      await store.create({ ...session, until: nowSeconds() + 3600 });
      assert.notEqual(await store.read(session.key), undefined);
    },
  },
  {
    name: 'a key is used once: a second session with it is refused, and the first stays',
    async run({ store }) {
      const session = storedSession();
      await store.create(session);
      await assert.rejects(async () => store.create({ ...session, sealed: 'another' }), { code: 'TOKENWARD_SESSION_STORE' });
      assert.equal((await store.read(session.key))?.sealed, 'sealed-1');
    },
  },
  {
    name: 'refresh races: a session is replaced only if it still has the version that was read',
    async run({ store }) {
      const session = storedSession();
      await store.create(session);
      const next = { ...session, sealed: 'sealed-2', version: 2, until: session.until + 60 };
      assert.equal(await store.replace(next, 1), 'replaced');
      assert.deepEqual({ ...(await store.read(session.key)) }, next);
      assert.equal(await store.replace({ ...session, sealed: 'stale', version: 2 }, 1), 'changed');
      assert.equal(await store.replace({ ...session, sealed: 'early', version: 9 }, 8), 'changed');
      assert.deepEqual({ ...(await store.read(session.key)) }, next);
    },
  },
  {
    name: 'a change may leave the version as it is',
    async run({ store }) {
      const session = storedSession();
      await store.create(session);
      assert.equal(await store.replace({ ...session, sealed: 'used' }, 1), 'replaced');
      assert.equal(await store.replace({ ...session, sealed: 'sealed-2', version: 2 }, 1), 'replaced');
      assert.equal(await store.replace({ ...session, sealed: 'used' }, 1), 'changed');
      assert.equal((await store.read(session.key))?.sealed, 'sealed-2');
    },
  },
  {
    name: 'refresh races: of fifty parallel changes of one version, exactly one is made',
    async run({ store, openAnother }) {
      const stores = [store, openAnother ? await openAnother() : store];
      const session = storedSession();
      await store.create(session);
      const answers = await Promise.all(
        Array.from({ length: 50 }, async (_value, at) => stores[at % 2]!.replace({ ...session, sealed: `sealed-by-${at}`, version: 2 }, 1)),
      );
      assert.deepEqual(
        answers.filter((answer) => answer !== 'changed'),
        ['replaced'],
      );
      assert.equal((await store.read(session.key))?.sealed, `sealed-by-${answers.indexOf('replaced')}`);
    },
  },
  {
    name: 'logout undone by a request in flight: a change never brings a removed session back',
    async run({ store }) {
      const session = storedSession();
      await store.create(session);
      assert.notEqual(await store.remove(session.key), undefined);
      assert.equal(await store.remove(session.key), undefined);
      assert.equal(await store.replace({ ...session, version: 2 }, 1), 'absent');
      assert.equal(await store.read(session.key), undefined);
    },
  },
  {
    name: 'logout undone by a request in flight: whatever runs in parallel with a removal, the session is gone after it',
    async run({ store, openAnother }) {
      const other = openAnother ? await openAnother() : store;
      const [byKey, byLabel] = [storedSession(), storedSession({ labels: [hashOf('sid-2')] })];
      await store.create(byKey);
      await store.create(byLabel);
      const changes = [byKey, byLabel].flatMap((session) =>
        Array.from({ length: 20 }, async (_value, at) => (at % 2 ? store : other).replace({ ...session, version: at + 2 }, at + 1)),
      );
      await Promise.all([...changes, other.remove(byKey.key), store.removeLabelled(hashOf('sid-2'))]);
      for (const { key } of [byKey, byLabel]) assert.equal(await other.read(key), undefined);
    },
  },
  {
    name: 'logout: a removal returns the session as it was last, so that its newest refresh token can be revoked',
    async run({ store }) {
      const session = storedSession();
      await store.create(session);
      const next = { ...session, sealed: 'sealed-2', version: 2, until: session.until + 60 };
      await store.replace(next, 1);
      assert.deepEqual({ ...(await store.remove(session.key)) }, next);
      assert.equal(await store.remove(hashOf('unknown')), undefined);
      const ended = storedSession({ until: nowSeconds() - 1 });
      await store.create(ended);
      assert.equal(await store.remove(ended.key), undefined);
    },
  },
  {
    name: 'logout: whatever runs in parallel, a change is either returned by the removal or finds the session absent',
    async run({ store, openAnother }) {
      const other = openAnother ? await openAnother() : store;
      for (let round = 0; round < 10; round++) {
        const session = storedSession();
        await store.create(session);
        const change = async () => store.replace({ ...session, sealed: 'sealed-2', version: 2 }, 1);
        const remove = async () => other.remove(session.key);
        const calls = round % 2 ? { changed: change(), removed: remove() } : { removed: remove(), changed: change() };
        const removed = await calls.removed;
        assert.equal(await calls.changed, removed?.sealed === 'sealed-2' ? 'replaced' : 'absent');
      }
    },
  },
  {
    name: 'rule 119: all sessions with a label are removed, also after changes, and no others',
    async run({ store }) {
      const [one, two, three, four] = ['sid-1', 'sid-2', 'sid-3', 'sid-4'].map((sid, at) =>
        storedSession({ labels: [hashOf(sid), hashOf(at < 3 ? 'sub-1' : 'sub-2')] }),
      ) as [StoredSession, StoredSession, StoredSession, StoredSession];
      for (const session of [one, two, three, four]) await store.create(session);
      await store.replace({ ...two, sealed: 'sealed-2', version: 2 }, 1);
      await store.remove(three.key);
      assert.equal((await store.removeLabelled(hashOf('sid-1'))).length, 1);
      assert.equal(await store.read(one.key), undefined);
      assert.notEqual(await store.read(two.key), undefined);
      assert.equal((await store.removeLabelled(hashOf('sub-1'))).length, 1);
      assert.equal(await store.read(two.key), undefined);
      assert.notEqual(await store.read(four.key), undefined);
      assert.equal((await store.removeLabelled(hashOf('sub-1'))).length, 0);
      assert.equal((await store.removeLabelled(hashOf('unknown'))).length, 0);
    },
  },
  {
    name: 'rule 119: of the sessions with a label, a logout that arrives late removes those that began up to it, also after changes',
    async run({ store }) {
      const at = nowSeconds() - 60;
      const [before, same, after] = [at - 0.5, at, at + 0.5].map((issuedAt) => storedSession({ issuedAt })) as [StoredSession, StoredSession, StoredSession];
      for (const session of [before, same, after]) await store.create(session);
      // a refresh does not make a session older or younger
      await store.replace({ ...before, sealed: 'sealed-2', version: 2, issuedAt: at + 60 }, 1);
      await store.replace({ ...after, sealed: 'sealed-2', version: 2, issuedAt: at - 60 }, 1);
      assert.equal((await store.removeLabelled(hashOf('sub-1'), at)).length, 2);
      assert.equal(await store.read(before.key), undefined);
      assert.equal(await store.read(same.key), undefined);
      assert.deepEqual({ ...(await store.read(after.key)) }, { ...after, sealed: 'sealed-2', version: 2 });
      assert.equal((await store.removeLabelled(hashOf('sub-1'), at)).length, 0);
      // it is still found by its labels
      assert.equal((await store.removeLabelled(hashOf('sub-1'))).length, 1);
      assert.equal(await store.read(after.key), undefined);
    },
  },
  {
    name: 'rule 199: the sessions with a label are returned as they were last, so that their newest refresh tokens can be revoked',
    async run({ store }) {
      const [one, two, ended] = [storedSession(), storedSession(), storedSession({ until: nowSeconds() - 1 })];
      for (const session of [one, two, ended]) await store.create(session);
      const next = { ...one, sealed: 'sealed-2', version: 2, until: one.until + 60 };
      await store.replace(next, 1);
      const removed = new Map((await store.removeLabelled(hashOf('sub-1'))).map((session) => [session.key, session]));
      assert.equal(removed.size, 2);
      for (const session of [next, two]) assert.deepEqual({ ...removed.get(session.key) }, session);
    },
  },
  {
    name: 'labels never change: a session is found by those that it was created with',
    async run({ store }) {
      const session = storedSession({ labels: [hashOf('sid-1')] });
      await store.create(session);
      await store.replace({ ...session, version: 2, labels: [] }, 1);
      assert.deepEqual((await store.read(session.key))?.labels, [hashOf('sid-1')]);
      assert.equal((await store.removeLabelled(hashOf('sid-1'))).length, 1);
    },
  },
  {
    name: 'a session without bounds is refused',
    async run({ store }) {
      const session = storedSession();
      const invalid: readonly Partial<StoredSession>[] = [
        { labels: Array.from({ length: 9 }, (_value, at) => hashOf(`label-${at}`)) },
        { labels: ['a b'] },
        { sealed: 'x'.repeat(65_537) },
        { key: '' },
        { key: 'a:b' },
        { version: Number.NaN },
        { until: Infinity },
        { until: 1e300 },
        { issuedAt: Number.NaN },
        { issuedAt: Date.now() * 1000 },
      ];
      for (const change of invalid) {
        await assert.rejects(async () => store.create({ ...session, ...change }), { code: 'TOKENWARD_CONFIGURATION' });
        await assert.rejects(async () => store.replace({ ...session, ...change }, 1), { code: 'TOKENWARD_CONFIGURATION' });
      }
    },
  },
  {
    name: 'health() says that the store is usable, and reveals nothing of a session',
    async run({ store }) {
      const session = storedSession({ sealed: 'PLANTED' });
      await store.create(session);
      const { usable, entries } = store.health();
      assert.equal(usable, true);
      assert.ok(entries === undefined || entries === 1);
      assert.doesNotMatch(JSON.stringify(store.health()), /PLANTED/);
      assert.doesNotMatch(JSON.stringify(store.health()), new RegExp(session.key));
    },
  },
];
