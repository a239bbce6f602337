import { setTimeout } from 'node:timers/promises';
import { createResourceGuard, type Jwks, type ProtectedRequest } from '@tokenward/core';
import { viewOf } from '@tokenward/core/adapter';
import { summarise, type Figures } from '../figures.ts';
import type { Framework } from '../framework.ts';
import { collectYoungGarbage } from '../garbage.ts';
import { createMeter } from '../meter.ts';
import type { Random } from '../random.ts';
import { runInterleaved, type Contender, type Rounds } from '../rounds.ts';
import { readFresh } from '../validation/candidate.ts';
import { createTokenPool } from '../validation/tokens.ts';
import type { Apps, Credentials, Dispatch } from './app.ts';
import { makeApps } from './apps/index.ts';
import { createExchangeSource, type Exchange, type ExchangeSource } from './exchanges.ts';

export interface SharePlan {
  readonly rounds: Rounds;
  /** Requests to each app in each round. */
  readonly sliceSize: number;
  /** Number of different tokens. */
  readonly poolSize: number;
}

/** One entry per app. The unguarded app is the baseline. */
export type ShareFigures = readonly Figures[];

const APPS: readonly (keyof Apps)[] = ['unguarded', 'step', 'guarded'];

/** Few enough that they are still in the processor's caches when their turn comes. */
const BATCH_SIZE = 64;
const HANDLING_MS = 1000;

/**
 * Measures what a guard adds to a request beyond core's own check. It compares an app with the guard to one without, whose handler has core check the
 * same request. Call it in a process of its own: an app has one framework, and the compiler optimises for it.
 */
export async function measureShare(framework: Framework, credentials: Credentials, plan: SharePlan, random: Random): Promise<ShareFigures> {
  const pool = await createTokenPool('RS256', credentials === 'required' ? plan.poolSize : 2);
  const { issuer, audience } = pool.setting;
  const options = { issuer, audience, jwks: pool.setting.jwks as unknown as Jwks };
  const core = createResourceGuard(options);
  const turn: Turn = { view: undefined, end: () => {} };

  function check(): void {
    const decision = core.check(turn.view!, { credentials });
    turn.end(!(decision instanceof Promise) && decision.outcome === 'allow' && (decision.auth !== undefined) === (credentials === 'required'));
  }

  const apps = await makeApps(framework, {
    options,
    credentials,
    check,
    admit: (auth) => turn.end((auth !== undefined) === (credentials === 'required')),
  });
  const source = await createExchangeSource();
  try {
    const tokens = credentials === 'required' ? pool.tokens.map(({ token }) => readFresh(token)) : [undefined];
    await assertCorrect(
      apps,
      source,
      turn,
      tokens[0],
      pool.refused.claims.map(({ token }) => readFresh(token)),
    );
    const contenders = APPS.map((name) => contenderOf(name, apps[name], source, turn, tokens, plan));
    return summarise(await runInterleaved(contenders, plan.rounds, random), APPS[0]!);
  } finally {
    source.close();
  }
}

/** The request that is being handled. */
interface Turn {
  /** What core checks in an app without a guard. */
  view: ProtectedRequest | undefined;
  end: (isAsExpected: boolean) => void;
}

function contenderOf(
  name: string,
  dispatch: Dispatch,
  source: ExchangeSource,
  turn: Turn,
  tokens: readonly (string | undefined)[],
  plan: SharePlan,
): Contender {
  let at = 0;
  function nextToken(): string | undefined {
    at = (at + 1) % tokens.length;
    return tokens[at];
  }
  return {
    name,
    async runSlice() {
      // the garbage of the others is not this contender's cost
      collectYoungGarbage();
      const meter = createMeter();
      for (let left = plan.sliceSize; left > 0; left -= BATCH_SIZE) {
        const exchanges = await source.receive(Array.from({ length: Math.min(left, BATCH_SIZE) }, nextToken));
        const views = exchanges.map(viewFor);
        meter.start();
        for (let index = 0; index < exchanges.length; index++) {
          const isAsExpected = await handle(dispatch, exchanges[index]!, views[index]!, turn);
          if (!isAsExpected) throw new Error(`the app "${name}" made a wrong decision`);
        }
        meter.stop();
        await source.conclude(exchanges);
      }
      meter.start();
      collectYoungGarbage();
      meter.stop();
      return meter.per(plan.sliceSize);
    },
  };
}

/** Handles one request after another: in a server, each has its own turn of the event loop. */
function handle(dispatch: Dispatch, { request, response }: Exchange, view: ProtectedRequest, turn: Turn): Promise<boolean> {
  return new Promise((resolve) => {
    turn.view = view;
    turn.end = resolve;
    dispatch(request, response);
  });
}

/** Makes the view that adapters make. Every app gets one before the measured time, so that it is not part of core's check. */
function viewFor({ request }: Exchange): ProtectedRequest {
  return viewOf({ method: request.method!, originalUrl: request.url!, protocol: 'http' }, request, () => request.headers.host);
}

async function assertCorrect(apps: Apps, source: ExchangeSource, turn: Turn, good: string | undefined, bad: readonly string[]): Promise<void> {
  for (const name of APPS) {
    const exchanges = await source.receive([good]);
    if ((await orTimeout(handle(apps[name], exchanges[0]!, viewFor(exchanges[0]!), turn))) !== true)
      throw new Error(`the app "${name}" does not admit a valid request`);
    await source.conclude(exchanges);
  }
  for (const token of bad) {
    const exchanges = await source.receive([token]);
    const handled = await orTimeout(handle(apps.guarded, exchanges[0]!, viewFor(exchanges[0]!), turn));
    const { statusCode } = exchanges[0]!.response;
    if (handled !== undefined || statusCode !== 401) throw new Error(`the guarded app answers ${statusCode} to an invalid token`);
    await source.conclude(exchanges);
  }
}

/** undefined: no handler ran in time. */
function orTimeout(handled: Promise<boolean>): Promise<boolean | undefined> {
  return Promise.race([handled, setTimeout(HANDLING_MS, undefined)]);
}
