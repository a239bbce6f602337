import { expect, test, vi } from 'vitest';
import { createMountMemory } from './mounts.js';

test('looks until it finds a guard, and once only for each app', () => {
  const isIn = createMountMemory();
  const [app, other, guard] = [{}, {}, {}];
  const look = vi.fn(() => false);
  expect([isIn(app, guard, look), isIn(app, guard, look)]).toEqual([false, false]);
  look.mockReturnValue(true);
  expect([isIn(app, guard, look), isIn(app, guard, look), isIn(app, {}, look), isIn(other, guard, look)]).toEqual([true, true, true, true]);
  expect(look).toHaveBeenCalledTimes(5);
});
