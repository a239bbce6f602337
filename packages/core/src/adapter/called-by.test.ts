import { runInThisContext } from 'node:vm';
import { expect, test } from 'vitest';
import { isCalledBy } from './called-by.js';

/** Returns a function of a file of that name. It calls its argument. */
function callIn(filename: string): (call: () => boolean) => boolean {
  return runInThisContext('(function runner(call) { return call(); })', { filename }) as (call: () => boolean) => boolean;
}

const LIBRARY = /\/lib\/hooks\.js runner$/;
const inLibrary = callIn('/srv/lib/hooks.js');
const elsewhere = callIn('/srv/lib/other.js');

test('isCalledBy looks only at the direct caller', () => {
  function direct(): boolean {
    return isCalledBy(direct, LIBRARY);
  }
  expect([inLibrary(direct), elsewhere(direct), inLibrary(() => elsewhere(direct))]).toEqual([true, false, false]);
});

test('a function that is not running has no caller', () => {
  expect(inLibrary(() => isCalledBy(() => {}, LIBRARY))).toBe(false);
});

test("works with the application's stackTraceLimit and prepareStackTrace, and restores them", () => {
  const before = { stackTraceLimit: Error.stackTraceLimit, prepareStackTrace: Error.prepareStackTrace };
  const custom = (): string => 'written by somebody else';
  function direct(): boolean {
    return isCalledBy(direct, LIBRARY);
  }
  Object.assign(Error, { stackTraceLimit: 0, prepareStackTrace: custom });
  try {
    expect(inLibrary(direct)).toBe(true);
    expect([Error.stackTraceLimit, Error.prepareStackTrace]).toEqual([0, custom]);
  } finally {
    Object.assign(Error, before);
  }
});

test('an unnamed caller matches by the type of its receiver', async () => {
  const seen = await new Promise<boolean>((resolve) => {
    function direct(): boolean {
      return isCalledBy(direct, / Timeout\.$/);
    }
    setTimeout(() => resolve(direct()), 0);
  });
  expect(seen).toBe(true);
});
