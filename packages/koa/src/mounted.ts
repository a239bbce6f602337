import type { Context } from 'koa';
import { createMountMemory } from '@tokenward/core/adapter';

interface Layer {
  readonly stack?: readonly unknown[];
}

const isIn = createMountMemory();

/**
 * Whether a guard stands in the app, or on a route of @koa/router that the request matched: where it does Koa may be the one who calls it, on its way
 * through the middleware. Then what stands behind the guard waits, and what stands upstream sends the answer; whoever calls it by hand may do anything.
 * It is asked where a request is refused or must wait.
 */
export function isMounted(guard: object, context: Context): boolean {
  const { app, matched } = context as unknown as { readonly app?: { readonly middleware?: readonly unknown[] }; readonly matched?: readonly Layer[] };
  if (app && isIn(app, guard, () => app.middleware?.includes(guard) === true)) return true;
  return isTraced(guard) || (Array.isArray(matched) && (matched as readonly Layer[]).some(({ stack }) => stack?.includes(guard) === true));
}

/**
 * OpenTelemetry's instrumentation of Koa puts a function of its own in the place of what is mounted, and leaves a mark on the original. That one is then
 * called from there, or by hand; the stack tells which.
 */
function isTraced(guard: object): boolean {
  return Object.getOwnPropertySymbols(guard).some((symbol) => symbol.description === 'koa-layer-patched' && Reflect.get(guard, symbol) === true);
}
