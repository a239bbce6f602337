import { misuse } from './configuration-error.js';
import { shown } from './shown-option.js';

/**
 * Checks a limit that the caller of a function chose. With NaN, no comparison holds: the limit would not limit anything.
 *
 * @param path the parameter: `memoryReplays(clock, maxEntries)`
 * @throws ConfigurationError if it is not a whole number of at least `least`
 */
export function assertLimit(path: string, limit: number, least = 1): void {
  if (!(Number.isSafeInteger(limit) && limit >= least)) throw misuse(path, `must be a whole number of at least ${least} (got ${shown(limit, 'number')})`);
}
