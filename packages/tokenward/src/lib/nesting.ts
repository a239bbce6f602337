import { MAX_JSON_DEPTH } from '@tokenward/core/diagnosis';
import { UsageError } from '../errors.js';

/**
 * Whether objects and lists in a value from JSON are nested deeper than a function that recurses should follow: it would overflow the stack. No token that a
 * guard accepts has more levels, and no option has nearly as many. Empty objects and lists count.
 */
export function isNestedTooDeep(value: unknown): boolean {
  let level = nestedIn([value]);
  for (let depth = 0; depth < MAX_JSON_DEPTH && level.length > 0; depth++) level = nestedIn(level.flatMap((one) => Object.values(one) as unknown[]));
  return level.length > 0;
}

function nestedIn(values: readonly unknown[]): readonly object[] {
  return values.filter((one): one is object => typeof one === 'object' && one !== null);
}

/** @throws UsageError for a value from JSON that is nested too deep. `what` names it: `--option dpop` */
export function refuseDeepNesting(value: unknown, what: string): void {
  if (isNestedTooDeep(value)) throw new UsageError(`${what} is nested more than ${MAX_JSON_DEPTH} levels deep`);
}
