import { pageOf } from '../explain/explanation.js';
import type { Reason } from '../vocabulary/reason.js';
import { isObserved, type Events } from './events.js';

/** What is special about an outage. */
export interface OutageDetails {
  /** Whether the caller of `warm()` gets the message, as an error. Then only the end of the outage is printed. Default: false. */
  readonly isTold?: boolean | undefined;
  /** Why requests are refused, if not for the usual reason of the event. */
  readonly reason?: Reason | undefined;
}

/** Prints process warnings about outages, unless somebody listens to their events. */
export interface OutageWarnings {
  /** Call it at each failure. Only the first one of an outage prints a warning. `message` says what failed and what still works, without secrets. */
  began(name: string, message: string, details?: OutageDetails): void;
  /** Call it at each success. It prints a warning only if the beginning of the outage was printed, or told to the caller of `warm()`. */
  ended(name: string, message: string): void;
  /** Call it when the guard or store is closed. The end of the outage is then not printed. */
  forget(name: string): void;
}

/** The most outages that are printed at a time: an outage of a server with a thousand tenants must not print a thousand lines. */
const MAX_OPEN = 20;

/** Why requests are refused during an outage: its page says what to do. */
const REASONS: Partial<Record<keyof Events, Reason>> = {
  'tokenward:keys-failed': 'keys_unavailable',
  'tokenward:revocations-failed': 'revocations_unavailable',
  'tokenward:introspected': 'introspection_unavailable',
};

/**
 * Creates the warnings of one guard or store. An outage prints one warning at its start and one at its end, with the code `TOKENWARD_OUTAGE`.
 * It prints nothing if somebody listens to `event`; without an event, it always prints.
 *
 * @example
 * const warnings = createOutageWarnings('tokenward:revocations-failed');
 * warnings.began(where, `tokenward: the revocations at ${where} are unreachable: ${words}`);
 */
export function createOutageWarnings(event?: keyof Events): OutageWarnings {
  const open = new Set<string>();
  let suppressed = 0;
  const usualReason = event && REASONS[event];

  return {
    began(name, message, { isTold = false, reason = usualReason } = {}) {
      if (open.has(name) || (event && isObserved(event))) return;
      if (open.size < MAX_OPEN) {
        open.add(name);
        if (!isTold) warn(reason ? `${message} (${pageOf(reason)})` : message);
      } else if (suppressed++ === 0) warn(`tokenward: there are more than ${MAX_OPEN} such outages${event ? `; listen to ${event} to see them all` : ''}`);
    },
    ended(name, message) {
      if (!open.delete(name)) return;
      if (open.size === 0) suppressed = 0;
      warn(message);
    },
    forget(name) {
      open.delete(name);
    },
  };
}

function warn(message: string): void {
  process.emitWarning(message, { code: 'TOKENWARD_OUTAGE' });
}
