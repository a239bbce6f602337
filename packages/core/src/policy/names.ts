import { misuse } from '../lib/configuration-error.js';
import { shown, shownMember } from '../lib/shown-option.js';

export { SCOPE_TOKEN } from '../auth/names.js';
/** Printable characters, with spaces only between them. */
export const ROLE_NAME = /^[^\s\p{C}]+(?: +[^\s\p{C}]+)*$/u;
export const CLAIM_NAME = /^[^\p{C}]+$/u;

/**
 * Returns the names that a policy is created with, without duplicates.
 *
 * @throws ConfigurationError if there is none, or if a token cannot contain one of them
 */
export function checkedNames(constructorName: string, values: readonly string[], allowed: RegExp): readonly string[] {
  if (values.length === 0) throw misuse(`${constructorName}()`, 'needs at least one name: without any, it would admit everybody');
  for (const value of values) {
    if (typeof value !== 'string' || !allowed.test(value)) throw notAName(constructorName, value);
  }
  return Object.freeze([...new Set(values)]);
}

function notAName(constructorName: string, value: unknown): Error {
  if (typeof value !== 'string') {
    const list = Array.isArray(value) ? `; pass several names as several arguments: ${constructorName}('a', 'b')` : '';
    return misuse(`${constructorName}(${typeof value})`, `is not a name that a token can contain${list}`);
  }
  const words = value.split(/\s/).filter((word) => word !== '');
  const isShowable = words.length > 0 && words.length < 10 && words.every((word) => shownMember(word) === word);
  const several = isShowable && /^\S+( \S+)+$/.test(value) ? `; pass several names as several arguments: ${callText(constructorName, words)}` : '';
  return misuse(`${constructorName}(${isShowable ? JSON.stringify(value) : shown(value)})`, `is not a name that a token can contain${several}`);
}

/** Returns a call with its arguments: `scope("a", "b")`. */
export function callText(name: string, values: readonly string[]): string {
  return `${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`;
}

/** Returns whether one of the token's names may be a list in one string (`user,suspended`) that contains a name for which `isMeant` returns true. */
export function mayContain(tokenNames: readonly string[], isMeant: (name: string) => boolean): boolean {
  return tokenNames.some((one) => !isMeant(one) && one.split(LIST_SEPARATORS).some(isMeant));
}

const LIST_SEPARATORS = /[\s,;|]+/;
