import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto';
import { ALICE } from '../cast.ts';

const salt = randomBytes(16);
const passwordHashes = new Map<string, Buffer>([[ALICE.username, hash(ALICE.password)]]);

/** @returns the account's id, or undefined when there is no such account or the password is another: nobody is told which */
export function authenticate(username: string, password: string): string | undefined {
  const stored = passwordHashes.get(username);
  // hashed in any case, so that the time taken does not tell which accounts exist
  const given = hash(password);
  return stored && timingSafeEqual(given, stored) ? username : undefined;
}

export function accountExists(id: string): boolean {
  return passwordHashes.has(id);
}

function hash(password: string): Buffer {
  return scryptSync(password, salt, 32);
}
