import type { Context } from 'koa';

interface Layer {
  readonly stack?: readonly unknown[];
}

/** Guards that were found once, by the app or the router in which they stand. */
const found = new WeakMap<object, WeakSet<object>>();

/**
 * Whether Koa, or @koa/router, itself calls a guard, on its way through the middleware. Then what stands behind the guard waits, and what stands
 * upstream sends the answer; whoever calls it by hand may do anything. It is asked where a request is refused or must wait, and found once.
 */
export function isMounted(guard: object, context: Context): boolean {
  const { app, router } = context as unknown as { readonly app?: { readonly middleware?: readonly unknown[] }; readonly router?: Layer };
  if (app && isKnown(app, guard, () => app.middleware?.includes(guard) === true)) return true;
  if (typeof router !== 'object' || router === null) return false;
  return isKnown(router, guard, () => router.stack?.some((layer) => (layer as Layer).stack?.includes(guard)) === true);
}

function isKnown(owner: object, guard: object, look: () => boolean): boolean {
  const known = found.get(owner);
  if (known?.has(guard)) return true;
  if (!look()) return false;
  if (known) known.add(guard);
  else found.set(owner, new WeakSet([guard]));
  return true;
}
