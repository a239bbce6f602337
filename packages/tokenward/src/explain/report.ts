import type { Explanation } from '@tokenward/core/diagnosis';
import type { Output } from '../output.js';
import { wrapped } from '../wrapped.js';
import type { Diagnosis, Step } from './diagnose.js';
import type { SelfDescription } from './self-description.js';

/** Writes what the pipeline found. */
export function reportDiagnosis(output: Output, { verdict, steps }: Diagnosis, itself: SelfDescription, notes: readonly string[]): void {
  const { style } = output;
  const failed = steps.flatMap(({ problem }) => (problem ? [problem.reason] : []));
  const lines: Readonly<Record<Diagnosis['verdict'], string>> = {
    accepted: style.green('The API would accept this token.'),
    'proof-unchecked': style.yellow('Not decided: the token is bound to its sender, and the proof of a request was not checked. Nothing else is wrong.'),
    unknown: style.yellow(`Nobody can tell yet: ${failed.join(', ')}`),
    refused: style.red(`The API would refuse this token: ${failed.join(', ')}`),
  };
  output.line(lines[verdict]);
  output.line();
  for (const step of steps) reportStep(output, step);
  output.line();
  output.line('What the token says about itself:');
  reportRows(output, itself.rows);
  reportNotes(output, notes);
}

/** Writes what a token says about itself, for want of an issuer. */
export function reportItself(output: Output, itself: SelfDescription, notes: readonly string[]): void {
  const { style } = output;
  output.line(style.yellow('Not verified: without --issuer, nobody knows who wrote this token.'));
  output.line();
  output.line('What the token says about itself, which anybody can write:');
  reportRows(output, itself.rows);
  for (const problem of itself.problems) {
    output.line();
    output.line(`${style.red('FAIL')}  ${problem.reason}`);
    reportProblem(output, problem);
  }
  reportNotes(output, [...notes, nextStep(itself)]);
  // in one line, to be copied
  if (itself.form === 'signed') output.line(`  ${nextCommand(itself)}`);
}

function nextStep({ form }: SelfDescription): string {
  if (form !== 'signed') return 'If it should be a JWT, check which token the client sends.';
  return 'To verify it, name the issuer that your API trusts. If that is the one in the token:';
}

function nextCommand({ issuer }: SelfDescription): string {
  // whatever a shell could read as more than a word is not shown
  const shown = issuer !== undefined && /^https?:\/\/[\w.:/~%-]+$/.test(issuer) ? issuer : 'ISSUER';
  return `tokenward explain --issuer ${shown} --audience YOUR-API < token.txt`;
}

const MARKS = { passed: 'ok', failed: 'FAIL', unchecked: '-' } as const;

function reportStep(output: Output, { title, verdict, note, problem }: Step): void {
  const { style } = output;
  const paint = { passed: style.green, failed: style.red, unchecked: style.dim }[verdict];
  const why = verdict === 'unchecked' ? style.dim(` (not checked${note ? `: ${note}` : ''})`) : '';
  output.line(`${paint(MARKS[verdict].padEnd(4))}  ${verdict === 'unchecked' ? style.dim(title) : title}${why}`);
  if (problem) reportProblem(output, problem);
}

function reportProblem(output: Output, { summary, expected, found, remedy, docs }: Explanation): void {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['', summary],
    ['expected', expected],
    ['found', found],
    ['remedy', remedy],
    ['docs', docs],
  ];
  for (const [name, text] of rows) {
    if (text === undefined) continue;
    const indent = name === '' ? '      ' : `      ${name.padEnd(10)}`;
    for (const [at, line] of wrapped(text, Math.max(output.width - indent.length, 20)).entries()) {
      output.line(`${at === 0 ? indent : ' '.repeat(indent.length)}${line}`);
    }
  }
}

function reportRows(output: Output, rows: SelfDescription['rows']): void {
  const first = Math.max(...rows.map(([name]) => name.length)) + 2;
  for (const [name, value] of rows) {
    for (const [at, line] of wrapped(value, Math.max(output.width - first - 6, 20)).entries())
      output.line(`      ${(at === 0 ? name : '').padEnd(first)}${line}`);
  }
}

function reportNotes(output: Output, notes: readonly string[]): void {
  if (notes.length > 0) output.line();
  for (const note of notes) for (const line of wrapped(note, output.width)) output.line(line);
}
