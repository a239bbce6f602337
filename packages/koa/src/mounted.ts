import type { Context } from 'koa';
import { createMountMemory } from '@tokenward/core/adapter';

interface Layer {
  readonly stack?: readonly unknown[];
}

const isIn = createMountMemory();

/**
 * Returns whether a guard is mounted in the app, or on a route of @koa/router that the request matched. Only then is it certain that the code
 * behind the guard waits for it, and that Koa sends the answer. Called only if a request is refused or must wait.
 */
export function isMounted(guard: object, context: Context): boolean {
  const { app, matched } = context as unknown as { readonly app?: { readonly middleware?: readonly unknown[] }; readonly matched?: readonly Layer[] };
  if (app && isIn(app, guard, () => app.middleware?.includes(guard) === true)) return true;
  return isTraced(guard) || (Array.isArray(matched) && (matched as readonly Layer[]).some(({ stack }) => stack?.includes(guard) === true));
}

/**
 * OpenTelemetry's instrumentation of Koa mounts a function of its own instead of the guard, and marks the guard. The call
 * stack shows whether that function calls the guard, or the app's own code.
 */
function isTraced(guard: object): boolean {
  return Object.getOwnPropertySymbols(guard).some((symbol) => symbol.description === 'koa-layer-patched' && Reflect.get(guard, symbol) === true);
}
