import { expect, test } from 'vitest';
import { adapterSuite } from '@tokenward/testing/adapter-suite';
import { startPlain, type Faults } from './plain-http.js';

/** Runs some cases of the suite, and returns the names of those that failed. */
async function failuresOf(faults: Faults, some: RegExp): Promise<string[]> {
  const failures: string[] = [];
  const cases: [string, () => Promise<void>][] = [];
  const before: (() => Promise<void>)[] = [];
  const after: (() => Promise<void>)[] = [];
  adapterSuite(
    { test: (name, run) => void cases.push([name, run]), beforeAll: (run) => void before.push(run), afterAll: (run) => void after.push(run) },
    startPlain(faults),
    { ways: [] },
  );
  for (const run of before) await run();
  for (const [name, run] of cases.filter(([name]) => some.test(name))) {
    try {
      await run();
    } catch {
      failures.push(name);
    }
  }
  for (const run of after) await run();
  return failures;
}

test.concurrent.for<[keyof Faults, RegExp]>([
  ['joinedHeaders', /^rule 1: answers 400 to two Authorization lines/],
  ['policiesForgotten', /^rule 105/],
  ['goesOnAfterRefusal', /^rule 105/],
  ['wrongTokenIsAnonymous', /^rule 7/],
  ['headersDropped', /^rule 104/],
  ['bodyDropped', /^example: GET \/me is 401/],
  ['matchesCarelessly', /^rule 151/],
  ['readsForwardedUser', /^rule 6/],
  ['readsCookie', /^rule 4: answers 401 to a token in a cookie/],
  ['readsForwardedHost', /^rule 154: the origin/],
  ['readsBodyFirst', /^rule 150/],
  ['servesTheDeparted', /^runs no handler for a client that leaves/],
  ['anonymousWithoutGuard', /^rule 180: getAuth throws on a route/],
  ['passesEveryPreflight', /^rule 108: a preflight passes the guard of an app/],
  ['cookiesDropped', /^sets all cookies of a session on an admitted answer/],
  ['cookiesShown', /^an onDenied that sets all headers of the decision loses no cookie/],
  ['refusesMetadata', /^rule 110: a guard in front/],
])('the suite notices an adapter with the fault %s', { timeout: 60_000 }, async ([fault, expected]) => {
  expect(await failuresOf({}, expected)).toEqual([]);
  expect(await failuresOf({ [fault]: true }, expected)).not.toEqual([]);
});
