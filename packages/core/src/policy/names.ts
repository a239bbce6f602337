import { misuse } from '../lib/configuration-error.js';
import { shown, shownMember } from '../lib/shown-option.js';

/** scope-token: RFC 6749 s3.3 */
export const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;
/** Printable, with blanks only inside. */
export const ROLE_NAME = /^[^\s\p{C}]+(?: +[^\s\p{C}]+)*$/u;
export const CLAIM_NAME = /^[^\p{C}]+$/u;

/**
 * Returns the names that a policy is made of, each once.
 *
 * @throws ConfigurationError where there is none, or one that no token can hold
 */
export function checkedNames(of: string, values: readonly string[], allowed: RegExp): readonly string[] {
  if (values.length === 0) throw misuse(`${of}()`, 'needs at least one name: a policy made of nothing would admit everybody');
  for (const value of values) {
    if (typeof value !== 'string' || !allowed.test(value)) throw notAName(of, value);
  }
  return Object.freeze([...new Set(values)]);
}

function notAName(of: string, value: unknown): Error {
  const words = typeof value === 'string' ? value.split(/\s/).filter((word) => word !== '') : [];
  const isShowable = words.length > 0 && words.length < 10 && words.every((word) => shownMember(word) === word);
  const given = typeof value !== 'string' ? typeof value : isShowable ? JSON.stringify(value) : shown(value);
  const several = isShowable && /^\S+( \S+)+$/.test(value as string) ? `; several are several arguments: ${callText(of, words)}` : '';
  const list = Array.isArray(value) ? `; several are several arguments: ${of}('a', 'b')` : '';
  return misuse(`${of}(${given})`, `is not a name that a token can hold${several}${list}`);
}

/** Returns a call with its arguments: `scope("a", "b")`. */
export function callText(name: string, values: readonly string[]): string {
  return `${name}(${values.map((value) => JSON.stringify(value)).join(', ')})`;
}

/** Whether one held name may be a list in one text (`user,suspended`) that holds one of these names. */
export function mayContain(held: readonly string[], names: readonly string[]): boolean {
  return held.some((one) => !names.includes(one) && one.split(LIST_SEPARATORS).some((part) => names.includes(part)));
}

const LIST_SEPARATORS = /[\s,;|]+/;
