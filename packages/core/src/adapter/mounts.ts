/**
 * Returns a function that says whether a guard is mounted in an app. It remembers each guard that it found:
 * guards are rarely removed, and `look` walks through all of an app's middleware.
 *
 * @example const isIn = createMountMemory(); isIn(app, guard, () => app.middleware.includes(guard))
 */
export function createMountMemory(): (app: object, guard: object, look: () => boolean) => boolean {
  const found = new WeakMap<object, WeakSet<object>>();

  return (app, guard, look) => {
    const known = found.get(app);
    if (known?.has(guard)) return true;
    if (!look()) return false;
    if (known) known.add(guard);
    else found.set(app, new WeakSet([guard]));
    return true;
  };
}
