import { rawClaims, type Auth } from '../auth/auth.js';
import type { JsonSize } from '../lib/json.js';

/** One byte for the token's own text, and 1.5 for its claims: they have 3/4 of its length, and take two bytes a character if one is not Latin-1. */
const BYTES_PER_CHARACTER = 2.5;
/** The Auth and its cache entry, with a place in a Map. */
const BYTES_PER_TOKEN = 564;
const BYTES_PER_OBJECT = 64;
/** The name, and a part of the object's hidden class. Both belong to one token if no other has such a claim. */
const BYTES_PER_MEMBER = 100;
const BYTES_PER_ITEM = 8;
/** In addition to the text or the digits themselves. */
const BYTES_PER_VALUE = 24;

/**
 * Returns a high estimate of the memory that a verified token takes, in bytes. The length alone says little: a thousand empty objects are a short text. test/heap.test.ts compares the estimate with the heap.
 *
 * @param size the size of the token's own claims, if it is known already
 */
export function weightOf(token: string, auth: Auth, size?: JsonSize): number {
  const claims = rawClaims(auth);
  const claimsBytes = size ? weightOfSize(size) : weightOfValue(claims);
  // the output of a schema is assumed to be as large as the claims
  const all = auth.claims === claims ? claimsBytes : claimsBytes * 2;
  return BYTES_PER_TOKEN + token.length * BYTES_PER_CHARACTER + auth.scopes.length * (BYTES_PER_ITEM + BYTES_PER_VALUE) + all;
}

function weightOfSize({ objects, members, items }: JsonSize): number {
  // every object but the outermost one is the value of a member or an item
  const values = members + items - (objects - 1);
  return objects * BYTES_PER_OBJECT + members * BYTES_PER_MEMBER + items * BYTES_PER_ITEM + values * BYTES_PER_VALUE;
}

function weightOfValue(value: unknown): number {
  if (typeof value !== 'object' || value === null) return BYTES_PER_VALUE;
  let bytes = BYTES_PER_OBJECT;
  if (Array.isArray(value)) for (const item of value as unknown[]) bytes += BYTES_PER_ITEM + weightOfValue(item);
  else for (const member of Object.values(value)) bytes += BYTES_PER_MEMBER + weightOfValue(member);
  return bytes;
}
