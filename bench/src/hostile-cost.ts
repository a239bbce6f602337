import { createResourceGuard, type Decision, type Reason } from '@tokenward/core';
import { createTestIssuer, hostileTokens } from '@tokenward/testing';
import { accessTokenClaims, AUDIENCE } from './claims.ts';
import { spreadOf } from './figures.ts';
import { createMeter } from './meter.ts';

export interface HostileCostPlan {
  readonly rounds: number;
  /** How often each token is checked in each round. */
  readonly sliceSize: number;
}

/** What one kind of refusal costs: CPU time of its cheapest and its most expensive row. */
export interface HostileCost {
  readonly reason: Reason;
  readonly rows: number;
  readonly leastMicroseconds: number;
  readonly medianMicroseconds: number;
  readonly mostMicroseconds: number;
  /** The most expensive row. */
  readonly rule: number;
  readonly name: string;
  readonly tokenBytes: number;
}

export interface HostileCostResult {
  /** A new valid token with RS256: nearly all of it is one signature check. */
  readonly goodMicroseconds: number;
  readonly costs: readonly HostileCost[];
}

/** Measures the CPU time of `guard.check` for each token that no guard may accept, and for a valid one. */
export async function measureHostileCost(plan: HostileCostPlan): Promise<HostileCostResult> {
  const issuer = await createTestIssuer({ audience: AUDIENCE });
  try {
    const rows = await hostileTokens(issuer);
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: AUDIENCE, tokenCache: false });
    await guard.warm();
    const good = await issuer.issueToken({ claims: accessTokenClaims(issuer.issuer) });

    async function microsecondsOf(token: string, expected: 'allow' | Reason): Promise<number> {
      const field = Buffer.from(`Bearer ${token}`, 'latin1');
      const slices: number[] = [];
      for (let round = -2; round < plan.rounds; round++) {
        const requests = Array.from({ length: plan.sliceSize }, () => ({ method: 'GET', target: '/', headers: { authorization: field.toString('latin1') } }));
        const meter = createMeter();
        meter.start();
        for (const request of requests) {
          const answer = guard.check(request);
          const reason = reasonOf(answer instanceof Promise ? await answer : answer);
          if (reason !== expected) throw new Error(`a token got "${reason}" where "${expected}" was expected`);
        }
        meter.stop();
        if (round >= 0) slices.push(meter.per(plan.sliceSize).cpuMicroseconds);
      }
      return spreadOf(slices).median;
    }

    const measured: (HostileCost & { microseconds: number })[] = [];
    for (const { rule, name, token, reason } of rows) {
      const microseconds = await microsecondsOf(token, reason);
      const cost = { reason, rows: 1, leastMicroseconds: microseconds, medianMicroseconds: microseconds, mostMicroseconds: microseconds };
      measured.push({ ...cost, microseconds, rule, name, tokenBytes: token.length });
    }
    // last, when everything is compiled
    return { goodMicroseconds: await microsecondsOf(good, 'allow'), costs: byReason(measured) };
  } finally {
    await issuer.close();
  }
}

function reasonOf(decision: Decision): 'allow' | Reason {
  return decision.outcome === 'allow' ? 'allow' : decision.reason;
}

function byReason(measured: readonly (HostileCost & { microseconds: number })[]): HostileCost[] {
  return Object.values(Object.groupBy(measured, ({ reason }) => reason))
    .map((rows) => {
      const sorted = [...rows].sort((a, b) => b.microseconds - a.microseconds);
      const { reason, rule, name, tokenBytes, microseconds } = sorted[0]!;
      const medianMicroseconds = spreadOf(sorted.map((row) => row.microseconds)).median;
      return {
        reason,
        rows: rows.length,
        leastMicroseconds: sorted.at(-1)!.microseconds,
        medianMicroseconds,
        mostMicroseconds: microseconds,
        rule,
        name,
        tokenBytes,
      };
    })
    .sort((a, b) => b.mostMicroseconds - a.mostMicroseconds);
}
