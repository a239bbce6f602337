import { decodeJwt } from 'jose';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { AUDIENCE, accessTokenClaims } from '../claims.ts';
import { summarise, type Figures } from '../figures.ts';
import type { Framework } from '../framework.ts';
import type { Random } from '../random.ts';
import { runInterleaved, type Contender, type Rounds } from '../rounds.ts';
import type { ServerCandidate } from './candidate.ts';
import { loadContender } from './load-contender.ts';
import { requestText } from './request.ts';
import { startServer, type ServerProcess } from './server-process.ts';
import { answerFrom } from './servers/answer.ts';
import { servers } from './servers/index.ts';

export interface HttpPlan {
  readonly rounds: Rounds;
  /** Requests to each server in each round. */
  readonly sliceSize: number;
  readonly connections: number;
  /** Number of different tokens. */
  readonly poolSize: number;
}

export interface HttpResult {
  readonly framework: Framework;
  readonly algorithm: 'RS256';
  readonly tokenBytes: number;
  readonly connections: number;
  readonly baseline: string;
  readonly figures: readonly Figures[];
}

const CHECK_SECONDS = 10;

/**
 * Measures requests per second and CPU time per request for the servers of a framework. Each server must first admit and refuse what it should.
 */
export async function measureHttp(framework: Framework, plan: HttpPlan, random: Random): Promise<HttpResult> {
  const candidates = servers.filter((candidate) => candidate.framework === framework);
  const ceiling = candidates.find(({ isProtected }) => !isProtected)!;
  const issuer = await createTestIssuer({ audience: AUDIENCE });
  const running: ServerProcess[] = [];
  try {
    const tokens: string[] = [];
    while (tokens.length < plan.poolSize) tokens.push(await issuer.issueToken({ claims: accessTokenClaims(issuer.issuer) }));
    const contenders: Contender[] = [];
    for (const candidate of candidates) {
      const server = await startServer(candidate, issuer);
      running.push(server);
      await assertCorrect(candidate, server, issuer, tokens[0]!);
      contenders.push(contenderOf(candidate, server, tokens, plan));
    }
    const series = await runInterleaved(contenders, plan.rounds, random);
    return {
      framework,
      algorithm: 'RS256',
      tokenBytes: tokens[0]!.length,
      connections: plan.connections,
      baseline: ceiling.name,
      figures: summarise(series, ceiling.name),
    };
  } finally {
    await Promise.all(running.map((server) => server.stop()));
    await issuer.close();
  }
}

async function assertCorrect({ name, isProtected }: ServerCandidate, { port }: ServerProcess, issuer: TestIssuer, token: string): Promise<void> {
  async function expectStatus(status: number, what: string, sent?: string): Promise<string> {
    const headers: Record<string, string> = sent === undefined ? {} : { authorization: `Bearer ${sent}` };
    const response = await fetch(`http://127.0.0.1:${port}/me`, { headers, signal: AbortSignal.timeout(CHECK_SECONDS * 1000) });
    const body = await response.text();
    if (response.status !== status) throw new Error(`${name} answers ${response.status} to ${what}, so it cannot be measured: ${status} was expected`);
    return body;
  }
  const expected = JSON.stringify(answerFrom(decodeJwt(token)));
  const answer = await expectStatus(200, 'a valid token', token);
  if (!isProtected) {
    if (answer.length !== expected.length) throw new Error(`${name} answers ${answer}, which is not as long as ${expected}`);
    return;
  }
  if (answer !== expected) throw new Error(`${name} answers ${answer}, where ${expected} was expected`);
  const other = await issuer.issueToken({ claims: accessTokenClaims(issuer.issuer) });
  await expectStatus(401, 'a request without a token');
  await expectStatus(401, 'a token with the signature of another', [...token.split('.').slice(0, 2), other.split('.')[2]].join('.'));
  await expectStatus(401, 'a token for another audience', await issuer.issueToken({ claims: accessTokenClaims(issuer.issuer, { aud: `${AUDIENCE}/other` }) }));
  await expectStatus(401, 'an expired token', await issuer.issueToken({ lifetimeSeconds: -3600 }));
}

function contenderOf({ name }: ServerCandidate, server: ServerProcess, tokens: readonly string[], plan: HttpPlan): Contender {
  let at = 0;
  function nextRequest(): string {
    at = (at + 1) % tokens.length;
    return requestText(server.port, tokens[at]);
  }
  return loadContender(name, server, plan, nextRequest);
}
