import { isObserved, type Events } from './events.js';

/** Prints process warnings about outages that nobody listens to, so that they are not silent. */
export interface OutageWarnings {
  /** Call it at each failure: only the first one of an outage warns. `message` says what failed and what still works, and holds no secret. */
  began(name: string, message: string): void;
  /** Call it at each success: warns only where the outage was warned about. */
  ended(name: string, message: string): void;
  /** Ends an outage without a word: the guard or store was closed. */
  forget(name: string): void;
}

/** At most so many outages are warned about at a time: a thousand tenants of one server print no thousand lines. */
const MAX_OPEN = 20;

/**
 * Creates the warnings of one guard or store. An outage prints one warning at its start and one at its end, with the code `TOKENWARD_OUTAGE`.
 * Nothing is printed where somebody listens to `event`.
 *
 * @example
 * const warnings = createOutageWarnings('tokenward:revocations-failed');
 * warnings.began(where, `tokenward: the revocations at ${where} are unreachable: ${words}`);
 */
export function createOutageWarnings(event: keyof Events): OutageWarnings {
  const open = new Set<string>();
  let unnamed = 0;

  return {
    began(name, message) {
      if (open.has(name) || isObserved(event)) return;
      if (open.size < MAX_OPEN) {
        open.add(name);
        warn(message);
      } else if (unnamed++ === 0) warn(`tokenward: there are more outages like these ${MAX_OPEN}; listen to ${event} to see them all`);
    },
    ended(name, message) {
      if (!open.delete(name)) return;
      if (open.size === 0) unnamed = 0;
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
