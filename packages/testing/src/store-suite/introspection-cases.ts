import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IntrospectionCache } from '@tokenward/core/store';

/** An empty cache of introspection answers. */
export interface OpenedIntrospectionCache {
  readonly cache: IntrospectionCache;
  /** Opens the cache again, as another process would. Leave it out if the cache cannot be shared. It is closed with the first. */
  readonly openAnother?: (() => Promise<IntrospectionCache>) | undefined;
  close(): Promise<void>;
}

export type OpenIntrospectionCache = () => Promise<OpenedIntrospectionCache>;

/** One behaviour that every cache of introspection answers must show. */
export interface IntrospectionCacheCase {
  readonly name: string;
  run(opened: OpenedIntrospectionCache): Promise<void>;
}

/** Texts that a cache must keep as they are. */
const ODD_TEXTS = ['', ' ', '"', '\\', '\r\n', '\u0000', '{}', '%s', '-_', 'x'.repeat(100_000)];

function newName(): string {
  return createHash('sha256').update(randomBytes(32)).digest('base64url');
}

export const introspectionCases: readonly IntrospectionCacheCase[] = [
  {
    name: 'returns a value as it was set, and nothing for an unknown name',
    async run({ cache }) {
      for (const text of ODD_TEXTS) {
        const name = newName();
        await cache.set(name, text, 60);
        assert.equal(await cache.get(name), text);
      }
      assert.equal(await cache.get(newName()), undefined);
    },
  },
  {
    name: 'names differ in every character, also in case',
    async run({ cache }) {
      const name = `a${newName().slice(1)}`;
      await cache.set(name, 'one', 60);
      assert.equal(await cache.get(`A${name.slice(1)}`), undefined);
      assert.equal(await cache.get(`${name.slice(0, -1)}${name.endsWith('A') ? 'B' : 'A'}`), undefined);
    },
  },
  {
    name: 'a later value replaces an earlier one, and its time',
    async run({ cache }) {
      const name = newName();
      await cache.set(name, 'one', 0.05);
      await cache.set(name, 'two', 60);
      await sleep(60);
      assert.equal(await cache.get(name), 'two');
    },
  },
  {
    name: 'rule 74: a value is not returned after its time',
    async run({ cache }) {
      const name = newName();
      await cache.set(name, 'one', 0.05);
      await sleep(60);
      assert.equal(await cache.get(name), undefined);
    },
  },
  {
    name: 'names such as __proto__ have no value of their own',
    async run({ cache }) {
      for (const name of ['__proto__', 'constructor', 'toString', 'probe']) {
        assert.equal(await cache.get(name), undefined);
        await cache.set(name, 'one', 60);
        assert.equal(await cache.get(name), 'one');
      }
      assert.equal(({} as { one?: unknown }).one, undefined);
    },
  },
  {
    name: 'processes share values',
    async run({ cache, openAnother }) {
      if (!openAnother) return;
      const other = await openAnother();
      const name = newName();
      await cache.set(name, 'one', 60);
      assert.equal(await other.get(name), 'one');
      await other.set(name, 'two', 60);
      assert.equal(await cache.get(name), 'two');
    },
  },
];
