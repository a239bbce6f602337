import { readFile } from 'node:fs/promises';
import { createHash, timingSafeEqual } from 'node:crypto';
import { didYouMean } from '@tokenward/core/adapter';
import { CannotRunError } from '../errors.js';

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
 */
export async function readUsers(path: string, shownPath: string): Promise<readonly LocalUser[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new CannotRunError(`cannot read the users from ${shownPath} (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`);
  }
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

type Check = (value: unknown) => string | undefined;

const text: Check = (value) => (typeof value === 'string' && /^[^\p{Cc}]{1,255}$/u.test(value) ? undefined : 'must be a text of 1 to 255 characters');
const names: Check = (value) =>
  Array.isArray(value) && value.length <= 1000 && value.every((name) => text(name) === undefined) ? undefined : 'must be a list of texts';
const scopes: Check = (value) =>
  names(value) ?? ((value as string[]).every((name) => SCOPE.test(name)) ? undefined : 'must be a list of scopes, without white space, quotes or backslashes');
/** RFC 6749 s3.3. */
export const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/;
const claims: Check = (value) => {
  if (!isObject(value)) return 'must be an object';
  const taken = Object.keys(value).find((name) => RESERVED_CLAIMS.has(name));
  return taken === undefined ? undefined : `cannot contain ${taken}, which the issuer sets`;
};

/** Claims that the issuer itself sets, or that have an option of their own. */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'scope', 'roles', '__proto__']);

const MEMBERS: Readonly<Record<keyof LocalUser, Check>> = { subject: text, name: text, email: text, roles: names, scopes, claims, password: text };

function userOf(value: unknown, place: string): LocalUser {
  if (!isObject(value)) throw new CannotRunError(`${place} must be an object with a subject`);
  for (const [name, member] of Object.entries(value)) {
    if (!Object.hasOwn(MEMBERS, name)) {
      const known = Object.keys(MEMBERS);
      throw new CannotRunError(`${place} has an unknown member${didYouMean(name, known) || `. Known members: ${known.join(', ')}`}`);
    }
    const problem = MEMBERS[name as keyof LocalUser](member);
    if (problem !== undefined) throw new CannotRunError(`${place}.${name} ${problem}`);
  }
  if (value['subject'] === undefined) throw new CannotRunError(`${place}.subject is missing: it is the sub of the user's tokens`);
  const user = value as Partial<LocalUser> & { readonly subject: string };
  return { ...user, name: user.name ?? user.subject, roles: user.roles ?? [], claims: user.claims ?? {} };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
