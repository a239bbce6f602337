import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createBrowserSession } from '@tokenward/browser-session';
import { redisSessions } from '@tokenward/redis';
import type { TestIssuer } from '@tokenward/testing';
import { accessTokenClaims } from '../claims.ts';
import { spreadOf, type Spread } from '../figures.ts';
import { cookieOf, issueTokens } from './pool.ts';
import type { RefreshAnswer, RefreshOrder, RefreshSettings } from './refresh-program.ts';
import { sessionOptions } from './settings.ts';

export interface RefreshesPlan {
  /** Sessions whose access token has ended, one after another. */
  readonly sessions: number;
  readonly processes: number;
  /** Calls with the same cookie at the same time, in each process. */
  readonly calls: number;
}

/** What many calls with an ended access token cause. The goal is one refresh per session. */
export interface RefreshesResult extends RefreshesPlan {
  readonly name: string;
  /** Refreshes per session: the fewest and the most. */
  readonly fewest: number;
  readonly most: number;
  /** Refreshes that the issuer refused, since the refresh token was used up. */
  readonly refused: number;
  /** Calls that got no access token. */
  readonly failed: number;
  /** From the first call to the last answer, for all processes. */
  readonly milliseconds: Spread;
}

const KINDS = [
  { name: 'sessions in Redis', keeps: 'sessions' },
  { name: 'encrypted cookies, refreshes shared in Redis', keeps: 'refreshes' },
] as const;
const SECONDS = 20;

/**
 * Counts the refreshes that parallel calls in several processes cause, which share a Redis.
 *
 * @returns undefined if redis-server is not installed
 */
export async function measureRefreshes(plan: RefreshesPlan, issuer: TestIssuer): Promise<readonly RefreshesResult[] | undefined> {
  const redis = await startRedis();
  if (!redis) return undefined;
  try {
    const results: RefreshesResult[] = [];
    for (const kind of KINDS) results.push(await measureKind(kind, plan, issuer, redis.url));
    return results;
  } finally {
    await redis.stop();
  }
}

async function measureKind({ name, keeps }: (typeof KINDS)[number], plan: RefreshesPlan, issuer: TestIssuer, redisUrl: string): Promise<RefreshesResult> {
  const store = keeps === 'sessions' ? redisSessions({ url: redisUrl }) : undefined;
  const session = createBrowserSession({ ...sessionOptions(issuer.issuer), store });
  const processes: ChildProcess[] = [];
  try {
    const settings: RefreshSettings = { issuer: issuer.issuer, redisUrl, keeps };
    for (let count = 0; count < plan.processes; count++) processes.push(await startProcess(settings));
    const refreshes: number[] = [];
    const milliseconds: number[] = [];
    let failed = 0;
    const refusedBefore = issuer.refreshes.refused;
    for (let count = 0; count < plan.sessions; count++) {
      const claims = accessTokenClaims(issuer.issuer);
      const now = Math.floor(Date.now() / 1000);
      const tokens = await issueTokens(issuer, { ...claims, exp: now - 1 });
      const cookie = await cookieOf(session, { ...tokens, refreshToken: issuer.issueRefreshToken({ claims }) });
      const before = issuer.refreshes.granted + issuer.refreshes.refused;
      const startedAt = performance.now();
      const answers = await Promise.all(processes.map((child) => callIn(child, { cookie, calls: plan.calls })));
      milliseconds.push(performance.now() - startedAt);
      refreshes.push(issuer.refreshes.granted + issuer.refreshes.refused - before);
      failed += answers.reduce((sum, answer) => sum + answer.failed, 0);
    }
    const refused = issuer.refreshes.refused - refusedBefore;
    return { name, ...plan, fewest: Math.min(...refreshes), most: Math.max(...refreshes), refused, failed, milliseconds: spreadOf(milliseconds) };
  } finally {
    for (const child of processes) child.kill('SIGKILL');
    await session.close();
    await store?.close();
  }
}

async function startProcess(settings: RefreshSettings): Promise<ChildProcess> {
  const child = fork(new URL('refresh-program.ts', import.meta.url), [JSON.stringify(settings)], { env: { NODE_ENV: 'production' } });
  await answerOf(child);
  return child;
}

async function callIn(child: ChildProcess, order: RefreshOrder): Promise<RefreshAnswer> {
  const answer = answerOf(child);
  child.send(order);
  return (await answer) as RefreshAnswer;
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [answer] = (await once(child, 'message', { signal: AbortSignal.timeout(SECONDS * 1000) })) as [unknown];
  return answer;
}

interface Redis {
  readonly url: string;
  stop(): Promise<void>;
}

async function startRedis(): Promise<Redis | undefined> {
  const port = await freePort();
  const folder = await mkdtemp(join(tmpdir(), 'tokenward-bench-redis-'));
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<false>((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', () => resolve(false));
  });
  const isReady = new Promise<true>((resolve) => {
    createInterface(child.stdout).on('line', (line) => {
      if (line.includes('Ready to accept connections')) resolve(true);
    });
  });
  async function stop(): Promise<void> {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true });
  }
  if (await Promise.race([isReady, ended])) return { url: `redis://127.0.0.1:${port}`, stop };
  await rm(folder, { recursive: true });
  return undefined;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
