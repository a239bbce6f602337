import { didYouMean } from '@tokenward/core/adapter';

type Exports = Readonly<Record<string, unknown>>;

/** The names under which apps are mostly exported. */
const USUAL = ['default', 'app', 'server', 'router', 'createApp', 'buildApp', 'build'];

/**
 * Finds the app in the exports of a module. A function that is not an app creates one.
 *
 * @returns words that follow the name of the file if there is none
 */
export async function findApp(exports: Exports, name: string | undefined): Promise<object | string> {
  // a CommonJS module is the default export of itself
  const all: Exports = { ...(isPlain(exports['default']) ? exports['default'] : {}), ...exports };
  const names = Object.keys(all).filter((one) => one !== 'module.exports');
  if (name !== undefined && !names.includes(name)) return `has no export of the name in --export${didYouMean(name, names) || '.'} It exports ${listOf(names)}`;
  for (const one of name === undefined ? USUAL : [name]) {
    const found = await appIn(all[one]);
    if (found) return found;
  }
  const module = Object.values(all).find((one) => isClass(one) && one.name.endsWith('Module')) as { readonly name: string } | undefined;
  // each CommonJS module has a default export
  const wrong = name ?? (module ? undefined : USUAL.find((one) => names.includes(one) && !(one === 'default' && isPlain(all[one]))));
  const remedy = module && `. For NestJS, export a function: export const createApp = () => NestFactory.create(${module.name})`;
  if (wrong !== undefined)
    return `exports ${wrong}, which is neither an app of Express, Fastify, Koa, NestJS or Hono nor a function that returns one${remedy ?? ''}`;
  return `exports no app under a usual name. It exports ${listOf(names)}${remedy ?? '. Name the app with --export, or export it: export const app = ...'}`;
}

async function appIn(value: unknown): Promise<object | undefined> {
  if (isApp(value)) return value;
  if (typeof value !== 'function' || isClass(value)) return undefined;
  const made: unknown = await (value as () => unknown)();
  return isApp(made) ? made : undefined;
}

function isApp(value: unknown): value is object {
  const { handle, printRoutes, fetch, callback, getHttpAdapter } = Object(value) as Readonly<Record<string, unknown>>;
  return [handle, printRoutes, fetch, callback, getHttpAdapter].some((member) => typeof member === 'function');
}

function isClass(value: unknown): value is { readonly name: string } {
  return typeof value === 'function' && Function.prototype.toString.call(value).startsWith('class');
}

function isPlain(value: unknown): value is Exports {
  return typeof value === 'object' && value !== null && !isApp(value);
}

function listOf(names: readonly string[]): string {
  return names.length > 0 ? names.slice(0, 20).join(', ') : 'nothing';
}
