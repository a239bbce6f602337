// A program of its own: one process of a fleet, with a guard and a store. Its parent asks it over IPC, one question at a time.
import { createHash } from 'node:crypto';
import { createResourceGuard, type ResourceGuard } from '@tokenward/core';
import type { RevocationRecord } from '@tokenward/core/store';
import { redisRevocations, type RedisRevocations } from '@tokenward/redis';

/** What may be asked, and what is answered. */
export interface Questions {
  /** Answers at once; `msToWarm` how long a full read took, where it is waited for. */
  open(options: { readonly url: string; readonly issuer: string; readonly audience: string; readonly waits: boolean }): { readonly msToWarm: number };
  /** Revokes sessions, the whole record being the same in every process. Answers how many of them could not be sent in time. */
  revoke(names: Names): { readonly at: number; readonly unsent: number };
  /** When this process came to know of a session's revocation, by the wall clock, in milliseconds. */
  seen(name: string): number | Promise<number>;
  state(names: readonly Names[]): State;
  /** What the guard says to each token: a status. */
  check(tokens: readonly string[]): readonly number[];
  /** Asks the guard about these again and again, until it is asked for what it has said. */
  patrol(tokens: readonly string[]): null;
  patrolled(): Readonly<Record<string, number>>;
}

/** `prefix-0` and so on. */
export interface Names {
  readonly prefix: string;
  readonly count: number;
  readonly issuer: string;
  readonly now: number;
}

export interface State {
  readonly isCurrent: boolean;
  readonly entries: number;
  /** Of all that is found for the names. */
  readonly digest: string;
  readonly lastError: string | undefined;
}

let store: RedisRevocations;
let guard: ResourceGuard;
let patrol: NodeJS.Timeout | undefined;
let said: Record<string, number> = {};

const answers: { readonly [Q in keyof Questions]: (...args: Parameters<Questions[Q]>) => ReturnType<Questions[Q]> | Promise<ReturnType<Questions[Q]>> } = {
  async open({ url, issuer, audience, waits }) {
    const began = performance.now();
    store = redisRevocations({ url, timeoutSeconds: 1, maxMirrorAgeSeconds: 2 });
    guard = createResourceGuard({ issuer, audience, revocations: { store } });
    // a machine that is busy takes longer than a second or two
    if (waits) await store.warm().catch(() => store.warm());
    return { msToWarm: performance.now() - began };
  },
  async revoke(names) {
    const at = wallMs();
    const settled = await Promise.allSettled(recordsOf(names).map((record) => store.add(record)));
    return { at, unsent: settled.filter(({ status }) => status === 'rejected').length };
  },
  seen(name) {
    const token = { issuer: name.split('|')[0]!, tokenId: undefined, sessionId: name.split('|')[1]!, subject: undefined, clientId: undefined, issuedAt: 0 };
    const isSeen = (): boolean => store.find(token, Date.now() / 1000) !== undefined;
    if (isSeen()) return wallMs();
    return new Promise<number>((resolve) => {
      const end = store.onAdded(() => {
        if (!isSeen()) return;
        end();
        resolve(wallMs());
      });
    });
  },
  state(all) {
    const hash = createHash('sha256');
    for (const names of all) {
      for (const { issuer, value } of recordsOf(names)) {
        const found = store.find({ issuer, tokenId: undefined, sessionId: value, subject: undefined, clientId: undefined, issuedAt: 0 }, Date.now() / 1000);
        hash.update(`${value} ${JSON.stringify(found)}\n`);
      }
    }
    const { entries, lastError } = store.health();
    return { isCurrent: store.isCurrent(), entries, digest: hash.digest('hex'), lastError };
  },
  async check(tokens) {
    const decisions = await Promise.all(tokens.map(statusOf));
    return decisions;
  },
  patrol(tokens) {
    said = {};
    patrol = setInterval(() => {
      for (const token of tokens) void statusOf(token).then((status) => (said[status] = (said[status] ?? 0) + 1));
    }, 5);
    return null;
  },
  patrolled() {
    clearInterval(patrol);
    return said;
  },
};

process.on('message', ({ id, question, args }: { id: number; question: keyof Questions; args: never[] }) => {
  const answer = answers[question] as (...args: never[]) => unknown;
  Promise.resolve()
    .then(() => answer(...args))
    .then(
      (answer) => process.send!({ id, answer }),
      (error: unknown) => process.send!({ id, error: String(error) }),
    );
});

async function statusOf(token: string): Promise<number> {
  const decision = await guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
  return decision.outcome === 'allow' ? 200 : decision.status;
}

function recordsOf({ prefix, count, issuer, now }: Names): RevocationRecord[] {
  return Array.from({ length: count }, (_value, at) => ({
    kind: 'session' as const,
    issuer,
    value: `${prefix}-${at}`,
    issuedUntil: now,
    until: now + 86_400,
    isFinal: false,
    reason: 'logout' as const,
  }));
}

function wallMs(): number {
  return performance.timeOrigin + performance.now();
}
