import { createTestIssuer } from '@tokenward/testing';
import { AUDIENCE } from './claims.ts';
import type { Random } from './random.ts';
import { measureCalls, type CallsPlan, type CallsResult } from './session/calls.ts';
import { measureRefreshes, type RefreshesPlan, type RefreshesResult } from './session/refreshes.ts';
import { measureSizes, type SizesResult } from './session/sizes.ts';

export interface SessionPlan {
  readonly calls: CallsPlan;
  readonly refreshes: RefreshesPlan;
}

export interface SessionResult {
  readonly calls: CallsResult;
  readonly sizes: SizesResult;
  /** undefined without redis-server. */
  readonly refreshes: readonly RefreshesResult[] | undefined;
}

/** Measures browser sessions: what a call costs that a cookie authenticates, how large cookies are, and how many refreshes a fleet makes. */
export async function measureSession(plan: SessionPlan, random: Random): Promise<SessionResult> {
  const issuer = await createTestIssuer({ audience: AUDIENCE });
  try {
    const refreshes = await measureRefreshes(plan.refreshes, issuer);
    return { calls: await measureCalls(plan.calls, issuer, random), sizes: await measureSizes(issuer), refreshes };
  } finally {
    await issuer.close();
  }
}
