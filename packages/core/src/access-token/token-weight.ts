import { rawClaims, type Auth } from '../auth/auth.js';

/** The text of the token's header field, and of its claims, in which a character takes two bytes where one of them is not Latin. */
const BYTES_PER_CHARACTER = 2.5;
/** The Auth, what stands beside it, and a place in a Map. */
const BYTES_PER_TOKEN = 564;
const BYTES_PER_OBJECT = 64;
/** A name, and a share of an object's shape: both are its own where no other token has such a claim. */
const BYTES_PER_MEMBER = 100;
const BYTES_PER_ITEM = 8;
/** Beside its text, or its digits. */
const BYTES_PER_VALUE = 24;

/**
 * An estimate of the memory that a verified token takes, and not a low one: its length alone does not tell, since a thousand empty objects are a
 * short text. test/heap.test.ts holds it against the heap.
 */
export function weightOf(token: string, auth: Auth): number {
  const claims = rawClaims(auth);
  const ofClaims = weightOfValue(claims);
  // what a schema made of the claims is taken to be as large as they are
  const all = auth.claims === claims ? ofClaims : ofClaims * 2;
  return BYTES_PER_TOKEN + token.length * BYTES_PER_CHARACTER + auth.scopes.length * (BYTES_PER_ITEM + BYTES_PER_VALUE) + all;
}

function weightOfValue(value: unknown): number {
  if (typeof value !== 'object' || value === null) return BYTES_PER_VALUE;
  let bytes = BYTES_PER_OBJECT;
  if (Array.isArray(value)) for (const item of value as unknown[]) bytes += BYTES_PER_ITEM + weightOfValue(item);
  else for (const member of Object.values(value)) bytes += BYTES_PER_MEMBER + weightOfValue(member);
  return bytes;
}
