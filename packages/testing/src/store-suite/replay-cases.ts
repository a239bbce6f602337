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
    name: `rule 89: of ${PARALLEL} that add a name at the same time, one hears that it is new`,
    async run({ store }) {
      const name = randomUUID();
      assertOneIsNew(await addInParallel([store], name));
    },
  },
  {
    name: 'rule 89: of several processes that add a name at the same time, one hears that it is new',
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
    name: 'rule 89: a time that is no number is refused, because the name would be forgotten at once',
    async run({ store }) {
      for (const ttlSeconds of [Number.NaN, 0, -1, Infinity, undefined as unknown as number]) {
        // a store may throw or reject
        await assert.rejects(async () => store.add(randomUUID(), ttlSeconds));
      }
    },
  },
  {
    name: 'rule 89: a full store never says that a name is new',
    async run({ store, fill }) {
      if (!fill) return;
      await fill();
      for (let index = 0; index < 3; index++) assert.equal(await store.add(randomUUID(), 60), 'full');
    },
  },
];

/** Adds a name many times, without waiting in between. */
function addInParallel(stores: readonly ReplayStore[], name: string): Promise<readonly ReplayAnswer[]> {
  return Promise.all(Array.from({ length: PARALLEL }, async (_, index) => stores[index % stores.length]!.add(name, 60)));
}

function assertOneIsNew(answers: readonly ReplayAnswer[]): void {
  assert.equal(answers.filter((answer) => answer === true).length, 1);
  assert.equal(answers.filter((answer) => answer === false).length, answers.length - 1);
}
