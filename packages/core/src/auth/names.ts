import { isThenable } from '../lib/thenable.js';
import type { Claims } from './claims.js';
import { isJsonObject, own, type JsonObject } from '../lib/json.js';

/**
 * Reads scopes or roles from a token's claims. It must answer with a list of strings, at once, and look at nothing but the claims: what it answers
 * is kept with the token. Anything else (an exception, a promise, `undefined`) counts as "there, and unreadable": policies refuse.
 */
export type NamesReader = (claims: Claims) => readonly string[];

/** Where scopes or roles are: paths of names, of which all that are there count, or a function. */
export type NamesSource = readonly (readonly string[])[] | NamesReader;

export const NONE: readonly string[] = Object.freeze([]);
const UNREADABLE = Symbol.for('tokenward.unreadable');

/** Whether scopes or roles stand for some that can't be read, in whichever copy of this package they were looked at. */
export function isUnreadable(names: readonly string[]): boolean {
  return UNREADABLE in names;
}

/** Of unreadable scopes or roles: what is there instead of names, without its value. */
export function unreadableAs(names: readonly string[]): string {
  const what = (names as { [UNREADABLE]?: unknown })[UNREADABLE];
  return `unreadable: ${typeof what === 'string' ? what : 'something else than a list of names'}`;
}

/** The scopes of `scope` and `scp`: texts (RFC 6749 s3.3: names between blanks) or lists. */
export function readScopes(scope: unknown, scp: unknown): readonly string[] {
  const ofScope = readList(scope, splitScope);
  if (scp === undefined) return ofScope;
  return joined([ofScope, readList(scp, splitScope)]);
}

/** Scopes from where the options say. */
export function readScopesFrom(claims: JsonObject, source: NamesSource): readonly string[] {
  return readNames(claims, source, splitScope);
}

/** Roles from where the options say. A text is one role. */
export function readRolesFrom(claims: JsonObject, source: NamesSource): readonly string[] {
  return readNames(claims, source, oneName);
}

function readNames(claims: JsonObject, source: NamesSource, split: Split): readonly string[] {
  if (typeof source === 'function') return askReader(source, claims);
  if (source.length === 1) return readPath(claims, source[0]!, split);
  return joined(source.map((path) => readPath(claims, path, split)));
}

type Split = (text: string) => readonly string[];

function splitScope(text: string): readonly string[] {
  const names = text.split(' ');
  return Object.freeze(names.includes('') ? names.filter((name) => name !== '') : names);
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

function askReader(reader: NamesReader, claims: JsonObject): readonly string[] {
  let answer: unknown;
  try {
    answer = reader(claims as Readonly<JsonObject> as Claims);
    if (isListOfStrings(answer)) return Object.freeze([...answer]);
    if (!isThenable(answer)) return unreadableBy(`the function answered with ${kindOf(answer)}`);
    Promise.resolve(answer).catch(() => {});
  } catch {
    return unreadableBy('the function failed with an error of its own');
  }
  return unreadableBy('the function answered with a promise');
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
  return unreadableBy(kindOf(value));
}

/** None as far as names are demanded, but not absent either. */
function unreadableBy(what: string): readonly string[] {
  return Object.freeze(Object.defineProperty([], UNREADABLE, { value: what }));
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (Array.isArray(value)) return `an array that holds ${kindOf(value.find((item) => typeof item !== 'string'))}`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
