import type { SessionResult } from '../session.ts';
import { between, table, withSign } from '../table.ts';
import type { CallsResult } from './calls.ts';
import type { RefreshesResult } from './refreshes.ts';
import type { SizesResult } from './sizes.ts';

/** Returns all tables of the session part. */
export function sessionTables({ calls, sizes, refreshes }: SessionResult): string {
  const { bytes, gzippedBytes } = sizes.page;
  const page = `The page's part has ${bytes} bytes, minified, and ${gzippedBytes} with gzip.`;
  return `${[callsTable(calls), refreshes ? refreshesTable(refreshes) : 'Refreshes were not counted: redis-server is not installed.', cookiesTable(sizes), page].join('\n\n')}\n`;
}

function callsTable({ connections, tokenBytes, figures }: CallsResult): string {
  const rows = figures.map(({ name, perSecond, cpuMicroseconds, cpuAdded, ofBearer }, index) => [
    name,
    perSecond.median.toFixed(0),
    cpuMicroseconds.median.toFixed(0),
    between(cpuMicroseconds, 0),
    index === 0 ? '' : withSign(cpuAdded.median, 1),
    ofBearer ? `${ofBearer.median.toFixed(2)} x` : '',
    ofBearer ? between(ofBearer, 2) : '',
  ]);
  const what = `Express, RS256, ${tokenBytes} bytes, ${connections} connections`;
  return table([what, 'requests/s', 'CPU µs each', '(quartiles)', 'added µs', 'of what Bearer adds', '(quartiles)'], rows);
}

function refreshesTable(results: readonly RefreshesResult[]): string {
  const rows = results.map(({ name, fewest, most, refused, failed, milliseconds }) => [
    name,
    fewest === most ? String(most) : `${fewest}–${most}`,
    String(refused),
    String(failed),
    milliseconds.median.toFixed(0),
  ]);
  const { sessions, processes, calls } = results[0]!;
  return table(
    [`${sessions} sessions, ${calls} calls in each of ${processes} processes`, 'refreshes each', 'refused', 'failed calls', 'ms for all calls'],
    rows,
  );
}

function cookiesTable({ cookies }: SizesResult): string {
  return table(
    ['session cookie', 'bytes', 'cookies'],
    cookies.map(({ name, bytes, count }) => [name, String(bytes), String(count)]),
  );
}
