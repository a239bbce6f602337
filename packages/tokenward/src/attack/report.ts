import type { Output } from '../output.js';
import type { AttackResult } from './run-attack.js';
import { VERDICTS, type Judgement, type Verdict } from './verdict.js';

/** What an attack was, and what came out. It contains no token. */
export interface AttackReport {
  /** Without the query, which may contain a secret. */
  readonly target: string;
  readonly address: string;
  /** The statuses without a token, and with a valid one. */
  readonly baseline: { readonly without: number; readonly valid: number };
  /** `full`: the local issuer has signed hostile tokens. `derived`: all were made of one valid token. */
  readonly table: 'full' | 'derived';
  readonly counts: Readonly<Record<Verdict, number>>;
  /** All but the refused ones. */
  readonly findings: readonly Judgement[];
  readonly untried: number;
  /** How many requests got no answer, so that nobody knows whether they were admitted. */
  readonly unanswered: number;
  readonly isDown: boolean;
  readonly admitsAfterwards: boolean;
  /** How often the server fetched an address that a token named. */
  readonly fetchedKeys: number;
  readonly notes: readonly string[];
}

export function reportOf(result: AttackResult, rest: Pick<AttackReport, 'target' | 'address' | 'baseline' | 'table' | 'fetchedKeys' | 'notes'>): AttackReport {
  const { judgements, untried, isDown, admitsAfterwards } = result;
  const count = (verdict: Verdict): number => judgements.filter((one) => one.verdict === verdict).length;
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, count(verdict)])) as Record<Verdict, number>;
  const findings = VERDICTS.flatMap((verdict) => (verdict === 'refused' ? [] : judgements.filter((one) => one.verdict === verdict)));
  const unanswered = judgements.filter(({ status }) => status === undefined).length;
  return { ...rest, counts, findings, untried, unanswered, isDown, admitsAfterwards };
}

/** Of each verdict. */
const MAX_ROWS = 25;

export function printReport(
  { target, address, baseline, table, counts, findings, untried, unanswered, isDown, admitsAfterwards, fetchedKeys, notes }: AttackReport,
  output: Output,
): void {
  const { bold, red, yellow, green, dim } = output.style;
  output.line(`${bold('Target')}  ${target} ${dim(`(${address})`)}`);
  output.line(`${bold('Check')}   ${baseline.without} without a token, ${baseline.valid} with a valid one`);
  const tried = Object.values(counts).reduce((sum, count) => sum + count, 0);
  output.line(`${bold('Tried')}   ${tried} hostile requests${table === 'derived' ? ', made of one valid token' : ', signed by the local issuer'}`);
  output.line();
  const rows = rowsOf(findings);
  for (const verdict of VERDICTS) {
    const colour = verdict === 'admitted' || verdict === 'crashed' ? red : yellow;
    const word = colour(WORDS[verdict].padEnd(8));
    const own = rows.filter((one) => one.verdict === verdict);
    for (const { status, text } of own.slice(0, MAX_ROWS)) output.line(`${word}  ${(status === undefined ? '-' : String(status)).padEnd(3)}  ${text}`);
    if (own.length > MAX_ROWS) output.line(`${word}  ${dim(`...  and ${own.length - MAX_ROWS} more: --json lists all`)}`);
  }
  if (fetchedKeys > 0) output.line(`${red('FETCHED'.padEnd(8))}  -    an address that a token named as that of its key (${fetchedKeys} times)`);
  if (rows.length > 0 || fetchedKeys > 0) output.line();
  if (isDown) output.line(red('The server answers no longer.'));
  else if (!admitsAfterwards)
    output.line(yellow('Afterwards the server did not admit a valid token: it may have blocked this client, so some refusals may mean nothing.'));
  if (untried > 0) output.line(yellow(`${untried} requests were not tried: a limit was reached, or the server stopped answering.`));
  if (unanswered > 0) output.line(yellow(`Requests without an answer: ${unanswered}. The server may have admitted them.`));
  for (const note of notes) output.line(dim(note));
  const summary = VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) => `${counts[verdict]} ${SUMMARY[verdict]}`);
  const isProven = untried === 0 && unanswered === 0 && admitsAfterwards && counts.unclear === 0;
  output.line(
    counts.admitted === 0
      ? (isProven ? green : yellow)(`No hostile token was admitted: ${summary.join(', ')}.`)
      : red(`Hostile tokens were admitted: ${summary.join(', ')}.`),
  );
}

const WORDS: Readonly<Record<Verdict, string>> = {
  admitted: 'ADMITTED',
  crashed: 'CRASHED',
  lenient: 'LENIENT',
  wrong: 'WRONG',
  unclear: 'UNCLEAR',
  refused: '',
};

const SUMMARY: Readonly<Record<Verdict, string>> = {
  admitted: 'admitted',
  crashed: 'without a proper answer',
  lenient: 'valid tokens taken from a wrong place',
  wrong: 'refused in a wrong way',
  unclear: 'unclear',
  refused: 'refused',
};

interface Row {
  readonly verdict: Verdict;
  readonly status: number | undefined;
  readonly text: string;
}

/** Each admitted request has a row. Others that went wrong in the same way share one. */
function rowsOf(findings: readonly Judgement[]): readonly Row[] {
  const groups = new Map<string, { readonly first: Judgement; others: number }>();
  for (const finding of findings) {
    const { verdict, name, status, problem } = finding;
    const isAlone = verdict === 'admitted' || verdict === 'lenient';
    const key = JSON.stringify([verdict, status, problem, isAlone ? name : '']);
    const group = groups.get(key);
    if (group) group.others++;
    else groups.set(key, { first: finding, others: 0 });
  }
  return [...groups.values()].map(({ first: { verdict, status, problem, name }, others }) => {
    const isAlone = verdict === 'admitted' || verdict === 'lenient';
    return { verdict, status, text: isAlone ? name : `${problem}: ${name}${others > 0 ? `, and ${others} more` : ''}` };
  });
}
