import { createHash, timingSafeEqual } from 'node:crypto';
import { CannotRunError } from '../errors.js';
import { isObject } from '../lib/is-object.js';
import { readSmallFile } from '../lib/small-file.js';
import { claims, memberProblem, names, scopes, text, type Check } from './members.js';

/** Somebody who can log in. */
export interface LocalUser {
  /** `sub` of the tokens. */
  readonly subject: string;
  readonly name: string;
  readonly email?: string;
  /** The claim `roles`. */
  readonly roles: readonly string[];
  /** The scopes that the user may grant. undefined: all that a client requests. */
  readonly scopes?: readonly string[];
  /** More claims of the user's access tokens and ID tokens. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** undefined: a click on the login page is enough. */
  readonly password?: string;
}

export const DEFAULT_USERS: readonly LocalUser[] = [
  { subject: 'ada', name: 'Ada Lovelace', email: 'ada@example.com', roles: ['admin'], claims: {} },
  { subject: 'grace', name: 'Grace Hopper', email: 'grace@example.com', roles: ['editor'], claims: {} },
  { subject: 'linus', name: 'Linus Pauling', email: 'linus@example.com', roles: [], claims: {} },
];

const MAX_USERS = 200;

/**
 * Reads the users from a JSON file.
 *
 * @throws CannotRunError that says where the file is wrong
 * @throws UsageError if it is larger than 1 MiB
 */
export function readUsers(path: string, shownPath: string): readonly LocalUser[] {
  const text = readSmallFile(path, '--users');
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw new CannotRunError(`${shownPath} is not JSON. Write { "users": [{ "subject": "ada", "roles": ["admin"] }] }`);
  }
  return usersOf(content, shownPath);
}

function usersOf(content: unknown, path: string): readonly LocalUser[] {
  const list = isObject(content) ? content['users'] : undefined;
  if (!Array.isArray(list) || list.length === 0 || list.length > MAX_USERS) {
    throw new CannotRunError(`${path}: users must be a list of 1 to ${MAX_USERS} users. Write { "users": [{ "subject": "ada", "roles": ["admin"] }] }`);
  }
  const users = list.map((user: unknown, at) => userOf(user, `${path}: users[${at}]`));
  const twice = users.find(({ subject }, at) => users.findIndex((other) => other.subject === subject) !== at);
  if (twice) throw new CannotRunError(`${path}: the subject ${JSON.stringify(twice.subject)} is duplicated`);
  return users;
}

const MEMBERS: Readonly<Record<keyof LocalUser, Check>> = { subject: text, name: text, email: text, roles: names, scopes, claims, password: text };

function userOf(value: unknown, place: string): LocalUser {
  if (!isObject(value)) throw new CannotRunError(`${place} must be an object with a subject`);
  const found = memberProblem(value, MEMBERS);
  if (found) throw new CannotRunError(`${place}${found.member === undefined ? '' : `.${found.member}`} ${found.problem}`);
  if (value['subject'] === undefined) throw new CannotRunError(`${place}.subject is missing: it is the sub of the user's tokens`);
  const user = value as Partial<LocalUser> & { readonly subject: string };
  return { ...user, name: user.name ?? user.subject, roles: user.roles ?? [], claims: user.claims ?? {} };
}

/** Whether a user may log in with what was typed as the password. */
export function isAllowedIn({ password }: LocalUser, typed: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return password === undefined || timingSafeEqual(digest(password), digest(typed));
}

/** Returns the claims of a user's access tokens besides the registered ones. */
export function claimsOfUser({ roles, claims }: LocalUser): Record<string, unknown> {
  return { ...claims, ...(roles.length > 0 && { roles }) };
}
