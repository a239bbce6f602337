import { shownMember } from '@tokenward/core/adapter';
import { printable } from '@tokenward/core/store';
import { OWN_ESCAPE } from '../style.js';

/** Whatever a terminal could obey: control characters, and those that change the direction of text (Trojan Source). */
// eslint-disable-next-line no-control-regex -- these are what is looked for
const SPECIAL = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/g;

/**
 * Returns a text that a terminal only shows, apart from our own colours. File names, files of a project and answers of other programs may contain anything, and
 * a person decides by what is shown.
 */
export function harmless(text: string): string {
  return text
    .split(OWN_ESCAPE)
    .map((part) => part.replace(SPECIAL, escaped))
    .join('\u001B');
}

/** Returns a value as JSON of the same meaning, which is harmless on a terminal, too. */
export function harmlessJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(SPECIAL, escaped);
}

function escaped(character: string): string {
  return `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`;
}

/** Returns an address that somebody configured, as it was written, but without what may be a secret: a user name, a password, a query. */
export function shownAddress(text: string): string {
  return printable(text.replace(/^([a-z][a-z\d+.-]*:[\\/\s]+)?[^/?#]*@/i, '$1').replace(/[?#].*$/s, ''));
}

/** Returns an issuer that somebody configured. One that is not a URL is shown only if it consists of words, since it may be a secret in the wrong place. */
export function shownIssuer(text: string): string {
  return /^https?:\/\//i.test(text) ? shownAddress(text) : shownMember(text);
}
