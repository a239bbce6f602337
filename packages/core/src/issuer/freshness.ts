const LEAST_SECONDS = 60;
const MOST_SECONDS = 3600;

/**
 * How long a fetched document counts as fresh: what the server says (RFC 9111 s4.2.1), within our bounds, else the configured default.
 * A default below a minute lowers the lower bound.
 */
export function freshnessSeconds(headers: Headers, defaultSeconds: number): number {
  const said = saidSeconds(headers);
  if (said === undefined) return defaultSeconds;
  return Math.min(MOST_SECONDS, Math.max(Math.min(LEAST_SECONDS, defaultSeconds), said));
}

function saidSeconds(headers: Headers): number | undefined {
  const control = headers.get('cache-control')?.toLowerCase();
  if (!control) return undefined;
  const directives = control.split(',').map((directive) => directive.trim());
  if (directives.includes('no-store') || directives.includes('no-cache')) return 0;
  const maxAge = directives.find((directive) => directive.startsWith('max-age='))?.slice('max-age='.length);
  if (maxAge === undefined || !/^"?\d{1,12}"?$/.test(maxAge)) return undefined;
  const age = headers.get('age');
  const alreadySeconds = age !== null && /^\d{1,12}$/.test(age) ? Number(age) : 0;
  return Math.max(0, Number(maxAge.replaceAll('"', '')) - alreadySeconds);
}
