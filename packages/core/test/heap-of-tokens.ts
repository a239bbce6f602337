// A program of its own, for `node --expose-gc`: prints what verified tokens take in the heap, as one line of JSON.
//
//   node --expose-gc heap-of-tokens.ts <how many tokens> <characters of each> <shape of their claims> <maxEntries> <maxBytes> <how often to measure the heap>
import { createHmac, randomBytes } from 'node:crypto';
import { createResourceGuard } from '@tokenward/core';

export interface HeapFigures {
  readonly tokens: number;
  /** The most that the cache held at any time, as the guard's health says it. */
  readonly mostEntries: number;
  readonly mostEstimatedBytes: number;
  /** The most that the heap grew over what it was with an empty cache, garbage cleared away. */
  readonly mostHeapBytes: number;
  /** At the end. */
  readonly entries: number;
  readonly estimatedBytes: number;
  readonly heapBytes: number;
}

/** What verifies the first tokens is compiled after this many. */
const WARM = 1000;
const ISSUER = 'https://login.example.test';
const AUDIENCE = 'https://api.example.test';
const secret = randomBytes(32);
const header64 = segment({ alg: 'HS256', typ: 'at+jwt' });
const now = Math.floor(Date.now() / 1000);

/** What fills a token up to its length. */
const ODDITIES: Readonly<Record<string, (token: number, index: number) => unknown>> = {
  roles: (token, index) => `role-${token}-${index}`,
  short: (_token, index) => `r${index}`,
  wide: (token, index) => `\u6771${token}-${index}`,
  nested: (token, index) => ({ [`client-${index}`]: { roles: [`role-${token}`] } }),
  members: (token, index) => ({ [`k${token}-${index}`]: `v${index}` }),
  empty: () => ({}),
};

const [shape = 'roles'] = process.argv.splice(4, 1);
const [tokens = 1000, characters = 1000, maxEntries, maxBytes, looks = 10] = process.argv.slice(2).map(Number);
const guard = createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, sharedSecrets: secret, tokenCache: { maxEntries, maxBytes } });
process.stdout.write(`${JSON.stringify(measure())}\n`);

function measure(): HeapFigures {
  // compilers, and whatever else comes with the first tokens, are no part of an entry
  const warm = createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, sharedSecrets: secret, tokenCache: { maxEntries: 2 } });
  for (let number = 0; number < WARM; number++) present(issue(number), warm);
  const before = heapBytes();
  const most = { entries: 0, bytes: 0, heap: 0 };
  let heap = 0;
  for (let number = 1; number <= tokens; number++) {
    present(issue(number), guard);
    const { entries, bytes } = guard.health().tokenCache!;
    most.entries = Math.max(most.entries, entries);
    most.bytes = Math.max(most.bytes, bytes);
    if (number % Math.ceil(tokens / looks) !== 0 && number !== tokens) continue;
    heap = heapBytes() - before;
    most.heap = Math.max(most.heap, heap);
  }
  const { entries, bytes } = guard.health().tokenCache!;
  return { tokens, mostEntries: most.entries, mostEstimatedBytes: most.bytes, mostHeapBytes: most.heap, entries, estimatedBytes: bytes, heapBytes: heap };
}

function present(token: Buffer, to: typeof guard): void {
  // as an HTTP parser does it: one string for the whole field
  const decision = to.check({ method: 'GET', target: '/', headers: { authorization: token.toString('latin1') } });
  if (decision instanceof Promise || decision.outcome !== 'allow') throw new Error('a good token was refused');
}

/** The claims that an authorization server writes, and as many oddities as it takes for the wanted length. */
function issue(number: number): Buffer {
  const claims: Record<string, unknown> = {
    iss: ISSUER,
    sub: `user-${number}`,
    aud: AUDIENCE,
    iat: now,
    exp: now + 3600,
    jti: `jti-${number}`,
    client_id: 'web-shop',
    scope: 'orders:read orders:write',
  };
  let left = Math.floor(((characters - header64.length - 45) * 3) / 4) - JSON.stringify(claims).length - 25;
  const oddities: unknown[] = [];
  while (left > 40) {
    const oddity = ODDITIES[shape]!(number, oddities.length);
    oddities.push(oddity);
    left -= Buffer.byteLength(JSON.stringify(oddity)) + 1;
  }
  claims['roles'] = shape === 'members' ? Object.assign({}, ...oddities) : oddities;
  claims['sid'] = 'x'.repeat(Math.max(1, left));
  const signed = `${header64}.${segment(claims)}`;
  return Buffer.from(`Bearer ${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`, 'latin1');
}

function segment(content: object): string {
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

function heapBytes(): number {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}
