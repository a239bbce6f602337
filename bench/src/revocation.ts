import { metrics } from '@opentelemetry/api';
import { MeterProvider, PeriodicExportingMetricReader, InMemoryMetricExporter, AggregationTemporality } from '@opentelemetry/sdk-metrics';
import { createResourceGuard, EVENT_NAMES, memoryRevocations, observe, type Jwks, type ProtectedRequest, type ResourceGuard } from '@tokenward/core';
import { instrumentTokenward } from '@tokenward/opentelemetry';
import { summarise, type Figures } from './figures.ts';
import { collectYoungGarbage } from './garbage.ts';
import { createMeter } from './meter.ts';
import type { Random } from './random.ts';
import { runInterleaved, type Contender, type Rounds } from './rounds.ts';
import { readFresh, type TokenBytes } from './validation/candidate.ts';
import { createTokenPool } from './validation/tokens.ts';

export interface RevocationPlan {
  readonly rounds: Rounds;
  /** Checks by each contender in each round. */
  readonly sliceSize: number;
  readonly knownTokens: number;
  /** Numbers of live revocations. None of them hits the measured tokens. */
  readonly live: readonly number[];
}

const NONE = 'no revocations, no listeners';
const ISSUER = 'https://login.example.com';
const ADDRESSES = Array.from({ length: 8 }, (_address, at) => `192.0.2.${at}`);
const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36';

/** Measures one check of a known token, the cheapest there is, with live revocations and with listeners. */
export async function measureRevocation(plan: RevocationPlan, random: Random): Promise<readonly Figures[]> {
  const { tokens, setting } = await createTokenPool('RS256', plan.knownTokens);

  function guardWith(live: number): ResourceGuard {
    const store = memoryRevocations();
    const now = Math.floor(Date.now() / 1000);
    for (let at = 0; at < live; at++) {
      const kind = (['token', 'session', 'subject'] as const)[at % 3]!;
      void store.add({ kind, issuer: ISSUER, value: `revoked-${at}`, issuedUntil: now, until: now + 3600, isFinal: false, reason: 'logout' });
    }
    const { issuer, audience, jwks } = setting;
    return createResourceGuard({ issuer, audience, jwks: jwks as unknown as Jwks, revocations: { store } });
  }

  const guard = guardWith(0);
  const provider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE), exportIntervalMillis: 3_600_000 })],
  });
  const listenToAll = () => EVENT_NAMES.map((name) => observe(name, () => {}));
  const contenders = [
    contenderOf(NONE, guard, tokens, plan),
    ...plan.live.map((live) => contenderOf(`${live} live revocations`, guardWith(live), tokens, plan)),
    contenderOf('a listener on every event', guard, tokens, plan, () => {
      const ends = listenToAll();
      return () => ends.forEach((end) => end());
    }),
    contenderOf('OpenTelemetry metrics', guard, tokens, plan, () => instrumentTokenward({ guards: { api: guard }, meterProvider: provider, tracing: false })),
  ];
  const figures = summarise(await runInterleaved(contenders, plan.rounds, random), NONE);
  await provider.shutdown();
  metrics.disable();
  return figures;
}

function contenderOf(
  name: string,
  guard: ResourceGuard,
  tokens: readonly TokenBytes[],
  { sliceSize }: RevocationPlan,
  begin: () => () => void = () => () => {},
): Contender {
  let at = 0;

  function nextRequest(): ProtectedRequest {
    at++;
    const authorization = readFresh(tokens[at % tokens.length]!.field);
    return { method: 'GET', target: '/orders', clientAddress: ADDRESSES[at % ADDRESSES.length], headers: { authorization, 'user-agent': USER_AGENT } };
  }

  return {
    name,
    async runSlice() {
      const end = begin();
      collectYoungGarbage();
      const meter = createMeter();
      for (let left = sliceSize; left > 0; left -= BATCH_SIZE) {
        const requests = Array.from({ length: Math.min(left, BATCH_SIZE) }, nextRequest);
        meter.start();
        for (const request of requests) {
          const decision = guard.check(request);
          if (decision instanceof Promise || decision.outcome !== 'allow') throw new Error(`${name}: a valid token was refused while measuring`);
        }
        meter.stop();
      }
      meter.start();
      collectYoungGarbage();
      meter.stop();
      end();
      return meter.per(sliceSize);
    },
  };
}

const BATCH_SIZE = 256;
