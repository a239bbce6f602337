import type { AttackCase } from './attack-case.js';
import type { NoAnswer, ReceivedAnswer } from './exchange.js';

/** What a server did with a hostile request, the worst first. */
export const VERDICTS = ['admitted', 'crashed', 'lenient', 'wrong', 'unclear', 'refused'] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Judgement {
  readonly verdict: Verdict;
  readonly name: string;
  /** undefined: there was no answer. */
  readonly status: number | undefined;
  /** What is wrong with the answer, in a few words. */
  readonly problem: string;
}

/** RFC 6750 s3.1, and what servers answer to too much: no parser or limit admits anybody. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 413, 414, 431]);

export function judge({ name, kind, token }: AttackCase, answer: ReceivedAnswer | NoAnswer): Judgement {
  if (answer.kind !== 'answer') return { name, status: undefined, verdict: 'crashed', problem: NO_ANSWER[answer.kind] };
  const { status, challenge, body } = answer;
  const as = (verdict: Verdict, problem: string): Judgement => ({ name, status, verdict, problem });
  if (status >= 200 && status < 300)
    return kind === 'forged' ? as('admitted', 'a hostile token was admitted') : as('lenient', 'a valid token was taken where no API should take one');
  if (status === 429 || status === 503)
    return as('unclear', status === 429 ? 'a rate limit, and no answer about the token' : 'unavailable, and no answer about the token');
  if (status >= 500) return as('crashed', `the server failed with ${status}`);
  if (token.length > 20 && body.includes(token)) return as('wrong', 'the answer repeats the token');
  if (STACK_TRACE.test(body)) return as('wrong', 'the answer shows a stack trace');
  // a valid token in the wrong place: any refusal is right, since the server may see no token, or have no such method
  if (kind === 'misplaced') return status >= 400 ? as('refused', '') : as('wrong', `${status} instead of 401`);
  if (!REFUSALS.has(status)) return as('wrong', `${status} instead of 401`);
  return status === 401 && challenge === undefined ? as('wrong', '401 without a WWW-Authenticate challenge (RFC 6750 s3)') : as('refused', '');
}

const STACK_TRACE = /\n[^\S\n]*at .{1,200}:\d+:\d+\)?|(?:&nbsp;|\s)at .{1,200}node_modules/;

const NO_ANSWER: Readonly<Record<NoAnswer['kind'], string>> = {
  'refused-connection': 'the server took no connection',
  untrusted: 'Node does not trust the certificate of the server',
  reset: 'the server closed the connection without an answer',
  timeout: 'no answer within 5 seconds',
  malformed: 'the answer was not HTTP',
  'not-loopback': 'the connection left this machine, and was closed',
};
