import { isThenable } from '../lib/thenable.js';
import type { Claims } from './claims.js';
import { isJsonObject, own, type JsonObject } from '../lib/json.js';

/**
 * Reads scopes or roles from a token's claims. It must return a list of strings, not a promise, and depend on the claims only: its result is cached with
 * the token. After anything else (an exception, a promise, `undefined`) the names count as unreadable, and policies that need them refuse.
 *
 * @example (claims) => Object.keys(claims['urn:zitadel:iam:org:project:roles'] ?? {})
 */
export type NamesReader = (claims: Claims) => readonly string[];

/** Where scopes or roles are: paths, whose names are combined, or a function. */
export type NamesSource = readonly (readonly string[])[] | NamesReader;

/** scope-token: RFC 6749 s3.3 */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export const NONE: readonly string[] = Object.freeze([]);
const UNREADABLE = Symbol.for('tokenward.unreadable');

/** Whether scopes or roles could not be read. It recognises those of another copy of this package too. */
export function isUnreadable(names: readonly string[]): boolean {
  return UNREADABLE in names;
}

/** Describes what the token has instead of scopes or roles, without its value. */
export function unreadableAs(names: readonly string[]): string {
  const what = (names as { [UNREADABLE]?: unknown })[UNREADABLE];
  return `unreadable: ${typeof what === 'string' ? what : 'something other than a list of names'}`;
}

/** Reads the scopes of `scope` and `scp`: strings with spaces between names (RFC 6749 s3.3), or lists. */
export function readScopes(scope: unknown, scp: unknown): readonly string[] {
  const ofScope = readList(scope, splitScope);
  if (scp === undefined) return ofScope;
  return joined([ofScope, readList(scp, splitScope)]);
}

/** Reads scopes as set by `scopesClaim`. */
export function readScopesFrom(claims: JsonObject, source: NamesSource): readonly string[] {
  return readNames(claims, source, splitScope);
}

/** Reads roles as set by `rolesClaim`. A string is one role. */
export function readRolesFrom(claims: JsonObject, source: NamesSource): readonly string[] {
  return readNames(claims, source, oneName);
}

function readNames(claims: JsonObject, source: NamesSource, split: Split): readonly string[] {
  if (typeof source === 'function') return callReader(source, claims);
  if (source.length === 1) return readPath(claims, source[0]!, split);
  return joined(source.map((path) => readPath(claims, path, split)));
}

type Split = (text: string) => readonly string[];

/** The last text that was split, and its names. Most tokens of an API have the same scopes, and to split a text costs as much as all checks of claims. */
let lastText = '';
let lastNames: readonly string[] = NONE;

function splitScope(text: string): readonly string[] {
  if (text === lastText) return lastNames;
  const names = text.split(' ');
  lastNames = Object.freeze(names.includes('') ? names.filter((name) => name !== '') : names);
  lastText = text;
  return lastNames;
}

function oneName(text: string): readonly string[] {
  return text === '' ? NONE : Object.freeze([text]);
}

function readPath(claims: JsonObject, path: readonly string[], split: Split): readonly string[] {
  let value: unknown = claims;
  for (const name of path) {
    if (value === undefined || value === null) return NONE;
    if (!isJsonObject(value)) return unreadable(value);
    value = own(value, name);
  }
  return readList(value, split);
}

function readList(value: unknown, split: Split): readonly string[] {
  if (value === undefined || value === null) return NONE;
  if (typeof value === 'string') return split(value);
  return isListOfStrings(value) ? value : unreadable(value);
}

function callReader(reader: NamesReader, claims: JsonObject): readonly string[] {
  let result: unknown;
  try {
    result = reader(claims as Readonly<JsonObject> as Claims);
    if (isListOfStrings(result)) return Object.freeze([...result]);
    if (!isThenable(result)) return unreadableBecause(`the function returned ${kindOf(result)}`);
    Promise.resolve(result).catch(() => {});
  } catch {
    return unreadableBecause('the function threw an error');
  }
  return unreadableBecause('the function returned a promise');
}

function joined(lists: readonly (readonly string[])[]): readonly string[] {
  return lists.find(isUnreadable) ?? Object.freeze([...new Set(lists.flat())]);
}

function isListOfStrings(value: unknown): value is readonly string[] {
  if (!Array.isArray(value)) return false;
  // unlike `every`, a loop sees holes, and V8 inlines it for frozen lists
  for (const item of value as unknown[]) if (typeof item !== 'string') return false;
  return true;
}

function unreadable(value: unknown): readonly string[] {
  return unreadableBecause(kindOf(value));
}

/** Returns an empty list with a mark. Policies that require names refuse because it is empty. Their negations refuse because of the mark. */
function unreadableBecause(what: string): readonly string[] {
  return Object.freeze(Object.defineProperty([], UNREADABLE, { value: what }));
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return `an array that contains ${kindOf(value.find((item) => typeof item !== 'string'))}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
