import { asSigningKey, createTestIssuer, generatePrivateKey, type SigningKey, type TestIssuer } from '@tokenward/testing';
import { accessTokenClaims, AUDIENCE } from '../claims.ts';
import { spreadOf, type Spread } from '../figures.ts';
import { applyLoad } from '../http/load.ts';
import { startServer, type ServerProcess } from '../http/server-process.ts';
import { shuffled, type Random } from '../random.ts';

export interface EventLoopPlan {
  readonly rounds: number;
  readonly connections: number;
  /** Requests to each server in each round. */
  readonly sliceSize: number;
  /** Number of different tokens. No server has a cache. */
  readonly poolSize: number;
  /** Requests per second, the same for both servers and fewer than either can answer. undefined: as many as each can answer. */
  readonly rates: readonly (number | undefined)[];
}

/** One way of verifying with one kind of key. */
export interface EventLoopResult {
  readonly key: string;
  readonly name: string;
  readonly connections: number;
  readonly rate: number | undefined;
  /** How late a timer fires, per round. */
  readonly p50Milliseconds: Spread;
  readonly p99Milliseconds: Spread;
  readonly perSecond: Spread;
}

/** The answer of `GET /delay`: delays since the last such request. */
export interface LoopDelay {
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
}

interface LoopSlice extends LoopDelay {
  readonly perSecond: number;
}

const verifiers = [
  { name: 'tokenward guard.check, synchronous', program: new URL('servers/tokenward.ts', import.meta.url) },
  { name: 'jose.jwtVerify, asynchronous', program: new URL('servers/jose.ts', import.meta.url) },
];
const ANSWER_SECONDS = 10;

/** Measures how late everything else in a process runs while it verifies tokens over many connections. */
export async function measureEventLoop(plan: EventLoopPlan, random: Random): Promise<EventLoopResult[]> {
  const results: EventLoopResult[] = [];
  for (const [name, key] of await slowAndQuickKeys()) results.push(...(await measureKey(name, key, plan, random)));
  return results;
}

async function slowAndQuickKeys(): Promise<[name: string, key: SigningKey][]> {
  return [
    ['RS256, 2048 bits', asSigningKey('RS256', await generatePrivateKey('RS256'))],
    ['RS256, 4096 bits', asSigningKey('RS256', await generatePrivateKey('RS256', { modulusLength: 4096 }))],
    ['PS512, 2048 bits', asSigningKey('PS512', await generatePrivateKey('PS512'))],
    ['PS512, 4096 bits', asSigningKey('PS512', await generatePrivateKey('PS512', { modulusLength: 4096 }))],
  ];
}

async function measureKey(keyName: string, key: SigningKey, plan: EventLoopPlan, random: Random): Promise<EventLoopResult[]> {
  const issuer = await createTestIssuer({ audience: AUDIENCE, algorithm: key.algorithm });
  issuer.publishKey(key);
  const running: ServerProcess[] = [];
  try {
    const tokens: string[] = [];
    while (tokens.length < plan.poolSize) tokens.push(await issuer.issueToken({ key, claims: accessTokenClaims(issuer.issuer) }));
    for (const { name, program } of verifiers) {
      running.push(await startServer({ name, program }, issuer));
      await assertCorrect(name, running.at(-1)!, issuer);
    }
    const contenders = plan.rates.flatMap((rate) => verifiers.map(({ name }, index) => ({ name, rate, server: running[index]!, slices: [] as LoopSlice[] })));
    for (let round = -1; round < plan.rounds; round++) {
      for (const { rate, server, slices } of shuffled(contenders, random)) {
        const slice = await runSlice(server, tokens, plan, rate);
        if (round >= 0) slices.push(slice);
      }
    }
    return contenders.map(({ name, rate, slices }) => ({
      key: keyName,
      name,
      connections: plan.connections,
      rate,
      p50Milliseconds: spreadOf(slices.map(({ p50Milliseconds }) => p50Milliseconds)),
      p99Milliseconds: spreadOf(slices.map(({ p99Milliseconds }) => p99Milliseconds)),
      perSecond: spreadOf(slices.map(({ perSecond }) => perSecond)),
    }));
  } finally {
    await Promise.all(running.map((server) => server.stop()));
    await issuer.close();
  }
}

async function assertCorrect(name: string, { port }: ServerProcess, issuer: TestIssuer): Promise<void> {
  const expired = await issuer.issueToken({ lifetimeSeconds: -3600 });
  const response = await fetch(`http://127.0.0.1:${port}/me`, {
    headers: { authorization: `Bearer ${expired}` },
    signal: AbortSignal.timeout(ANSWER_SECONDS * 1000),
  });
  await response.body?.cancel();
  if (response.status !== 401) throw new Error(`${name} answers ${response.status} to an expired token, so it cannot be measured`);
}

async function runSlice({ port }: ServerProcess, tokens: readonly string[], plan: EventLoopPlan, perSecond: number | undefined): Promise<LoopSlice> {
  let at = 0;
  function nextRequest(): string {
    at = (at + 1) % tokens.length;
    return `GET /me HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer ${tokens[at]!}\r\n\r\n`;
  }
  await loopDelay(port);
  const microseconds = await applyLoad({ port, requests: plan.sliceSize, connections: plan.connections, nextRequest, perSecond });
  return { ...(await loopDelay(port)), perSecond: (plan.sliceSize / microseconds) * 1e6 };
}

async function loopDelay(port: number): Promise<LoopDelay> {
  const response = await fetch(`http://127.0.0.1:${port}/delay`, { signal: AbortSignal.timeout(ANSWER_SECONDS * 1000) });
  return (await response.json()) as LoopDelay;
}
