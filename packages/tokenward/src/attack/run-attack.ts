import { setTimeout as wait } from 'node:timers/promises';
import { CannotRunError } from '../errors.js';
import type { AttackCase } from './attack-case.js';
import type { AttackRequest, Exchange, NoAnswer, ReceivedAnswer } from './exchange.js';
import type { Target } from './target.js';
import { judge, type Judgement } from './verdict.js';

export interface AttackLimits {
  readonly requestsPerSecond: number;
  readonly maxRequests: number;
  readonly maxSeconds: number;
}

export interface AttackResult {
  readonly judgements: readonly Judgement[];
  /** Cases that were left out because of a limit, or because the server no longer answered. */
  readonly untried: number;
  /** Whether the server no longer answers: the last case that it answered, or failed at, is the last of `judgements`. */
  readonly isDown: boolean;
  /** Whether a valid token was still admitted afterwards. */
  readonly admitsAfterwards: boolean;
}

/** After so many, a valid token shows whether the server is down. */
const FAILURES_IN_A_ROW = 5;

/** Checks that the server distinguishes a valid token from no token. Otherwise a refusal proves nothing. */
export async function checkBaseline(target: Target, token: string, exchange: Exchange): Promise<{ readonly without: number; readonly valid: number }> {
  const without = statusOf(await exchange(target, {}));
  const valid = statusOf(await exchange(target, withToken(token)));
  if (valid < 200 || valid > 299) {
    throw new CannotRunError(`the server answers ${valid} to a valid token, so a refusal would mean nothing. ${remedyFor(valid)}`);
  }
  if (without < 300 || without > 499) {
    throw new CannotRunError(`the server answers ${without} without a token, so an admitted token would prove nothing. Name a route that requires a token`);
  }
  return { without, valid };
}

function remedyFor(status: number): string {
  if (status === 404 || status === 405) return 'Check the path in <url>: the route must answer GET requests';
  if (status >= 500) return 'Check the log of the server';
  if (status < 400) return 'No redirect is followed: name a route of an API, and its final address';
  return 'Check issuer, audience, scopes and roles: npx tokenward explain shows why a token is refused';
}

export async function runAttack(target: Target, token: string, cases: readonly AttackCase[], exchange: Exchange, limits: AttackLimits): Promise<AttackResult> {
  const { requestsPerSecond, maxRequests, maxSeconds } = limits;
  const judgements: Judgement[] = [];
  const began = performance.now();
  let failures = 0;
  for (const [at, one] of cases.slice(0, maxRequests).entries()) {
    const dueMs = (at * 1000) / requestsPerSecond - (performance.now() - began);
    if (dueMs > 0) await wait(dueMs);
    if (performance.now() - began > maxSeconds * 1000) break;
    const answer = await exchange(target, one.request);
    judgements.push(judge(one, answer));
    failures = answer.kind === 'answer' ? 0 : failures + 1;
    if (failures < FAILURES_IN_A_ROW) continue;
    if ((await exchange(target, withToken(token))).kind !== 'answer') break;
    failures = 0;
  }
  const afterwards = await exchange(target, withToken(token));
  return {
    judgements,
    untried: cases.length - judgements.length,
    isDown: afterwards.kind !== 'answer',
    admitsAfterwards: afterwards.kind === 'answer' && afterwards.status >= 200 && afterwards.status <= 299,
  };
}

function withToken(token: string): AttackRequest {
  return { headers: [['Authorization', `Bearer ${token}`]] };
}

function statusOf(answer: ReceivedAnswer | NoAnswer): number {
  if (answer.kind === 'answer') return answer.status;
  if (answer.kind === 'untrusted') {
    throw new CannotRunError(
      'Node does not trust the certificate of the server. Set NODE_EXTRA_CA_CERTS to the file of its authority, and use a name of the certificate in <url>',
    );
  }
  throw new CannotRunError(
    'the server closes the connection, or sends no HTTP answer within 5 seconds. Check its log, and whether <url> begins with the right one of http and https',
  );
}
