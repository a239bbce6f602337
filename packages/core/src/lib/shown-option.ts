import { withoutTokenSegments } from './token-shapes.js';
import { didYouMean } from './did-you-mean.js';

/** The form of an option's values: a number, a URL, a host name, another name, or one of several words. */
export type Wanted = 'number' | 'url' | 'host' | 'name' | readonly string[];

/**
 * Returns a value as a message may show it. The value is repeated only if it has the form that the option wants, since it may be a secret in the
 * wrong place. Otherwise only its type and length are shown.
 */
export function shown(value: unknown, wanted?: Wanted): string {
  if (typeof value === 'string') return looksLike(value, wanted) ? JSON.stringify(wanted === 'url' ? shownUrl(value) : value) : lengthOf(value);
  if (typeof value === 'number') return wanted === 'number' || Number.isNaN(value) ? String(value) : 'a number';
  if (typeof value === 'boolean' || value === null || value === undefined) return String(value);
  return Array.isArray(value) ? (value.length === 0 ? 'an empty list' : 'a list') : `a value of type ${typeof value}`;
}

function lengthOf(text: string): string {
  if (text === '') return '""';
  return text.length === 1 ? 'a string of 1 character' : `a string of ${text.length} characters`;
}

function looksLike(text: string, wanted: Wanted | undefined): boolean {
  if (wanted === undefined || !PRINTABLE.test(text)) return false;
  if (wanted === 'number') return QUANTITY.test(text);
  if (wanted === 'url') return isUrl(text);
  if (wanted === 'name') return shownMember(text) === text;
  return wanted === 'host' ? HOST.test(text) : wanted.includes(text) || didYouMean(text, wanted) !== '';
}

/** `60` or `15m`: right except that it is a string. */
const QUANTITY = /^-?\d{1,5}(?:\.\d{1,2})?[a-z]{0,2}$/;
const PRINTABLE = /^[!-~]{1,200}$/;
/** Labels of words and a few digits, as people name machines, possibly with a port or as a pattern. */
const HOST = /^(?:\*\.)?(?:[A-Za-z]{1,20}\d{0,3}|\d{1,3})(?:[.-](?:[A-Za-z]{1,20}\d{0,3}|\d{1,3}))*(?::\d{1,5})?$/;

function isUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || url?.protocol === 'http:';
}

/** Returns a URL without user name, password, query, fragment, and segments that may be tokens. */
function shownUrl(text: string): string {
  const address = text.replace(/^([a-z]+:[/\\]*).*@/i, '$1***@');
  const [path, rest] = address.split(/(?=[?#])/, 2) as [string, string?];
  return `${withoutTokenSegments(path)}${rest === undefined ? '' : `${rest.charAt(0)}...`}`;
}

/** Returns the name of an unknown option as a message may show it. It may be a secret too, so it is repeated only if it has the form of a name. */
export function shownName(name: string): string {
  return NAME.test(name) ? name : `(a name of ${name.length} characters)`;
}

const NAME = /^[A-Za-z_$-]{1,40}\d{0,2}$/;

/** Returns the name of a claim, a tenant or the like as a message may show it: words and a few digits, or a URL made of those. */
export function shownMember(name: string): string {
  return NAME.test(name) || (name.length <= 100 && WORDS.test(name)) ? name : shownName(name);
}

const WORDS = /^(?:https?:\/\/)?(?:[a-z]{1,24}\d{0,3}|\d{1,3})(?:[./:_-](?:[a-z]{1,24}\d{0,3}|\d{1,3}))*$/i;
