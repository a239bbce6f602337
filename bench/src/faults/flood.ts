import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createResourceGuard, type Decision, type ResourceGuard } from '@tokenward/core';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { accessTokenClaims, AUDIENCE } from '../claims.ts';
import { quantile } from '../figures.ts';

export interface FloodPlan {
  /** Number of tokens that each name another unknown key. */
  readonly unknownKeys: number;
  /** Number of valid tokens. Each is sent once. */
  readonly goodTokens: number;
}

export interface FloodResult {
  readonly unknownKeys: number;
  readonly goodTokens: number;
  readonly before: Waits;
  readonly during: Waits;
  /** How often the guard fetched keys because of the flood. */
  readonly fetches: number;
  /** The refusals of the flood, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** The wall time from request to decision. */
export interface Waits {
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  /** Number of decisions that were promises. */
  readonly promised: number;
}

export async function measureFlood(plan: FloodPlan): Promise<FloodResult> {
  const issuer = await createTestIssuer({ audience: AUDIENCE });
  // every token must be new, also in the second pass
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: AUDIENCE, tokenCache: false });
  try {
    await guard.warm();
    const good: string[] = [];
    while (good.length < plan.goodTokens) good.push(await issuer.issueToken({ claims: accessTokenClaims(issuer.issuer) }));
    const forged = await forgedTokens(issuer, plan.unknownKeys);
    await waitsOf(good, guard, () => {});
    const before = await waitsOf(good, guard, () => {});

    const refused: Record<string, number> = {};
    const answers: Promise<void>[] = [];
    const share = Math.ceil(forged.length / good.length);
    const fetchesBefore = issuer.requests.jwks;
    const during = await waitsOf(good, guard, (turn) => {
      for (const token of forged.slice(turn * share, (turn + 1) * share)) answers.push(tally(check(guard, token), refused));
    });
    await Promise.all(answers);
    return { ...plan, before, during, fetches: issuer.requests.jwks - fetchesBefore, refused };
  } finally {
    await guard.close();
    await issuer.close();
  }
}

/** Makes tokens with the claims and the signature of a valid one, each with another `kid`. */
async function forgedTokens(issuer: TestIssuer, count: number): Promise<string[]> {
  const [, payload, signature] = (await issuer.issueToken()).split('.');
  const header = (): string => Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'at+jwt', kid: randomUUID() })).toString('base64url');
  return Array.from({ length: count }, () => [header(), payload, signature].join('.'));
}

/** Checks one valid token per turn of the event loop, after `others` ran in that turn. */
async function waitsOf(tokens: readonly string[], guard: ResourceGuard, others: (turn: number) => void): Promise<Waits> {
  const microseconds: number[] = [];
  let promised = 0;
  for (const [turn, token] of tokens.entries()) {
    others(turn);
    const start = performance.now();
    const answer = check(guard, token);
    if (answer instanceof Promise) promised++;
    const { outcome } = answer instanceof Promise ? await answer : answer;
    microseconds.push((performance.now() - start) * 1000);
    if (outcome !== 'allow') throw new Error('a valid token was refused while measuring');
    await nextTurn();
  }
  microseconds.sort((a, b) => a - b);
  return { p50Microseconds: quantile(microseconds, 0.5), p99Microseconds: quantile(microseconds, 0.99), promised };
}

function check(guard: ResourceGuard, token: string): Decision | Promise<Decision> {
  return guard.check({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } });
}

async function tally(answer: Decision | Promise<Decision>, into: Record<string, number>): Promise<void> {
  const decision = await answer;
  const reason = decision.outcome === 'deny' ? decision.reason : 'admitted';
  into[reason] = (into[reason] ?? 0) + 1;
}
