import { demandsBefore, demandsIn, type FoundRoute } from './route.js';
import { samplePath } from './sample-path.js';
import type { GuardDemands } from '@tokenward/core/adapter';

interface Layer {
  readonly handle?: ({ readonly stack?: unknown; readonly length: number; readonly name?: string } & object) | undefined;
  readonly route?: { readonly path: unknown; readonly methods: Readonly<Record<string, boolean>>; readonly stack: readonly RouteLayer[] } | undefined;
  readonly method?: string;
  /** Of Express 5: the path that `app.use` was given. */
  readonly rawPath?: unknown;
  /** Of Express 4. */
  readonly regexp?: RegExp & { readonly fast_slash?: boolean };
  readonly keys?: readonly { readonly name: string | number }[];
  readonly slash?: boolean;
  match(path: string): unknown;
}

interface RouteLayer {
  readonly handle: unknown;
  readonly method?: string | undefined;
}

/** An app of Express 5 or 4, or a router of one. */
export interface ExpressApp {
  readonly stack?: readonly Layer[];
  readonly _router?: { readonly stack: readonly Layer[] };
  readonly router?: { readonly stack: readonly Layer[] };
}

/** Apps in apps: a router may contain itself. */
const MAX_DEPTH = 32;

/** Lists the routes of an app of Express in the order in which it tries them. */
export function expressRoutes(app: ExpressApp): readonly FoundRoute[] {
  return routesIn(stackOf(app), '', '', [], 0);
}

export function isExpress(app: object): app is ExpressApp {
  if (typeof app !== 'function') return false;
  const { handle, stack } = app as { readonly handle?: unknown; readonly stack?: unknown };
  return typeof handle === 'function' && ('mountpath' in app || Array.isArray(stack));
}

/** Express 4 has `_router`, and throws if `router` is read. */
function stackOf(app: ExpressApp): readonly Layer[] {
  if (Array.isArray(app.stack)) return app.stack as readonly Layer[];
  return ('_router' in app ? app._router : app.router)?.stack ?? [];
}

/**
 * @param prefix the path of the router, as it was mounted
 * @param start a path that leads to the router
 * @param above what guards in front of the router demand
 */
function routesIn(stack: readonly Layer[], prefix: string, start: string, above: readonly GuardDemands[], depth: number): readonly FoundRoute[] {
  if (depth > MAX_DEPTH) return [];
  const guards: { readonly layer: Layer; readonly demands: GuardDemands }[] = [];
  const found: FoundRoute[] = [];
  for (const layer of stack) {
    const demands = demandsIn(layer.handle);
    if (demands) guards.push({ layer, demands });
    else if (layer.route) found.push(...routesOf(layer, layer.route, prefix, start, (path) => [...above, ...reaching(guards, path)]));
    else if (layer.handle) found.push(...mounted(layer, prefix, start, (path) => [...above, ...reaching(guards, path)], depth));
  }
  return found;
}

type Above = (path: string) => readonly GuardDemands[];

/** Asks Express which guards a request passes on its way. */
function reaching(guards: readonly { readonly layer: Layer; readonly demands: GuardDemands }[], path: string): readonly GuardDemands[] {
  return guards.filter(({ layer }) => isMatch(layer, path)).map(({ demands }) => demands);
}

function isMatch(layer: Layer, path: string): boolean {
  try {
    return Boolean(layer.match(path));
  } catch {
    return false;
  }
}

function routesOf(layer: Layer, { path, methods, stack }: NonNullable<Layer['route']>, prefix: string, start: string, above: Above): readonly FoundRoute[] {
  const paths: readonly unknown[] = Array.isArray(path) ? (path as unknown[]) : [path];
  return paths.flatMap((one) => {
    const own = textOf(one);
    const sample = samplePath(own, (tried) => isMatch(layer, tried));
    const listed = Object.keys(methods).map((name) => name.toUpperCase());
    // `app.all` adds every method that Node knows
    const names = methods['_all'] || listed.length > 20 ? ['ALL'] : listed;
    return names.map((method): FoundRoute => {
      const handlers = stack.filter((each) => method === 'ALL' || !each.method || each.method.toUpperCase() === method).map(({ handle }) => handle);
      // if the path of a route is unknown, guards above it do not count: they may not be in front of it
      const inFront = sample === undefined ? [] : above(sample);
      const demands = [...inFront, ...demandsBefore(handlers)];
      const isUnknown = sample === undefined && demands.length === 0;
      const note = sample === undefined ? NO_SAMPLE : undefined;
      return { method, path: joined(prefix, own), demands, isUnknown, note, handlers, sample: sample === undefined ? undefined : joined(start, sample) };
    });
  });
}

const NO_SAMPLE = 'no path was found that its pattern matches';

function mounted(layer: Layer, prefix: string, start: string, above: Above, depth: number): readonly FoundRoute[] {
  const { handle } = layer;
  const isApp = handle!.name === 'mounted_app';
  const inner = handle!.stack;
  if (!isApp && !Array.isArray(inner)) return [];
  const path = mountPath(layer);
  const sample = path === undefined ? undefined : samplePath(path, (tried) => isMatch(layer, tried));
  const inFront = sample === undefined ? [] : above(sample === '/' ? '/' : sample);
  const shown = joined(prefix, path ?? '<unknown path>');
  if (isApp) {
    const note = 'an app of its own is mounted here, whose routes Express does not show. List the routes of that app too';
    return [
      { method: 'ALL', path: joined(shown, '/*'), demands: inFront, isUnknown: true, note, sample: sample === undefined ? undefined : joined(start, sample) },
    ];
  }
  const routes = routesIn(inner as readonly Layer[], shown, joined(start, sample ?? ''), inFront, depth + 1);
  if (sample !== undefined) return routes;
  return routes.map(withoutPlace);
}

function withoutPlace(route: FoundRoute): FoundRoute {
  return { ...route, sample: undefined, isUnknown: route.demands.length === 0, note: 'Express does not show where its router is mounted' };
}

/** Returns the path of `app.use`; undefined if Express does not show it. */
function mountPath(layer: Layer): string | undefined {
  const { rawPath, regexp, slash } = layer;
  if (rawPath !== undefined) return textOf([rawPath].flat(Infinity as 1)[0]);
  if (slash === true || regexp?.fast_slash === true) return '/';
  const shown = regexp ?? regexpOf(layer);
  return shown && pathOf(shown.source, layer.keys ?? []);
}

/** Express 5 before 5.3 keeps a mount's expression in a closure. The expression shows itself when it runs. */
function regexpOf(layer: Layer): RegExp | undefined {
  const original = Object.getOwnPropertyDescriptor(RegExp.prototype, 'exec')!;
  const run = original.value as RegExp['exec'];
  const seen: RegExp[] = [];
  function value(this: RegExp, text: string): RegExpExecArray | null {
    seen.push(this);
    return run.call(this, text);
  }

  try {
    // eslint-disable-next-line no-extend-native -- for one synchronous call, since nothing else leads to the expression
    Object.defineProperty(RegExp.prototype, 'exec', { ...original, value });
    layer.match('/');
  } catch {
    return undefined;
  } finally {
    // eslint-disable-next-line no-extend-native -- see above
    Object.defineProperty(RegExp.prototype, 'exec', original);
  }
  return seen[0];
}

/** The expression of a mount: in Express 5, and in Express 4. */
const MOUNTS = [/^\^\(\?:(.*)\)\(\?:\\\/\$\)\?\(\?=\\\/\|\$\)$/, /^\^(.*)\\\/\?\(\?=\\\/\|\$\)$/];
/** A parameter in it, in Express 4 together with the slash in front. */
const PARAMETERS = /\(\?:(\\\/)?\(\[\^\\?\/\]\+\??\)\)|\(\[\^\\?\/\]\+\??\)/g;

/** Returns the path that the expression of a mount was made from; undefined if it is more than text and simple parameters. */
function pathOf(source: string, keys: NonNullable<Layer['keys']>): string | undefined {
  const body = MOUNTS.map((form) => form.exec(source)?.[1]).find((one) => one !== undefined);
  let count = 0;
  const path = body
    ?.replaceAll(PARAMETERS, (_all, slash: string | undefined) => `${slash ? '/' : ''}:${keys[count++]?.name ?? `parameter${count}`}`)
    .replaceAll(/\\([/.\-_])/g, '$1');
  return path === undefined || /[\\^$()[\]?*+|]/.test(path) ? undefined : path;
}

function textOf(path: unknown): string {
  return path instanceof RegExp || typeof path !== 'string' ? String(path) : path;
}

function joined(prefix: string, path: string): string {
  const whole = `${prefix === '/' ? '' : prefix.replace(/\/$/, '')}${path === '/' && prefix !== '' && prefix !== '/' ? '' : path}`;
  return whole === '' ? '/' : whole;
}
