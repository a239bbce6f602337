// Prints as JSON what cached tokens of one length, or issuers with a number of keys, take. It is its own process, so that nothing else is in its memory.
import { randomBytes } from 'node:crypto';
import { createResourceGuard, type Jwks } from '@tokenward/core';
import { SignJWT } from 'jose';
import { accessTokenClaims, AUDIENCE } from '../claims.ts';
import type { MemoryRow } from '../memory.ts';

const ISSUER = 'https://login.example.com';
const [what, size, count] = process.argv.slice(2);
const measure = what === 'tokens' ? ofTokens : ofIssuers;
process.stdout.write(JSON.stringify(await measure(Number(size), Number(count))));

async function ofTokens(characters: number, tokens: number): Promise<MemoryRow> {
  const secret = randomBytes(32);
  const fields: Buffer[] = [];
  while (fields.length < tokens) fields.push(Buffer.from(`Bearer ${await tokenOf(characters, secret)}`, 'latin1'));
  // what the first tokens set up once does not belong to an entry
  const options = { issuer: ISSUER, audience: AUDIENCE, sharedSecrets: secret };
  admitAll(fields, createResourceGuard({ ...options, tokenCache: { maxEntries: 2 } }));
  const guard = createResourceGuard({ ...options, tokenCache: { maxEntries: tokens * 2, maxBytes: 1e12 } });
  const before = memory();
  admitAll(fields, guard);
  const after = memory();
  const { entries, bytes } = guard.health().tokenCache!;
  if (entries !== tokens) throw new Error(`${entries} of ${tokens} tokens are in the cache`);
  return { heapBytes: (after.heap - before.heap) / tokens, residentBytes: undefined, estimatedBytes: bytes / tokens };
}

function admitAll(fields: readonly Buffer[], guard: ReturnType<typeof createResourceGuard>): void {
  for (const field of fields) {
    const decision = guard.check({ method: 'GET', target: '/', headers: { authorization: field.toString('latin1') } });
    if (decision instanceof Promise || decision.outcome !== 'allow') throw new Error('a valid token was refused while measuring');
  }
}

async function tokenOf(characters: number, secret: Uint8Array): Promise<string> {
  const sign = (claims: Record<string, unknown>): Promise<string> => new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(secret);
  const claims = accessTokenClaims(ISSUER, characters < 700 ? { auth_time: undefined, sid: undefined, roles: undefined } : {});
  const missing = characters - (await sign(claims)).length;
  // an item has nine characters, twelve in base64url
  const groups = Array.from({ length: Math.max(0, Math.floor((missing - 14) / 12)) }, (_, index) => `team${100 + (index % 900)}-`.slice(0, 6));
  return sign(groups.length > 0 ? { ...claims, groups } : claims);
}

function ofIssuers(keys: number, issuers: number): MemoryRow {
  // each issuer has its own keys, as in production
  const sets = Array.from({ length: issuers }, () => keySet(keys));
  const before = memory();
  const guards = sets.map((jwks, index) => createResourceGuard({ issuer: `${ISSUER}/${index}`, audience: AUDIENCE, jwks }));
  const after = memory();
  if (!guards.every((guard) => guard.health().ready)) throw new Error('an issuer has no keys');
  return { heapBytes: (after.heap - before.heap) / issuers, residentBytes: (after.resident - before.resident) / issuers, estimatedBytes: undefined };
}

/** Makes RSA keys of 2048 bits. Nothing is signed with them, so any numbers will do. */
function keySet(keys: number): Jwks {
  function jwk(index: number): Jwks['keys'][number] {
    const modulus = randomBytes(256);
    modulus[0]! |= 0x80;
    modulus[255]! |= 1;
    return { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB', kid: `key-${index}-${randomBytes(6).toString('hex')}`, alg: 'RS256', use: 'sig' };
  }
  return { keys: Array.from({ length: keys }, (_, index) => jwk(index)) };
}

function memory(): { heap: number; resident: number } {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, resident: rss };
}
