import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Framework } from '../framework.ts';
import type { Credentials } from './app.ts';
import { countAdapterLines, type AdapterLines } from './lines.ts';
import type { ShareFigures, SharePlan } from './share.ts';

/** What an adapter adds to core, in time and in code. */
export interface AdapterResult extends AdapterLines {
  /** For a request without credentials, where they are optional: core's check costs almost nothing. */
  readonly withoutToken: ShareFigures;
  /** For a request with a new access token. */
  readonly withToken: ShareFigures;
}

const DEADLINE_SECONDS = 120;

export async function measureAdapter(framework: Framework, plan: SharePlan, seed: number): Promise<AdapterResult> {
  return {
    ...countAdapterLines(framework),
    withoutToken: await shareOf(framework, 'optional', plan, seed),
    withToken: await shareOf(framework, 'required', plan, seed),
  };
}

async function shareOf(framework: Framework, credentials: Credentials, plan: SharePlan, seed: number): Promise<ShareFigures> {
  const child = fork(new URL('share-program.ts', import.meta.url), [framework, credentials, String(seed), JSON.stringify(plan)], {
    execArgv: ['--expose-gc'],
    env: { NODE_ENV: 'production' },
    signal: AbortSignal.timeout(DEADLINE_SECONDS * 1000),
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the adapter for ${framework} could not be measured: its process exited with ${String(code)}`);
  });
  const [figures] = (await Promise.race([once(child, 'message'), ended])) as [ShareFigures];
  ended.catch(() => {});
  return figures;
}
