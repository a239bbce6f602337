/** The private part of a Nest application that makes functions for its platform. */
interface NestInternals {
  readonly routesResolver?: { readonly routerProxy?: { createProxy(run: () => void, filters: object): unknown } };
  readonly middlewareModule?: { registerHandler?(adapter: object, route: object, middleware: unknown, handled: WeakSet<object>): Promise<unknown> };
}

/** GET and ALL of Nest's `RequestMethod`: it makes other functions for middleware of one method than for that of all. */
const METHODS = [0, 5];

/** Tells the functions apart that Nest registers as routes without a handler. */
export interface Internals {
  /** Nest's answer of 404. */
  isNotFound(handler: unknown): boolean;
  /** The wrapper of middleware, which may answer or pass requests on. */
  isMiddleware(handler: unknown): boolean;
}

/**
 * Nest leaves no mark on the functions that it registers as routes without a handler. So this has Nest make one of each, and compares their source texts. Those of an app's functions
 * are never equal. If Nest makes them in another way, they count as the app's own. If it makes both in the same way, as early releases do, they count as middleware.
 */
export async function internalsOf(app: object): Promise<Internals> {
  const { routesResolver, middlewareModule } = app as NestInternals;
  const proxy = routesResolver?.routerProxy?.createProxy(() => {}, {});
  const notFound = textOf(proxy);
  const wrappers = new Set<string | undefined>();
  const adapter = { createMiddlewareFactory: () => (_path: string, handler: object) => wrappers.add(textOf(handler)) };
  for (const method of METHODS) await middlewareModule?.registerHandler?.(adapter, { path: '/', method }, proxy, new WeakSet());

  const isMiddleware = (handler: unknown): boolean => {
    const text = textOf(handler);
    return text !== undefined && wrappers.has(text) && !isHandler(handler as object);
  };
  const isNotFound = (handler: unknown): boolean => {
    const text = textOf(handler);
    return text !== undefined && text === notFound && !isMiddleware(handler) && !isHandler(handler as object);
  };
  return { isNotFound, isMiddleware };
}

/** Returns undefined for what cannot be compared: all bound functions have one text. */
function textOf(made: unknown): string | undefined {
  const text = typeof made === 'function' ? Function.prototype.toString.call(made) : '[native code]';
  return text.includes('[native code]') ? undefined : text;
}

/** Nest copies the metadata of a controller's method to the function that it registers, which may have the same text. */
function isHandler(made: object): boolean {
  const { hasMetadata } = Reflect as { readonly hasMetadata?: (key: string, target: object) => boolean };
  return hasMetadata?.('path', made) === true;
}
