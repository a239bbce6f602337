import { expect, test } from 'vitest';
import { createScene } from './guarded.js';

test('rule 65: a hit asks for the time again', async () => {
  const { issuer, clock, guard, verdict } = await createScene();
  const token = await issuer.issueToken({ lifetimeSeconds: 100 });
  expect(await verdict(token)).toBe('allow');
  expect(await verdict(token)).toBe('allow');
  expect(guard.health().tokenCache).toMatchObject({ entries: 1, hits: 1, misses: 1 });
  clock.advance(131);
  expect(await verdict(token)).toBe('expired');
  expect(guard.health().tokenCache).toMatchObject({ entries: 0 });
});

test('rule 67: a hit needs its key in the current set', async () => {
  const { issuer, clock, guard, verdict } = await createScene();
  const token = await issuer.issueToken({ lifetimeSeconds: 10_000 });
  expect(await verdict(token)).toBe('allow');
  const { kid } = await issuer.signingKey();
  await issuer.rotateKeys();
  clock.advance(700);
  await guard.warm();
  expect(await verdict(token)).toBe('allow');
  issuer.withdrawKey(kid);
  await guard.warm();
  expect(await verdict(token)).toBe('unknown_key');
});
