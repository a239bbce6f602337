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
  /** So many different tokens there are. */
  readonly poolSize: number;
}

/** Of each app in turn, with the unguarded one for a baseline. */
export type ShareFigures = readonly Figures[];

const APPS: readonly (keyof Apps)[] = ['unguarded', 'step', 'guarded'];

/** So few requests at once that the processor still has them at hand when their turn comes. */
const BATCH_SIZE = 64;
const HANDLING_MS = 1000;

/**
 * What a guard adds to a request, beyond core's own check: an app with the guard is held against one without, whose handler has core check the
 * same request. To be called in a process of its own, since an app has one framework and the compiler knows it.
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
    await proveWorth(
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
  /** What core checks where there is no guard. */
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
      // what others left behind is not for this one to clear away
      collectYoungGarbage();
      const meter = createMeter();
      for (let left = plan.sliceSize; left > 0; left -= BATCH_SIZE) {
        const exchanges = await source.receive(Array.from({ length: Math.min(left, BATCH_SIZE) }, nextToken));
        const views = exchanges.map(viewFor);
        meter.start();
        for (let index = 0; index < exchanges.length; index++) {
          const isAsExpected = await handle(dispatch, exchanges[index]!, views[index]!, turn);
          if (!isAsExpected) throw new Error(`the app "${name}" decided wrongly`);
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

/** One request after another, as each in a server has its turn of the event loop. */
function handle(dispatch: Dispatch, { request, response }: Exchange, view: ProtectedRequest, turn: Turn): Promise<boolean> {
  return new Promise((resolve) => {
    turn.view = view;
    turn.end = resolve;
    dispatch(request, response);
  });
}

/** The same view as the adapters make. It is made for all apps alike, before the measured time, so that it is no part of core's check. */
function viewFor({ request }: Exchange): ProtectedRequest {
  return viewOf({ method: request.method!, originalUrl: request.url!, protocol: 'http' }, request, () => request.headers.host);
}

async function proveWorth(apps: Apps, source: ExchangeSource, turn: Turn, good: string | undefined, bad: readonly string[]): Promise<void> {
  for (const name of APPS) {
    const exchanges = await source.receive([good]);
    if ((await withinReason(handle(apps[name], exchanges[0]!, viewFor(exchanges[0]!), turn))) !== true)
      throw new Error(`the app "${name}" does not handle a good request`);
    await source.conclude(exchanges);
  }
  for (const token of bad) {
    const exchanges = await source.receive([token]);
    const handled = await withinReason(handle(apps.guarded, exchanges[0]!, viewFor(exchanges[0]!), turn));
    const { statusCode } = exchanges[0]!.response;
    if (handled !== undefined || statusCode !== 401) throw new Error(`the guarded app answers ${statusCode} to a bad token`);
    await source.conclude(exchanges);
  }
}

/** undefined: the handler was not called. */
function withinReason(handled: Promise<boolean>): Promise<boolean | undefined> {
  return Promise.race([handled, setTimeout(HANDLING_MS, undefined)]);
}
