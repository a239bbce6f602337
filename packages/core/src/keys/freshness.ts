import type { Answer } from '../net/transport.js';

const LEAST_SECONDS = 60;
const MOST_SECONDS = 3600;

/**
 * How long a fetched document counts as fresh: what the server says (RFC 9111 s4.2.1), within our bounds, else the configured default.
 * A default below a minute lowers the lower bound.
 */
export function freshnessSeconds(header: Answer['header'], defaultSeconds: number): number {
  const said = saidSeconds(header);
  if (said === undefined) return defaultSeconds;
  return Math.min(MOST_SECONDS, Math.max(Math.min(LEAST_SECONDS, defaultSeconds), said));
}

function saidSeconds(header: Answer['header']): number | undefined {
  const control = header('cache-control')?.toLowerCase();
  if (!control) return undefined;
  const directives = control.split(',').map((directive) => directive.trim());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const maxAge = directives.find((directive) => directive.startsWith('max-age='))?.slice('max-age='.length);
  if (maxAge === undefined || !/^"?\d{1,12}"?$/.test(maxAge)) return undefined;
  const age = header('age');
  const alreadySeconds = age !== null && /^\d{1,12}$/.test(age) ? Number(age) : 0;
  return Math.max(0, Number(maxAge.replaceAll('"', '')) - alreadySeconds);
}
