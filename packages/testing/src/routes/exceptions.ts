import { didYouMean, misuse } from '@tokenward/core/adapter';

interface NamedRoute {
  readonly method: string;
  readonly path: string;
}

/**
 * Returns the routes that entries such as `GET /health` name. `GET /docs/*` names all routes below a path, and `*` in place of the method every method.
 *
 * @throws ConfigurationError for an entry that names no route
 */
export function exceptedRoutes<R extends NamedRoute>(except: readonly string[], routes: readonly R[]): ReadonlySet<R> {
  const found = new Set<R>();
  for (const entry of except) {
    if (typeof entry !== 'string') throw misuse('except', "must be a list of routes, such as ['GET /health']");
    const matching = routes.filter((route) => isNamed(route, entry));
    if (matching.length === 0) throw misuse('except', noRoute(entry, routes));
    for (const route of matching) found.add(route);
  }
  return found;
}

function isNamed({ method, path }: NamedRoute, entry: string): boolean {
  const [wanted = '', target] = entry.split(' ', 2);
  if (target === undefined || (wanted !== '*' && wanted.toUpperCase() !== method)) return false;
  return target === path || (target.endsWith('/*') && (path.startsWith(target.slice(0, -1)) || path === target.slice(0, -2)));
}

const MAX_SHOWN = 20;

function noRoute(entry: string, routes: readonly NamedRoute[]): string {
  const names = routes.map(({ method, path }) => `${method} ${path}`);
  const shown = names.slice(0, MAX_SHOWN).join(', ') + (names.length > MAX_SHOWN ? ', ...' : '');
  // whatever does not look like a route may be a secret in the wrong place
  const given = /^(?:[a-z]{1,20}|\*) \//i.test(entry) ? JSON.stringify(entry) : 'an entry without a method and a path';
  return `has ${given}, which names no route of the app${didYouMean(entry, names)} (routes: ${shown})`;
}
