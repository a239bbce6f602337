import type { Request } from 'express';

/** What Express keeps of a piece of middleware: its function, or a router with such pieces of its own. */
interface Layer {
  readonly handle?: unknown;
  readonly route?: { readonly stack?: readonly Layer[] } | undefined;
}

/** Guards that were found once, by the app in which they stand. */
const found = new WeakMap<object, WeakSet<object>>();

/**
 * Whether Express itself calls a guard, on its way through an app's middleware. Where it does what stands behind the guard waits; whoever calls it by
 * hand may do anything. It is asked where a request is refused or must wait, and found once.
 */
export function isMounted(guard: object, request: Request): boolean {
  const { route, app } = request as { readonly route?: Layer['route']; readonly app?: { readonly _router?: Router; readonly router?: Router } };
  if (route?.stack?.some(({ handle }) => isGuard(handle, guard))) return true;
  if (!app) return false;
  const known = found.get(app);
  if (known?.has(guard)) return true;
  // Express 4 has the first, and throws for the second
  if (!holds((app._router ?? app.router)?.stack, guard)) return false;
  if (known) known.add(guard);
  else found.set(app, new WeakSet([guard]));
  return true;
}

interface Router {
  readonly stack?: readonly Layer[];
}

/** Routers may stand in themselves. */
const MOST_ROUTERS = 32;

function holds(stack: readonly Layer[] | undefined, guard: object, depth = 0): boolean {
  if (!Array.isArray(stack) || depth > MOST_ROUTERS) return false;
  return (stack as readonly Layer[]).some(
    ({ handle, route }) => isGuard(handle, guard) || holds(route?.stack, guard, depth + 1) || holds((handle as Router | undefined)?.stack, guard, depth + 1),
  );
}

/** Tracing wraps what a layer holds, and keeps the original beside it. */
function isGuard(handle: unknown, guard: object): boolean {
  return handle === guard || (typeof handle === 'function' && (handle as { readonly __original?: unknown }).__original === guard);
}
