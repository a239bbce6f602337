import { decodeJwt } from 'jose';
import type { TestIssuer } from '@tokenward/testing';
import { summarise, spreadOf, type Figures, type Spread } from '../figures.ts';
import { loadContender } from '../http/load-contender.ts';
import { startServer, type ServerProcess } from '../http/server-process.ts';
import { answerFrom } from '../http/servers/answer.ts';
import type { Random } from '../random.ts';
import { runInterleaved, type Contender, type Rounds, type Series } from '../rounds.ts';
import { createSessionPool, type PooledSession, type SessionPool } from './pool.ts';
import { requestText, type Credentials } from './requests.ts';
import type { Protection } from './server.ts';
import { withSettingsFile } from './settings.ts';

export interface CallsPlan {
  readonly rounds: Rounds;
  /** Requests of each kind in each round. */
  readonly sliceSize: number;
  readonly connections: number;
  /** Number of different users. */
  readonly poolSize: number;
}

export interface CallsResult {
  readonly connections: number;
  readonly tokenBytes: number;
  readonly figures: readonly CallFigures[];
}

export interface CallFigures extends Figures {
  /** The added CPU time as a multiple of what Bearer adds in the same round. undefined for apps without protection. */
  readonly ofBearer: Spread | undefined;
}

/** A kind of request. */
interface Kind {
  readonly name: string;
  readonly protection: Protection;
  readonly call: Parameters<typeof requestText>[1];
  readonly credentialsOf: (session: PooledSession) => Credentials;
}

const CEILING = 'no protection, no credentials';
const BEARER = 'guard, Bearer';
const PROGRAM = new URL('server.ts', import.meta.url);
const CHECK_SECONDS = 10;

const none = (): Credentials => undefined;
const bearer = ({ accessToken }: PooledSession): Credentials => ({ bearer: accessToken });
const sealed = ({ sealedCookie: cookie }: PooledSession): Credentials => ({ cookie });
const stored = ({ storedCookie: cookie }: PooledSession): Credentials => ({ cookie });

const KINDS: readonly Kind[] = [
  { name: CEILING, protection: 'none', call: 'GET /me', credentialsOf: none },
  { name: 'no protection, Bearer is sent', protection: 'none', call: 'GET /me', credentialsOf: bearer },
  { name: 'no protection, an encrypted session is sent', protection: 'none', call: 'GET /me', credentialsOf: sealed },
  { name: BEARER, protection: 'bearer', call: 'GET /me', credentialsOf: bearer },
  { name: 'guard, session in an encrypted cookie', protection: 'sealed', call: 'GET /me', credentialsOf: sealed },
  { name: 'guard, session in a store in memory', protection: 'stored', call: 'GET /me', credentialsOf: stored },
  { name: 'session.proxy to the API with Bearer', protection: 'proxy', call: 'GET /api/me', credentialsOf: sealed },
  { name: 'POST /session/token', protection: 'token', call: 'POST /session/token', credentialsOf: sealed },
];

/** Measures requests per second, and CPU time per request of the app's own process. Each server must first admit and refuse what it should. */
export async function measureCalls(plan: CallsPlan, issuer: TestIssuer, random: Random): Promise<CallsResult> {
  const pool = await createSessionPool(issuer, plan.poolSize);
  const running = new Map<Protection, ServerProcess>();
  try {
    const contenders: Contender[] = [];
    for (const kind of KINDS) {
      if (!running.has(kind.protection)) running.set(kind.protection, await start(kind.protection, issuer, pool, running.get('bearer')?.port));
      const server = running.get(kind.protection)!;
      await assertCorrect(kind, server.port, pool);
      contenders.push(contenderOf(kind, server, pool, plan));
    }
    const series = await runInterleaved(contenders, plan.rounds, random);
    const figures = summarise(series, CEILING).map((row) =>
      Object.assign(row, { ofBearer: row.name.startsWith('no protection') ? undefined : ofBearer(series, row.name) }),
    );
    return { connections: plan.connections, tokenBytes: pool.sessions[0]!.accessToken.length, figures };
  } finally {
    await Promise.all([...running.values()].map((server) => server.stop()));
  }
}

function start(
  protection: Protection,
  { issuer, audience }: TestIssuer,
  { stored: sessions }: SessionPool,
  apiPort: number | undefined,
): Promise<ServerProcess> {
  const settings = { issuer, audience, stored: protection === 'stored' ? sessions : [], apiOrigin: `http://127.0.0.1:${apiPort}` };
  return withSettingsFile(settings, (path) => startServer({ name: protection, program: PROGRAM, programArguments: [protection, path] }, { issuer, audience }));
}

async function assertCorrect({ name, protection, call, credentialsOf }: Kind, port: number, { sessions: [first, second] }: SessionPool): Promise<void> {
  const [method, path] = call.split(' ') as [string, string];
  async function expectAnswer(status: number, what: string, headers: Readonly<Record<string, string>>): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, signal: AbortSignal.timeout(CHECK_SECONDS * 1000) });
    const body = await response.text();
    if (response.status !== status) throw new Error(`${name} answers ${response.status} to ${what}, so it cannot be measured: ${status} was expected. ${body}`);
    return body;
  }
  const credentials = credentialsOf(first!);
  const shown: Record<string, string> =
    credentials === undefined ? {} : 'bearer' in credentials ? { authorization: `Bearer ${credentials.bearer}` } : { cookie: credentials.cookie };
  const answer = await expectAnswer(200, 'valid credentials', { ...shown, 'x-tokenward-csrf': '1' });
  if (protection === 'none') return;
  if (protection === 'token') {
    if ((JSON.parse(answer) as { accessToken: string }).accessToken !== first!.accessToken) throw new Error(`${name} answers with another token`);
  } else if (answer !== JSON.stringify(answerFrom(decodeJwt(first!.accessToken)))) throw new Error(`${name} answers ${answer}`);
  await expectAnswer(401, 'a request without credentials', { 'x-tokenward-csrf': '1' });
  if (credentials === undefined || 'bearer' in credentials) return;
  await expectAnswer(403, 'a cookie without the custom header', shown);
  const other = credentialsOf(second!) as { readonly cookie: string };
  const half = Math.floor(other.cookie.length / 2);
  await expectAnswer(401, 'a cookie that was changed', { cookie: credentials.cookie.slice(0, half) + other.cookie.slice(half), 'x-tokenward-csrf': '1' });
}

function contenderOf({ name, call, credentialsOf }: Kind, server: ServerProcess, { sessions }: SessionPool, plan: CallsPlan): Contender {
  const texts = sessions.map((session) => requestText(server.port, call, credentialsOf(session)));
  let at = 0;
  function nextRequest(): string {
    at = (at + 1) % texts.length;
    return texts[at]!;
  }
  return loadContender(name, server, plan, nextRequest);
}

function ofBearer(series: readonly Series[], name: string): Spread {
  const added = (of: string): number[] => {
    const { slices } = series.find((one) => one.name === of)!;
    const { slices: ceiling } = series.find((one) => one.name === CEILING)!;
    return slices.map(({ cpuMicroseconds }, round) => cpuMicroseconds - ceiling[round]!.cpuMicroseconds);
  };
  const byBearer = added(BEARER);
  return spreadOf(added(name).map((microseconds, round) => microseconds / byBearer[round]!));
}
