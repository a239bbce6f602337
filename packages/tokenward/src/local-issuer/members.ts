import { didYouMean } from '@tokenward/core/adapter';
import { isObject } from '../lib/is-object.js';

/** Returns what is wrong with a value, in words that follow its name; undefined if nothing is. */
export type Check = (value: unknown) => string | undefined;

export const text: Check = (value) => (typeof value === 'string' && /^[^\p{Cc}]{1,255}$/u.test(value) ? undefined : 'must be a text of 1 to 255 characters');
export const string: Check = (value) => (typeof value === 'string' ? undefined : 'must be a text');
export const object: Check = (value) => (isObject(value) ? undefined : 'must be an object');
export const names: Check = (value) =>
  Array.isArray(value) && value.length <= 1000 && value.every((name) => text(name) === undefined) ? undefined : 'must be a list of texts';
export const scopes: Check = (value) =>
  names(value) ??
  ((value as string[]).every((name) => SCOPE.test(name)) ? undefined : 'must be a list of scopes: printable ASCII without white space, quotes or backslashes');
/** RFC 6749 s3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/;
export const claims: Check = (value) => {
  if (!isObject(value)) return object(value);
  const taken = Object.keys(value).find((name) => RESERVED_CLAIMS.has(name));
  return taken === undefined ? undefined : `cannot contain ${taken}, which the issuer sets`;
};

/** Claims that the issuer itself sets, or that have an option of their own. */
const RESERVED_CLAIMS: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'scope', 'roles', '__proto__']);

/** Checks each member of an object from outside. A member that the table does not have is a mistake. */
export function memberProblem(value: object, members: Readonly<Record<string, Check>>): { readonly member?: string; readonly problem: string } | undefined {
  const known = Object.keys(members);
  for (const [member, content] of Object.entries(value)) {
    if (!Object.hasOwn(members, member)) return { problem: `has an unknown member${didYouMean(member, known) || `. Known members: ${known.join(', ')}`}` };
    const problem = members[member]!(content);
    if (problem !== undefined) return { member, problem };
  }
  return undefined;
}
