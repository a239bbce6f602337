import { expect, test, vi } from 'vitest';
import { createMountMemory } from './mounts.js';

test('searches an app for a guard until it finds one, and then remembers the result for each app and guard', () => {
  const isIn = createMountMemory();
  const [app, other, guard] = [{}, {}, {}];
  const search = vi.fn(() => false);
  expect([isIn(app, guard, search), isIn(app, guard, search)]).toEqual([false, false]);
  search.mockReturnValue(true);
  expect([isIn(app, guard, search), isIn(app, guard, search), isIn(app, {}, search), isIn(other, guard, search)]).toEqual([true, true, true, true]);
  expect(search).toHaveBeenCalledTimes(5);
});
