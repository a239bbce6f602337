import type { GuardDemands } from '@tokenward/core/adapter';
import { demandsBefore, demandsIn, type FoundRoute } from './route.js';
import { samplePath } from './sample-path.js';
import { hostVariants, withVariants } from './variants.js';

export interface KoaApp {
  readonly middleware: readonly unknown[];
  callback(): unknown;
}

export function isKoa(app: object): app is KoaApp {
  const { middleware, callback } = app as Partial<KoaApp>;
  return Array.isArray(middleware) && typeof callback === 'function';
}

interface Router {
  readonly stack: readonly Layer[];
  /** The host that its requests must have: a text, several, or an expression. */
  readonly host?: unknown;
}

interface Layer {
  readonly path: unknown;
  readonly methods: readonly string[];
  readonly stack: readonly unknown[];
  match(path: string): boolean;
}

/** Lists the routes of an app of Koa with `@koa/router`. */
export function koaRoutes({ middleware }: KoaApp): readonly FoundRoute[] {
  const above: GuardDemands[] = [];
  return middleware.flatMap((one): readonly FoundRoute[] => {
    const demands = demandsIn(one);
    if (demands) above.push(demands);
    const { router } = Object(one) as { readonly router?: Router };
    if (!demands && router && Array.isArray(router.stack)) return withVariants(routesIn(router, [...above]), hostVariants(router.host || undefined));
    return mountOf(one, above);
  });
}

function routesIn({ stack }: Router, above: readonly GuardDemands[]): readonly FoundRoute[] {
  return stack.flatMap((layer, at) => {
    if (layer.methods.length === 0) return [];
    const path = String(layer.path);
    const sample = samplePath(path, (tried) => isMatch(layer, tried));
    const before = sample === undefined ? [] : stack.slice(0, at).filter((one) => one.methods.length === 0 && isMatch(one, sample));
    const demands = [...above, ...demandsBefore([...before.flatMap((one) => one.stack), ...layer.stack])];
    const found = {
      path,
      demands,
      isUnknown: sample === undefined,
      note: sample === undefined ? 'no path was found that its pattern matches' : undefined,
      sample,
    };
    const methods = layer.methods.filter((method) => method !== 'HEAD' || !layer.methods.includes('GET'));
    return (methods.length > 20 ? ['ALL'] : methods).map((method): FoundRoute => Object.assign({ method }, found));
  });
}

function isMatch(layer: Layer, path: string): boolean {
  try {
    return layer.match(path);
  } catch {
    return false;
  }
}

/** koa-mount names its middleware after the path, and shows nothing of the app behind it. */
function mountOf(middleware: unknown, above: readonly GuardDemands[]): readonly FoundRoute[] {
  const path = /^mount (\/\S*)$/.exec(String((Object(middleware) as { readonly name?: unknown }).name))?.[1];
  if (path === undefined) return [];
  const note = 'an app of its own is mounted here, whose routes Koa does not show. List the routes of that app too';
  return [{ method: 'ALL', path: `${path.replace(/\/$/, '')}/*`, demands: [...above], isUnknown: true, note, sample: path }];
}
