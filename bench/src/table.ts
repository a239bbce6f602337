import type { Spread } from './figures.ts';
import type { HostileResult } from './hostile.ts';
import type { HttpResult } from './http/measure.ts';
import type { ValidationResult } from './validation/measure.ts';

export function validationTable({ algorithm, tokenBytes, figures }: ValidationResult): string {
  const rows = figures.map(({ name, cpuMicroseconds, cpuRatio, wallMicroseconds }) => [
    name,
    cpuMicroseconds.median.toFixed(1),
    between(cpuMicroseconds, 1),
    `${cpuRatio.median.toFixed(2)} x`,
    between(cpuRatio, 2),
    wallMicroseconds.median.toFixed(1),
  ]);
  return table([`${algorithm}, ${tokenBytes} bytes`, 'CPU µs', '(quartiles)', 'of the floor', '(quartiles)', 'wall µs'], rows);
}

export function httpTable({ tokenBytes, baseline, connections, figures }: HttpResult): string {
  const ceiling = figures.find(({ name }) => name === baseline)!;
  const rows = figures.map((row) => [
    row.name,
    row.perSecond.median.toFixed(0),
    row.cpuMicroseconds.median.toFixed(0),
    between(row.cpuMicroseconds, 0),
    row === ceiling ? '' : `+${(row.cpuMicroseconds.median - ceiling.cpuMicroseconds.median).toFixed(0)}`,
    `${row.cpuRatio.median.toFixed(2)} x`,
  ]);
  return table(
    [`GET /me, RS256, ${tokenBytes} bytes, ${connections} connections`, 'requests/s', 'CPU µs each', '(quartiles)', 'added µs', 'of the ceiling'],
    rows,
  );
}

function between({ lowerQuartile, upperQuartile }: Spread, digits: number): string {
  return `${lowerQuartile.toFixed(digits)}–${upperQuartile.toFixed(digits)}`;
}

/** As Markdown has it, and aligned for those who read it as it is. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export function hostileTable(results: readonly HostileResult[]): string {
  const rows = results.map(({ name, accepted, failures, withoutChallenge }) => {
    const byRule = Object.entries(accepted).map(([rule, count]) => `${rule}: ${count}`);
    const total = Object.values(accepted).reduce((sum, count) => sum + count, 0);
    return [name, String(total), byRule.join(', ') || '-', String(failures), String(withoutChallenge)];
  });
  return table([`${results[0]?.tokens ?? 0} hostile tokens`, 'accepted', 'by rule', 'answered 5xx', '401 without a challenge'], rows);
}
