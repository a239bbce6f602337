import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { PEOPLE } from '../cast.ts';

const salt = randomBytes(16);
const passwordHashes = new Map<string, Buffer>(PEOPLE.map(({ username, password }) => [username, hash(password)]));

/** Returns the account's id, or undefined if the user name or the password is wrong. The caller cannot tell which. */
export function authenticate(username: string, password: string): string | undefined {
  const stored = passwordHashes.get(username);
  // always hashed, so that the time does not reveal which accounts exist
  const given = hash(password);
  return stored && timingSafeEqual(given, stored) ? username : undefined;
}

/** Returns the roles of an account. An unknown one has none. */
export function rolesOf(id: string): readonly string[] {
  return PEOPLE.find(({ username }) => username === id)?.roles ?? [];
}

export function accountExists(id: string): boolean {
  return passwordHashes.has(id);
}

function hash(password: string): Buffer {
  return scryptSync(password, salt, 32);
}
