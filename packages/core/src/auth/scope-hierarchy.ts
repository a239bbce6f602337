import { plainProblem, type OptionReader } from '../lib/option-reader.js';
import { shown, shownMember } from '../lib/shown-option.js';
import { SCOPE_TOKEN } from './names.js';

/**
 * The scopes that imply each scope, directly or through other scopes. It is resolved at the start. A request that needs it then costs one look-up for each scope
 * of its token, and any other request costs nothing.
 */
export type ScopeHierarchy = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns whether one of a token's scopes implies a scope. */
export function isImplied(scopes: readonly string[], name: string, hierarchy: ScopeHierarchy | undefined): boolean {
  const implying = hierarchy?.get(name);
  return implying !== undefined && scopes.some((one) => implying.has(one));
}

/** The scopes that each scope implies directly. */
type Implied = ReadonlyMap<string, readonly string[]>;

/** Bounds the memory of a hierarchy, and the time to resolve it. A chain of 140 scopes has as many implications as one scope that implies 10,000 others. */
const MAX_IMPLICATIONS = 10_000;
/** Further problems of the option are not reported. */
const MAX_PROBLEMS = 10;
const MAX_SHOWN = 8;

/** Reads `{ 'orders:admin': ['orders:read', 'orders:write'] }`. Returns undefined if no scope implies another. */
export function readScopeHierarchy(reader: OptionReader, name: string): ScopeHierarchy | undefined {
  const implied = readImplied(reader, name);
  if (!implied || implied.size === 0) return undefined;
  const cycle = findCycle(implied);
  if (cycle) {
    reader.wrong(name, `has a cycle: ${pathText(cycle)}. Remove one of these implications`);
    return undefined;
  }
  const hierarchy = resolve(implied);
  if (!hierarchy) reader.wrong(name, `${TOO_LARGE}, including those through other scopes. ${SHORTEN}`);
  return hierarchy;
}

const TOO_LARGE = `has more than ${MAX_IMPLICATIONS} implications`;
const SHORTEN = 'List fewer scopes';

function readImplied(reader: OptionReader, name: string): Implied | undefined {
  const value = reader.get(name);
  if (value === undefined) return undefined;
  const problem = plainProblem(value);
  if (problem !== undefined) {
    reader.wrong(name, `${problem}. Write { 'orders:admin': ['orders:read'] }`);
    return undefined;
  }
  const implied = new Map<string, readonly string[]>();
  let problems = 0;
  let count = 0;
  for (const [scope, listed] of Object.entries(value as Record<string, unknown>)) {
    const message = problemOf(scope, listed);
    if (message !== undefined) {
      reader.wrong(`${name}.${shownMember(scope)}`, message);
      if (++problems >= MAX_PROBLEMS) break;
      continue;
    }
    const names = [...new Set(listed as string[])];
    count += names.length;
    implied.set(scope, names);
  }
  if (problems > 0) return undefined;
  if (count <= MAX_IMPLICATIONS) return implied;
  reader.wrong(name, `${TOO_LARGE}. ${SHORTEN}`);
  return undefined;
}

function problemOf(scope: string, listed: unknown): string | undefined {
  if (!SCOPE_TOKEN.test(scope)) return 'is not a scope that a token can contain (RFC 6749 s3.3). Write one scope for each list';
  if (!Array.isArray(listed) || listed.length === 0) return `must be a list of one or more scopes (got ${shown(listed)})`;
  const wrong = (listed as unknown[]).findIndex((one) => typeof one !== 'string' || !SCOPE_TOKEN.test(one));
  return wrong === -1 ? undefined : `lists something at index ${wrong} that is not a scope (RFC 6749 s3.3). Write one scope for each item`;
}

/** Returns the scopes of a cycle, the first of them again at the end. Without recursion: a chain may be as long as the option. */
function findCycle(implied: Implied): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of implied.keys()) {
    const path = [start];
    const onPath = new Set(path);
    const left = [[...implied.get(start)!]];
    while (path.length > 0) {
      const next = left.at(-1)!.pop();
      if (next === undefined) {
        const finished = path.pop()!;
        onPath.delete(finished);
        done.add(finished);
        left.pop();
      } else if (onPath.has(next)) {
        return [...path.slice(path.indexOf(next)), next];
      } else if (!done.has(next)) {
        path.push(next);
        onPath.add(next);
        left.push([...(implied.get(next) ?? [])]);
      }
    }
  }
  return undefined;
}

function pathText(path: readonly string[]): string {
  const names = path.map(shownMember);
  const shortened = names.length > MAX_SHOWN ? [...names.slice(0, MAX_SHOWN - 1), '...', names.at(-1)!] : names;
  return shortened.join(' -> ');
}

/** Returns undefined if there are too many implications. */
function resolve(implied: Implied): ScopeHierarchy | undefined {
  const hierarchy = new Map<string, Set<string>>();
  let count = 0;
  for (const scope of implied.keys()) {
    // grows while it is read
    const all = new Set(implied.get(scope));
    for (const name of all) {
      if (++count > MAX_IMPLICATIONS) return undefined;
      for (const next of implied.get(name) ?? []) all.add(next);
      const implying = hierarchy.get(name);
      if (implying) implying.add(scope);
      else hierarchy.set(name, new Set([scope]));
    }
  }
  return hierarchy;
}
