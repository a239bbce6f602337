import { observe, type Events } from '@tokenward/core';
import { expect, onTestFinished, test } from 'vitest';
import { collectOutageWarnings } from '../../testing/test/outage-warnings.js';
import { createScene } from './guarded.js';

test('an outage of the issuer prints one warning at its start and one at its end', async () => {
  const { seen } = collectOutageWarnings();
  const { issuer, clock, verdict } = await createScene();
  issuer.misbehave('error', 'jwks');
  for (let second = 0; second < 5; second++) {
    expect(await verdict({})).toBe('keys_unavailable');
    clock.advance(60);
  }
  const [start, ...more] = await seen();
  expect(start).toMatch(
    /^tokenward: the keys of http:\/\/127\.0\.0\.1:\d+ could not be fetched: .*\/jwks: answered with status 500; its tokens get 503 \(https:\/\/tokenward\.github\.io\/tokenward\/reasons\/keys-unavailable\/\)$/,
  );
  expect(more).toEqual([]);
  issuer.behave();
  clock.advance(60);
  expect(await verdict({})).toBe('allow');
  expect(await seen()).toEqual([start, `tokenward: the keys of ${issuer.issuer} can be fetched again`]);
});

test('the warning says if cached keys stay in use', async () => {
  const { seen } = collectOutageWarnings();
  const { issuer, guard, verdict } = await createScene();
  await guard.warm();
  issuer.misbehave('reset', 'jwks');
  await expect(guard.warm()).rejects.toThrow('could not be fetched');
  expect(await verdict({})).toBe('allow');
  expect(await seen()).toEqual([expect.stringMatching(/; the cached keys stay in use for now \(https:.*\)$/)]);
});

test('prints no warning if the event has a listener, and the event includes the error message', async () => {
  const { seen } = collectOutageWarnings();
  const events: Events['tokenward:keys-failed'][] = [];
  onTestFinished(observe('tokenward:keys-failed', (event) => events.push(event)));
  const { issuer, verdict } = await createScene();
  issuer.misbehave('error', 'jwks');
  expect(await verdict({})).toBe('keys_unavailable');
  expect(JSON.parse(JSON.stringify(events))).toEqual([
    { issuer: issuer.issuer, message: expect.stringMatching(/could not be fetched: .*\/jwks: answered with status 500$/), usable: false },
  ]);
  expect(await seen()).toEqual([]);
});

test('prints no warning if the guard is closed during a fetch', async () => {
  const { seen } = collectOutageWarnings();
  const { issuer, guard } = await createScene();
  issuer.misbehave('hang');
  const warming = guard.warm();
  await guard.close();
  await expect(warming).rejects.toThrow('closed');
  expect(await seen()).toEqual([]);
});
