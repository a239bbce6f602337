import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReplayAnswer, ReplayStore } from '@tokenward/core/store';

/** An empty store of names that may be used once. */
export interface OpenedReplayStore {
  readonly store: ReplayStore;
  /** Opens the store again, as another process would. Leave it out if the store cannot be shared. It is closed with the first. */
  readonly openAnother?: (() => Promise<ReplayStore>) | undefined;
  /** Fills the store, so that it has no room for another name. Leave it out if that cannot be done in a test. */
  readonly fill?: (() => Promise<void>) | undefined;
  /** How many names one owner may add to the empty store. Leave it out if the store knows no owners. */
  readonly ownerLimit?: number | undefined;
  close(): Promise<void>;
}

export type OpenReplayStore = () => Promise<OpenedReplayStore>;

/** One behaviour that every store of names that may be used once must show. */
export interface ReplayStoreCase {
  readonly name: string;
  run(opened: OpenedReplayStore): Promise<void>;
}

const PARALLEL = 50;
const ODD_NAMES = ['', ' ', '\r\n', '\u0000', '__proto__', 'constructor', 'toString', 'probe', '*', '{x}', 'x'.repeat(100_000)];

export const replayCases: readonly ReplayStoreCase[] = [
  {
    name: 'rules 89, 117 and 120: a name is new once',
    async run({ store }) {
      const name = randomUUID();
      assert.equal(await store.add(name, 60), true);
      assert.equal(await store.add(name, 60), false);
      assert.equal(await store.add(randomUUID(), 60), true);
    },
  },
  {
    name: `rule 89: of ${PARALLEL} that add a name at the same time, exactly one learns that it is new`,
    async run({ store }) {
      const name = randomUUID();
      assertOneIsNew(await addInParallel([store], name));
    },
  },
  {
    name: 'rule 89: of several processes that add a name at the same time, exactly one learns that it is new',
    async run({ store, openAnother }) {
      if (!openAnother) return;
      const stores = [store, await openAnother()];
      const name = randomUUID();
      assertOneIsNew(await addInParallel(stores, name));
      assert.deepEqual([await stores[0]!.add(name, 60), await stores[1]!.add(name, 60)], [false, false]);
    },
  },
  {
    name: 'rule 89: a name is remembered for its time, and then new again',
    async run({ store }) {
      const [short, long] = [randomUUID(), randomUUID()];
      assert.equal(await store.add(long, 60), true);
      assert.equal(await store.add(short, 0.1), true);
      await sleep(110);
      assert.equal(await store.add(short, 60), true);
      assert.equal(await store.add(short, 60), false);
      assert.equal(await store.add(long, 60), false);
    },
  },
  {
    name: 'rule 89: a second attempt does not change the time of a name',
    async run({ store }) {
      const [kept, ended] = [randomUUID(), randomUUID()];
      assert.equal(await store.add(kept, 60), true);
      assert.equal(await store.add(kept, 0.001), false);
      assert.equal(await store.add(ended, 0.1), true);
      assert.equal(await store.add(ended, 60), false);
      await sleep(110);
      assert.equal(await store.add(kept, 60), false);
      assert.equal(await store.add(ended, 60), true);
    },
  },
  {
    name: 'names differ in every character, also in case, and may contain anything',
    async run({ store }) {
      const name = `a${randomUUID()}`;
      const names = [name, name.toUpperCase(), `${name} `, ...ODD_NAMES];
      for (const one of names) assert.equal(await store.add(one, 60), true);
      for (const one of names) assert.equal(await store.add(one, 60), false);
    },
  },
  {
    name: 'rule 89: refuses a time that is not a number, because the name would be evicted at once',
    async run({ store }) {
      for (const ttlSeconds of [Number.NaN, 0, -1, Infinity, 1e20, undefined as unknown as number]) {
        // a store may throw or reject
        await assert.rejects(async () => store.add(randomUUID(), ttlSeconds));
      }
    },
  },
  {
    name: 'rule 208: a name counts as used, whatever its owner',
    async run({ store }) {
      const names = [randomUUID(), randomUUID()] as const;
      assert.equal(await store.add(names[0], 60, 'one'), true);
      assert.equal(await store.add(names[1], 60), true);
      for (const name of names) for (const owner of ['one', 'other', undefined]) assert.equal(await store.add(name, 60, owner), false);
    },
  },
  {
    name: `rules 89 and 208: of ${PARALLEL} that add a name of an owner at the same time, exactly one learns that it is new`,
    async run({ store, openAnother }) {
      assertOneIsNew(await addInParallel(openAnother ? [store, await openAnother()] : [store], randomUUID(), 'one'));
    },
  },
  {
    name: 'rule 208: an owner with too many names is refused, and the others are not',
    async run({ store, openAnother, ownerLimit }) {
      if (ownerLimit === undefined) return;
      const names = Array.from({ length: ownerLimit }, () => randomUUID());
      for (const name of names) assert.equal(await store.add(name, 60, 'one'), true);
      for (const from of openAnother ? [store, await openAnother()] : [store]) {
        assert.equal(await from.add(randomUUID(), 60, 'one'), 'owner-full');
        assert.equal(await from.add(names[0]!, 60, 'one'), false);
        for (const owner of ['other', 'ONE', '', '__proto__', undefined]) assert.equal(await from.add(randomUUID(), 60, owner), true);
      }
    },
  },
  {
    name: 'rule 208: names that have ended do not count for their owner',
    async run({ store, ownerLimit }) {
      if (ownerLimit === undefined) return;
      for (let index = 0; index < ownerLimit; index++) assert.equal(await store.add(randomUUID(), 1, 'one'), true);
      assert.equal(await store.add(randomUUID(), 1, 'one'), 'owner-full');
      // a store need not look for ended names at every refusal
      const until = performance.now() + 5000;
      while ((await store.add(randomUUID(), 60, 'one')) !== true) {
        assert.ok(performance.now() < until, 'the owner is still refused');
        await sleep(20);
      }
    },
  },
  {
    name: 'rule 89: a full store never says that a name is new',
    async run({ store, fill }) {
      if (!fill) return;
      await fill();
      for (let index = 0; index < 3; index++) assert.equal(await store.add(randomUUID(), 60, index === 0 ? undefined : 'one'), 'full');
    },
  },
];

/** Adds a name many times, without waiting in between. */
function addInParallel(stores: readonly ReplayStore[], name: string, owner?: string): Promise<readonly ReplayAnswer[]> {
  return Promise.all(Array.from({ length: PARALLEL }, async (_, index) => stores[index % stores.length]!.add(name, 60, owner)));
}

function assertOneIsNew(answers: readonly ReplayAnswer[]): void {
  assert.equal(answers.filter((answer) => answer === true).length, 1);
  assert.equal(answers.filter((answer) => answer === false).length, answers.length - 1);
}
