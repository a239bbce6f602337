import type { AdapterResult } from './adapters/measure.ts';
import type { ShareFigures } from './adapters/share.ts';
import type { EventLoopResult } from './faults/event-loop.ts';
import type { FloodResult } from './faults/flood.ts';
import type { Figures, Spread } from './figures.ts';
import { TITLES } from './framework.ts';
import type { HostileCostResult } from './hostile-cost.ts';
import type { HostileResult } from './hostile.ts';
import type { HttpResult } from './http/measure.ts';
import type { MemoryResult } from './memory.ts';
import { FEWEST_SLICES, type ValidationResult } from './validation/measure.ts';

export function validationTable({ algorithm, tokenBytes, figures, undisturbed }: ValidationResult): string {
  const title = `${algorithm}, ${tokenBytes} bytes`;
  const rest = undisturbed.length === 0 ? `No candidate had ${FEWEST_SLICES} undisturbed slices.` : ratioTable(`${title}, undisturbed`, undisturbed);
  return `${ratioTable(title, figures)}\n\n${rest}`;
}

export function dpopTable(figures: readonly Figures[]): string {
  return ratioTable('a request with an ES256 proof', figures);
}

function ratioTable(title: string, figures: readonly Figures[]): string {
  const rows = figures.map(({ name, slices, cpuMicroseconds, cpuRatio, wallMicroseconds }) => [
    name,
    String(slices),
    cpuMicroseconds.median.toFixed(1),
    between(cpuMicroseconds, 1),
    `${cpuRatio.median.toFixed(2)} x`,
    between(cpuRatio, 2),
    wallMicroseconds.median.toFixed(1),
  ]);
  return table([title, 'slices', 'CPU µs', '(quartiles)', 'of the floor', '(quartiles)', 'wall µs'], rows);
}

export function revocationTable(figures: readonly Figures[]): string {
  return addedTable('a check of a known token, RS256', figures);
}

export function encryptionTable(figures: readonly Figures[]): string {
  return addedTable('a check of a token, RS256', figures);
}

function addedTable(title: string, figures: readonly Figures[]): string {
  const rows = figures.map(({ name, cpuMicroseconds, cpuAdded }) => [
    name,
    cpuMicroseconds.median.toFixed(2),
    between(cpuMicroseconds, 2),
    withSign(cpuAdded.median, 2),
    between(cpuAdded, 2),
  ]);
  return table([title, 'CPU µs', '(quartiles)', 'added µs', '(quartiles)'], rows);
}

export function httpTable({ framework, tokenBytes, baseline, connections, figures }: HttpResult): string {
  const rows = figures.map(({ name, perSecond, speedRatio, cpuMicroseconds, cpuAdded, cpuRatio }) => [
    name,
    perSecond.median.toFixed(0),
    `${speedRatio.median.toFixed(2)} x`,
    cpuMicroseconds.median.toFixed(0),
    between(cpuMicroseconds, 0),
    name === baseline ? '' : withSign(cpuAdded.median, 0),
    `${cpuRatio.median.toFixed(2)} x`,
  ]);
  return table(
    [
      `${TITLES[framework]}, GET /me, RS256, ${tokenBytes} bytes, ${connections} connections`,
      'requests/s',
      'of the ceiling',
      'CPU µs each',
      '(quartiles)',
      'added µs',
      'of the ceiling',
    ],
    rows,
  );
}

export function adapterTable(results: readonly AdapterResult[]): string {
  const rows = results.map(({ framework, lines, withoutToken, withToken }) => [
    TITLES[framework],
    ...shareCells(withoutToken, 'guarded', 2),
    ...shareCells(withToken, 'guarded', 1),
    ...shareCells(withoutToken, 'step', 2),
    String(lines),
  ]);
  return table(
    ["an adapter's own share, CPU µs", 'without a token', '(quartiles)', 'with a token', '(quartiles)', 'an empty step', '(quartiles)', 'lines of code'],
    rows,
  );
}

function shareCells(figures: ShareFigures, app: string, digits: number): [string, string] {
  const { cpuAdded } = figures.find(({ name }) => name === app)!;
  return [withSign(cpuAdded.median, digits), between(cpuAdded, digits)];
}

export function withSign(value: number, digits: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;
}

export function between({ lowerQuartile, upperQuartile }: Spread, digits: number): string {
  return `${lowerQuartile.toFixed(digits)}–${upperQuartile.toFixed(digits)}`;
}

/** Writes a Markdown table, aligned so that it can be read as text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export function hostileTable(results: readonly HostileResult[]): string {
  const rows = results.map(({ framework, name, accepted, failures, withoutChallenge }) => {
    const byRule = Object.entries(accepted).map(([rule, count]) => `${rule}: ${count}`);
    const total = Object.values(accepted).reduce((sum, count) => sum + count, 0);
    return [`${TITLES[framework]}: ${name}`, String(total), byRule.join(', ') || '-', String(failures), String(withoutChallenge)];
  });
  return table([`${results[0]?.tokens ?? 0} hostile tokens`, 'accepted', 'by rule', 'answered 5xx', '401 without a challenge'], rows);
}

export function hostileCostTable({ goodMicroseconds, costs }: HostileCostResult): string {
  const rows = costs.map(({ reason, rows, leastMicroseconds, medianMicroseconds, mostMicroseconds, rule, name, tokenBytes }) => [
    reason,
    String(rows),
    leastMicroseconds.toFixed(1),
    medianMicroseconds.toFixed(1),
    mostMicroseconds.toFixed(1),
    `rule ${rule}: ${name} (${tokenBytes} bytes)`,
  ]);
  return table(
    ['guard.check, refused as', 'rows', 'least µs', 'median µs', 'most µs', 'the most expensive'],
    [...rows, ['(a valid token)', '1', '', goodMicroseconds.toFixed(1), '', '']],
  );
}

export function floodTable({ goodTokens, unknownKeys, before, during, fetches, refused }: FloodResult): string {
  const row = (name: string, { p50Microseconds, p99Microseconds, promised }: FloodResult['before']): string[] => [
    name,
    p50Microseconds.toFixed(1),
    p99Microseconds.toFixed(1),
    String(promised),
  ];
  const reasons = Object.entries(refused).map(([reason, count]) => `${count} ${reason}`);
  const waits = table(
    [`${goodTokens} valid tokens`, 'p50 µs', 'p99 µs', 'as a promise'],
    [row('before', before), row(`among ${unknownKeys} unknown keys`, during)],
  );
  return `${waits}\n\nThey caused ${fetches === 1 ? 'one fetch' : `${fetches} fetches`} of the issuer's keys. Their refusals: ${reasons.join(', ')}`;
}

export function eventLoopTable(results: readonly EventLoopResult[]): string {
  const rows = results.map(({ key, name, rate, p50Milliseconds, p99Milliseconds, perSecond }) => [
    `${key}, ${name}`,
    rate === undefined ? 'all it can' : `${rate}/s`,
    p50Milliseconds.median.toFixed(2),
    p99Milliseconds.median.toFixed(2),
    between(p99Milliseconds, 2),
    perSecond.median.toFixed(0),
  ]);
  return table([`event-loop delay at ${results[0]?.connections} connections`, 'sent', 'p50 ms', 'p99 ms', '(quartiles)', 'requests/s'], rows);
}

export function memoryTable(results: readonly MemoryResult[]): string {
  const rows = results.map(({ name, heapBytes, residentBytes, estimatedBytes }) => [
    name,
    heapBytes.toFixed(0),
    residentBytes?.toFixed(0) ?? '',
    estimatedBytes?.toFixed(0) ?? '',
  ]);
  return table(['memory', 'heap bytes', 'resident bytes', 'counted as'], rows);
}
