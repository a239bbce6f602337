import type { Request } from 'express';
import { createMountMemory } from '@tokenward/core/adapter';

/** One layer of Express' middleware: a function, or a router with layers of its own. */
interface Layer {
  readonly handle?: unknown;
  readonly route?: { readonly stack?: readonly Layer[] } | undefined;
}

const isIn = createMountMemory();

/**
 * Returns whether Express itself may call a guard on its way through an app's middleware. Only then is it certain that the code
 * behind the guard waits for it. Called only if a request is refused or must wait.
 */
export function isMounted(guard: object, request: Request): boolean {
  const { route, app } = request as { readonly route?: Layer['route']; readonly app?: { readonly _router?: Router; readonly router?: Router } };
  if (route?.stack?.some(({ handle }) => isGuard(handle, guard))) return true;
  // Express 4 has `_router`, and throws if `router` is read
  return app !== undefined && isIn(app, guard, () => holds((app._router ?? app.router)?.stack, guard));
}

interface Router {
  readonly stack?: readonly Layer[];
}

/** A router may contain itself, so the search ends at some depth. */
const MAX_DEPTH = 32;

function holds(stack: readonly Layer[] | undefined, guard: object, depth = 0): boolean {
  if (!Array.isArray(stack) || depth > MAX_DEPTH) return false;
  return (stack as readonly Layer[]).some(
    ({ handle, route }) => isGuard(handle, guard) || holds(route?.stack, guard, depth + 1) || holds((handle as Router | undefined)?.stack, guard, depth + 1),
  );
}

/** Tracing replaces the function of a layer, and keeps the original under `__original`. */
function isGuard(handle: unknown, guard: object): boolean {
  return handle === guard || (typeof handle === 'function' && (handle as { readonly __original?: unknown }).__original === guard);
}
