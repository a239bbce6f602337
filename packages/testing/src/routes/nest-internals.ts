/** The private part of a Nest application that makes functions for its platform. */
interface NestInternals {
  readonly routesResolver?: { readonly routerProxy?: { createProxy(run: () => void, filters: object): unknown } };
  readonly middlewareModule?: { registerHandler?(adapter: object, route: object, middleware: unknown, handled: WeakSet<object>): Promise<unknown> };
}

/** GET and ALL of Nest's `RequestMethod`: it makes other functions for middleware of one method than for that of all. */
const METHODS = [0, 5];

/**
 * Returns a function that says whether Nest registered a function as a route without a handler: its answer of 404, or the wrapper of middleware. Nest leaves no mark
 * on either, so this has Nest make one of each, and compares their texts. Those of an app are never equal. If Nest makes them in another way, they count as the
 * app's own.
 */
export async function internalsOf(app: object): Promise<(handler: unknown) => boolean> {
  const { routesResolver, middlewareModule } = app as NestInternals;
  const texts = new Set<string>();
  const proxy = routesResolver?.routerProxy?.createProxy(() => {}, {});
  if (typeof proxy === 'function') texts.add(textOf(proxy));
  const adapter = { createMiddlewareFactory: () => (_path: string, handler: object) => texts.add(textOf(handler)) };
  for (const method of METHODS) await middlewareModule?.registerHandler?.(adapter, { path: '/', method }, proxy, new WeakSet());
  return (handler) => typeof handler === 'function' && texts.has(textOf(handler)) && !isHandler(handler);
}

function textOf(made: object): string {
  return Function.prototype.toString.call(made);
}

/** Nest copies the metadata of a controller's method to the function that it registers, which may have the same text. */
function isHandler(made: object): boolean {
  const { hasMetadata } = Reflect as { readonly hasMetadata?: (key: string, target: object) => boolean };
  return hasMetadata?.('path', made) === true;
}
