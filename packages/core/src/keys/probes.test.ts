import { createTestClock } from '@tokenward/testing';
import { expect, test } from 'vitest';
import { createProbes, ProbeRefusedError } from './probes.js';

const open = () => new AbortController().signal;

/** How many of these are granted by now. The others wait or are refused. */
async function grantedOf(promises: Promise<() => void>[]): Promise<number> {
  let granted = 0;
  for (const promise of promises)
    promise.then(
      () => granted++,
      () => {},
    );
  await new Promise((resolve) => setImmediate(resolve));
  return granted;
}

test('rule 161: of 6,000 fetches at once, 100 start, 5,000 wait and 900 are refused', async () => {
  const probes = createProbes(createTestClock());
  const slots = Array.from({ length: 6000 }, () => probes.take(open()));
  expect(await grantedOf(slots)).toBe(100);
  for (const refused of slots.slice(5100)) await expect(refused).rejects.toThrow(ProbeRefusedError);
});

test('rule 161: a slot that is given back goes to a waiting fetch, and every slot comes back after 30 s', async () => {
  const clock = createTestClock();
  const probes = createProbes(clock);
  const first = await Promise.all(Array.from({ length: 100 }, () => probes.take(open())));
  const waiting = Array.from({ length: 50 }, () => probes.take(open()));
  for (const giveBack of first.slice(0, 20)) {
    giveBack();
    giveBack();
  }
  expect(await grantedOf(waiting)).toBe(20);
  clock.advance(30);
  expect(await grantedOf([...waiting, probes.take(open())])).toBe(51);
});

test('an aborted fetch frees its place in the queue, and a fetch with an aborted signal never waits', async () => {
  const probes = createProbes(createTestClock());
  const [giveBack] = await Promise.all(Array.from({ length: 100 }, () => probes.take(open())));
  const late = new AbortController();
  const waiting = probes.take(late.signal);
  late.abort(new Error('no complete answer within 5 s'));
  await expect(waiting).rejects.toThrow(ProbeRefusedError);
  giveBack!();
  await expect(probes.take(AbortSignal.abort(new Error('closed')))).rejects.toThrow('closed');
  expect(await grantedOf([probes.take(open()), probes.take(open())])).toBe(1);
});
