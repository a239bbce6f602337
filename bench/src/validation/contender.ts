import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { PairedContender, PairedSlice } from '../rounds.ts';
import type { ValidationCandidate } from './candidate.ts';
import type { TokenPool } from './tokens.ts';

/** What the process of a candidate starts with. */
export interface Assignment {
  readonly name: string;
  readonly pool: TokenPool;
  /** Validations in one slice. */
  readonly sliceSize: number;
  readonly floorSliceSize: number;
  /** Number of tokens that take turns. */
  readonly tokens: number;
}

/** What the process of a candidate answers, first when it is ready, then after each turn. */
export type Answer = readonly PairedSlice[] | 'ready' | { readonly failure: string };

/** A candidate in a process of its own. */
export interface RunningContender extends PairedContender {
  stop(): void;
}

/** Ends a process that hangs. All rounds of one algorithm take less than half of it. */
const DEADLINE_SECONDS = 900;

/**
 * Starts a candidate in a process of its own, with the floor. There as in an app, no other library shares its heap, nor the code that V8 compiles for it. It is
 * ready when it has accepted and refused what it should.
 */
export async function startContender({ name }: ValidationCandidate, assignment: Omit<Assignment, 'name'>): Promise<RunningContender> {
  const child = fork(new URL('contender-program.ts', import.meta.url), [], {
    execArgv: [],
    env: { ...process.env, NODE_ENV: 'production' },
    serialization: 'advanced',
    signal: AbortSignal.timeout(DEADLINE_SECONDS * 1000),
  });
  const ended = once(child, 'exit').then(([code]): never => {
    throw new Error(`${name} could not be measured: its process exited with ${String(code)}`);
  });
  ended.catch(() => {});

  async function ask(message: Assignment | 'turn'): Promise<readonly PairedSlice[] | 'ready'> {
    child.send(message);
    const [answer] = (await Promise.race([once(child, 'message'), ended])) as [Answer];
    if (answer !== 'ready' && 'failure' in answer) throw new Error(answer.failure);
    return answer;
  }

  try {
    await ask({ ...assignment, name });
  } catch (error) {
    stop(child);
    throw error;
  }
  return { name, runTurn: () => ask('turn') as Promise<readonly PairedSlice[]>, stop: () => stop(child) };
}

function stop(child: ChildProcess): void {
  if (child.connected) child.disconnect();
}
