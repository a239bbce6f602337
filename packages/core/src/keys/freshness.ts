import type { Answer } from '../net/transport.js';

const MIN_SECONDS = 60;
const MAX_SECONDS = 3600;

/**
 * Returns how long a fetched document is fresh, in seconds: the server's value (RFC 9111 s4.2.1) within a minute and an hour, or the configured
 * default. A default below a minute lowers the minimum.
 */
export function freshnessSeconds(header: Answer['header'], defaultSeconds: number): number {
  const seconds = serverSeconds(header);
  if (seconds === undefined) return defaultSeconds;
  return Math.min(MAX_SECONDS, Math.max(Math.min(MIN_SECONDS, defaultSeconds), seconds));
}

function serverSeconds(header: Answer['header']): number | undefined {
  const control = header('cache-control')?.toLowerCase();
  if (!control) return undefined;
  const directives = control.split(',').map((directive) => directive.trim());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const maxAge = directives.find((directive) => directive.startsWith('max-age='))?.slice('max-age='.length);
  if (maxAge === undefined || !/^"?\d{1,12}"?$/.test(maxAge)) return undefined;
  const age = header('age');
  const ageSeconds = age !== null && /^\d{1,12}$/.test(age) ? Number(age) : 0;
  return Math.max(0, Number(maxAge.replaceAll('"', '')) - ageSeconds);
}
