/** A layer of @koa/router: a route, or middleware of `router.use`. Other routers have other layers. */
interface Layer {
  readonly methods?: readonly string[];
  readonly stack?: readonly unknown[];
  readonly regexp?: RegExp;
  readonly opts?: { readonly sensitive?: boolean };
}

/**
 * Creates a function that warns once about each router whose guard can be bypassed. @koa/router 14 and 15 match a router's middleware case-sensitively, but
 * its routes case-insensitively. With a guard on the router with the prefix /api, a request for /API skips the guard and runs the handler. The guard
 * never sees such requests, so the warning comes with the first request that passes through the router.
 */
export function createCaseWarning(): (router: unknown, guard: unknown) => void {
  const checked = new WeakSet<object>();

  return (router, guard) => {
    if (typeof router !== 'object' || router === null || checked.has(router)) return;
    checked.add(router);
    if (!layersOf(router).some((layer) => isSkippable(layer, guard))) return;
    process.emitWarning('a guard on a router with a prefix is skipped if a request writes the prefix in another case', {
      type: 'SecurityWarning',
      code: 'TOKENWARD_ROUTER_CASE',
      detail: 'Create the router with { sensitive: true }, or put the guard on its routes or on the app.',
    });
  };
}

function layersOf({ stack }: { readonly stack?: unknown }): readonly Layer[] {
  return Array.isArray(stack) ? (stack as Layer[]) : [];
}

function isSkippable({ methods, stack, regexp, opts }: Layer, guard: unknown): boolean {
  if (methods?.length !== 0 || !stack?.includes(guard) || opts?.sensitive === true) return false;
  return regexp?.ignoreCase === false && /[a-z]/i.test(regexp.source);
}
