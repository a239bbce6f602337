/** What @koa/router keeps of a route, or of what `router.use` was given; other routers have their own. */
interface Layer {
  readonly methods?: readonly string[];
  readonly stack?: readonly unknown[];
  readonly regexp?: RegExp;
  readonly opts?: { readonly sensitive?: boolean };
}

/**
 * @koa/router 14 and 15 match what stands on a whole router with case, though they match its routes without: for /API a guard on the router with
 * the prefix /api is not asked, and the handler runs. No guard can see the requests that pass it by, so it tells of them at the first one that
 * comes through a router.
 */
export function createCaseWarning(): (router: unknown, guard: unknown) => void {
  const lookedAt = new WeakSet<object>();

  return (router, guard) => {
    if (typeof router !== 'object' || router === null || lookedAt.has(router)) return;
    lookedAt.add(router);
    if (!layersOf(router).some((layer) => isSkippable(layer, guard))) return;
    process.emitWarning('a guard on a router with a prefix is passed by when the prefix is asked for in another case', {
      type: 'SecurityWarning',
      code: 'TOKENWARD_ROUTER_CASE',
      detail: 'Make that router with { sensitive: true }, or put the guard on its routes or on the app.',
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
