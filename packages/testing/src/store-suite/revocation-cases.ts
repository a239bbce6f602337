import assert from 'node:assert/strict';
import type { RevocationKind } from '@tokenward/core';
import { nowSeconds, record, tokenOf, type StoreCase } from './store-case.js';

const BY_KIND = {
  token: 'token-1',
  session: 'session-1',
  subject: 'subject-1',
  client: 'client-1',
  issuer: '',
} as const satisfies Partial<Record<RevocationKind, string>>;

/** Values that a store must keep apart. */
const ODD_VALUES = ['__proto__', 'constructor', 'a|b', 'a\nb', 'a\u0000b', '\u{1f600}', ' ', '*', '{}', 'é', 'e\u0301', '\ud800', 'x'.repeat(2048)];

export const revocationCases: readonly StoreCase[] = [
  ...Object.entries(BY_KIND).map(([kind, value]): StoreCase => ({
    name: `rule 66: a revocation by ${kind} takes effect at once, before its promise settles`,
    async run({ store }) {
      const token = tokenOf();
      assert.equal(store.find(token, nowSeconds()), undefined);
      const added = store.add(record({ kind: kind as RevocationKind, value }));
      const found = store.find(token, nowSeconds());
      assert.equal(found?.kind, kind);
      assert.equal(found.reason, 'logout');
      await added;
      assert.equal(store.find(token, nowSeconds())?.kind, kind);
    },
  })),
  {
    name: 'rule 119: a revocation does not affect another value, or the same value of another issuer',
    async run({ store }) {
      for (const [kind, value] of Object.entries(BY_KIND)) await store.add(record({ kind: kind as RevocationKind, value }));
      const other = 'https://other.example.test';
      assert.equal(store.find(tokenOf({ issuer: other }), nowSeconds()), undefined);
      assert.equal(store.find(tokenOf({ issuer: 'https://login.example.test/' }), nowSeconds()), undefined);
      await store.add(record({ issuer: other, value: 'session-2' }));
      assert.equal(store.find(tokenOf({ issuer: other }), nowSeconds()), undefined);
      assert.notEqual(store.find(tokenOf({ issuer: other, sessionId: 'session-2' }), nowSeconds()), undefined);
    },
  },
  {
    name: 'rule 113: a revocation affects tokens issued up to and including its second, and none issued later',
    async run({ store }) {
      const now = nowSeconds();
      await store.add(record({ issuedUntil: now }));
      await store.add(record({ kind: 'subject', value: 'subject-2', issuedUntil: now }));
      for (const of of [{}, { sessionId: undefined, subject: 'subject-2' }]) {
        for (const issuedAt of [now - 10_000, now - 1, now, now + 0.999]) assert.notEqual(store.find(tokenOf({ ...of, issuedAt }), now), undefined);
        for (const issuedAt of [now + 1, now + 100]) assert.equal(store.find(tokenOf({ ...of, issuedAt }), now), undefined);
      }
    },
  },
  {
    name: 'a revocation by jti affects its token whatever the iat',
    async run({ store }) {
      await store.add(record({ kind: 'token', value: 'token-1' }));
      assert.notEqual(store.find(tokenOf({ issuedAt: nowSeconds() + 1000 }), nowSeconds()), undefined);
    },
  },
  {
    name: 'a sessionless revocation affects only tokens of its subject that name no session',
    async run({ store }) {
      await store.add(record({ kind: 'sessionless', value: 'subject-1' }));
      assert.notEqual(store.find(tokenOf({ sessionId: undefined }), nowSeconds()), undefined);
      assert.equal(store.find(tokenOf({ sessionId: 'session-2' }), nowSeconds()), undefined);
    },
  },
  {
    name: 'rule 120: the later of two revocations of the same value counts, in either order',
    async run({ store }) {
      const now = nowSeconds();
      for (const value of ['session-1', 'session-2']) {
        const moments = value === 'session-1' ? [now - 100, now] : [now, now - 100];
        for (const issuedUntil of moments) await store.add(record({ value, issuedUntil }));
        assert.notEqual(store.find(tokenOf({ sessionId: value, issuedAt: now - 50 }), now), undefined);
      }
    },
  },
  {
    name: 'rule 113: a final revocation affects no token after its end',
    async run({ store }) {
      const now = nowSeconds();
      await store.add(record({ kind: 'token', value: 'token-1', until: now + 100, isFinal: true }));
      assert.notEqual(store.find(tokenOf(), now + 99), undefined);
      for (const later of [100, 1000, 1e6]) assert.equal(store.find(tokenOf(), now + later), undefined);
    },
  },
  {
    name: 'rule 113: a revocation that is not final still affects tokens after its end',
    async run({ store }) {
      const now = nowSeconds();
      await store.add(record({ issuedUntil: now, until: now + 100 }));
      for (const later of [0, 99, 100, 1000, 1e6]) assert.notEqual(store.find(tokenOf({ issuedAt: now - 60 }), now + later), undefined);
      assert.equal(store.find(tokenOf({ issuedAt: now + 1 }), now + 1e6), undefined);
    },
  },
  {
    name: 'keeps unusual values apart',
    async run({ store }) {
      for (const value of ODD_VALUES) assert.equal(store.find(tokenOf({ sessionId: value }), nowSeconds()), undefined);
      await Promise.all(ODD_VALUES.map(async (value) => store.add(record({ value }))));
      for (const value of ODD_VALUES) {
        assert.equal(store.find(tokenOf({ sessionId: value }), nowSeconds())?.value, value);
        assert.equal(store.find(tokenOf({ sessionId: `${value} ` }), nowSeconds()), undefined);
      }
    },
  },
  {
    name: 'calls a listener for additions until it unsubscribes',
    async run({ store }) {
      let calls = 0;
      const end = store.onAdded(() => calls++);
      await store.add(record());
      assert.ok(calls > 0);
      end();
      const before = calls;
      await store.add(record({ value: 'session-2' }));
      assert.equal(calls, before);
    },
  },
  {
    name: 'health() counts entries and reveals no value',
    async run({ store }) {
      assert.equal(store.health().entries, 0);
      await store.add(record({ value: 'PLANTED-NAME' }));
      await store.add(record({ value: 'PLANTED-NAME' }));
      await store.add(record({ kind: 'subject', value: 'PLANTED-NAME' }));
      const health = store.health();
      assert.equal(health.entries, 2);
      assert.equal(health.usable, true);
      assert.equal(store.isCurrent(), true);
      assert.doesNotMatch(JSON.stringify(health), /PLANTED/);
    },
  },
];
