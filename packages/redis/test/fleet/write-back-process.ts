// A process for write-back.ts: a store that is asked all the time.
import type { RedisRevocations, RedisRevocationsOptions } from '@tokenward/redis';

/** What the process has observed since its store was warm. */
export interface Watched {
  readonly isCurrent: boolean;
  /** For how long it answered 503 in total. */
  readonly refusedMs: number;
  /** When it last became able to answer, in milliseconds of the wall clock. */
  readonly currentAt: number;
  /** How often it answered without knowing a revocation. */
  readonly missed: number;
}

const ASKED_EVERY_MS = 2;
const [url, build] = process.argv.slice(2) as [string, string];
const { redisRevocations } = (await import(build)) as { redisRevocations(options: RedisRevocationsOptions): RedisRevocations };
const store = redisRevocations({ url, timeoutSeconds: 10 });
await store.warm();

let refusedSince: number | undefined;
let refusedMs = 0;
let currentAt = wallMs();
let missed = 0;
const token = { tokenId: undefined, subject: undefined, clientId: undefined, issuer: 'https://login.example.com', issuedAt: 0 };
const sessionId = '0b0c94a1-7d0f-4e6b-9d6c-000000000017';

setInterval(() => {
  const isCurrent = store.isCurrent();
  if (isCurrent && !store.find({ ...token, sessionId }, Date.now() / 1000)) missed++;
  if (isCurrent === (refusedSince === undefined)) return;
  const now = wallMs();
  if (isCurrent) {
    refusedMs += now - refusedSince!;
    refusedSince = undefined;
    currentAt = now;
  } else refusedSince = now;
}, ASKED_EVERY_MS);

process.on('message', () => process.send!({ isCurrent: refusedSince === undefined, refusedMs, currentAt, missed } satisfies Watched));
process.send!('warm');

function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
