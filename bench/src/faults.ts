import { measureEventLoop, type EventLoopPlan, type EventLoopResult } from './faults/event-loop.ts';
import { measureFlood, type FloodPlan, type FloodResult } from './faults/flood.ts';
import type { Random } from './random.ts';

export interface FaultsPlan {
  readonly flood: FloodPlan;
  readonly eventLoop: EventLoopPlan;
}

export interface FaultsResult {
  readonly flood: FloodResult;
  readonly eventLoop: readonly EventLoopResult[];
}

/** Measures what faults cost everybody else: valid tokens among a flood of invalid ones, and other work in a process with slow keys. */
export async function measureFaults(plan: FaultsPlan, random: Random): Promise<FaultsResult> {
  return { flood: await measureFlood(plan.flood), eventLoop: await measureEventLoop(plan.eventLoop, random) };
}
