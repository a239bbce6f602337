import { UsageError } from '../errors.js';

/** No token that a guard accepts has more, and no option has nearly as many. */
const MAX_LEVELS = 32;

/** Whether objects and lists in a value from JSON are nested deeper than a function that recurses should follow: it would overflow the stack. */
export function isNestedTooDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= MAX_LEVELS; depth++) {
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? (Object.values(one) as unknown[]) : []));
    if (level.length === 0) return false;
  }
  return true;
}

/** @throws UsageError for a value from JSON that is nested too deep. `what` names it: `--option dpop` */
export function refuseDeepNesting(value: unknown, what: string): void {
  if (isNestedTooDeep(value)) throw new UsageError(`${what} is nested more than ${MAX_LEVELS} levels deep`);
}
