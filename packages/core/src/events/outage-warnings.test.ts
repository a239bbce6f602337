import { expect, test } from 'vitest';
import { collectOutageWarnings } from '../../../testing/test/outage-warnings.js';
import { observe } from './events.js';
import { createOutageWarnings } from './outage-warnings.js';

const KEYS = '(https://tokenward.github.io/tokenward/reasons/keys-unavailable/)';
const REVOCATIONS = '(https://tokenward.github.io/tokenward/reasons/revocations-unavailable/)';

test('prints one warning at the start and one at the end of each outage, however often it fails', async () => {
  const { seen } = collectOutageWarnings();
  const warnings = createOutageWarnings('tokenward:keys-failed');
  for (let failure = 0; failure < 100; failure++) warnings.began('one', 'one is down');
  warnings.began('two', 'two is down');
  expect(await seen()).toEqual([`one is down ${KEYS}`, `two is down ${KEYS}`]);
  for (let success = 0; success < 3; success++) warnings.ended('one', 'one is back');
  expect(await seen()).toEqual([`one is down ${KEYS}`, `two is down ${KEYS}`, 'one is back']);
  warnings.began('one', 'one is down again');
  expect(await seen()).toHaveLength(4);
});

test('prints nothing for a success without an outage, or after an outage was forgotten', async () => {
  const { seen } = collectOutageWarnings();
  const warnings = createOutageWarnings('tokenward:keys-failed');
  warnings.ended('one', 'one is back');
  warnings.began('one', 'one is down');
  warnings.forget('one');
  warnings.ended('one', 'one is back');
  expect(await seen()).toEqual([`one is down ${KEYS}`]);
});

test('prints nothing while somebody listens to the event', async () => {
  const { seen } = collectOutageWarnings();
  const end = observe('tokenward:revocations-failed', () => {});
  const warnings = createOutageWarnings('tokenward:revocations-failed');
  createOutageWarnings('tokenward:keys-failed').began('keys', 'keys are down');
  warnings.began('store', 'store is down');
  expect(await seen()).toEqual([`keys are down ${KEYS}`]);
  end();
  warnings.began('store', 'store is still down');
  warnings.ended('store', 'store is back');
  expect(await seen()).toEqual([`keys are down ${KEYS}`, `store is still down ${REVOCATIONS}`, 'store is back']);
});

test('prints 21 warnings when a thousand outages start at once, and 20 when they end', async () => {
  const { seen } = collectOutageWarnings();
  const warnings = createOutageWarnings('tokenward:keys-failed');
  for (let tenant = 0; tenant < 1000; tenant++) warnings.began(`tenant-${tenant}`, `tenant-${tenant} is down`);
  expect(await seen()).toHaveLength(21);
  expect((await seen()).at(-1)).toMatch(/more than 20 such outages; listen to tokenward:keys-failed/);
  for (let tenant = 0; tenant < 1000; tenant++) warnings.ended(`tenant-${tenant}`, `tenant-${tenant} is back`);
  expect(await seen()).toHaveLength(41);
});
