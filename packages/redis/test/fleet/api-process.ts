// One process of a fleet, with a guard and a store. Its parent asks it questions over IPC.
import { createHash } from 'node:crypto';
import { createResourceGuard, type ResourceGuard } from '@tokenward/core';
import type { RevocationRecord } from '@tokenward/core/store';
import { redisRevocations, type RedisRevocations } from '@tokenward/redis';

/** The questions of the parent, and their answers. */
export interface Questions {
  /** Opens the store and the guard. With `waits`, waits for the full read and answers how long it took. */
  open(options: { readonly url: string; readonly issuer: string; readonly audience: string; readonly waits: boolean }): { readonly msToWarm: number };
  /** Revokes sessions, by equal records in every process. Answers how many could not be sent in time. */
  revoke(names: Names): { readonly at: number; readonly unsent: number };
  /** Answers when this process learned of a session's revocation, in milliseconds of the wall clock. */
  seen(name: string): number | Promise<number>;
  state(names: readonly Names[]): State;
  /** Answers the guard's status for each token. */
  check(tokens: readonly string[]): readonly number[];
  /** Checks these tokens again and again, until `stopWatching`. */
  watch(tokens: readonly string[]): null;
  /** Answers how often the guard gave each status. */
  stopWatching(): Readonly<Record<string, number>>;
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
  /** A digest of the revocations that are found for the names. */
  readonly digest: string;
  readonly lastError: string | undefined;
}

let store: RedisRevocations;
let guard: ResourceGuard;
let watching: NodeJS.Timeout | undefined;
let statuses: Record<string, number> = {};

const answers: { readonly [Q in keyof Questions]: (...args: Parameters<Questions[Q]>) => ReturnType<Questions[Q]> | Promise<ReturnType<Questions[Q]>> } = {
  async open({ url, issuer, audience, waits }) {
    const startedAt = performance.now();
    store = redisRevocations({ url, timeoutSeconds: 2, maxMirrorAgeSeconds: 4 });
    guard = createResourceGuard({ issuer, audience, revocations: { store } });
    if (waits) await warmPatiently();
    return { msToWarm: performance.now() - startedAt };
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
  watch(tokens) {
    statuses = {};
    watching = setInterval(() => {
      for (const token of tokens) void statusOf(token).then((status) => (statuses[status] = (statuses[status] ?? 0) + 1));
    }, 5);
    return null;
  },
  stopWatching() {
    clearInterval(watching);
    return statuses;
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

/** On a busy machine the full read takes longer than `warm()` waits. */
async function warmPatiently(): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await store.warm();
    } catch (error) {
      if (attempt === 10) throw error;
    }
  }
}

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
