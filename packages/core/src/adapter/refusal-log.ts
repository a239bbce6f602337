import type { Deny } from '../decision/decision.js';
import { wasPrinted } from '../explain/hints.js';

/** A logger that takes an object and a message, as pino does. */
interface Logger {
  debug(object: object, message: string): void;
  warn(object: object, message: string): void;
}

/**
 * Logs a refusal: at `debug`, since any client can cause one; an outage (503) at `warn`, since operators must act on it. It leaves out what the guard has
 * printed on stderr.
 */
export function logRefusal(log: Logger, decision: Deny): void {
  if (wasPrinted(decision)) return;
  const level = decision.status === 503 ? 'warn' : 'debug';
  const { isLevelEnabled } = log as { isLevelEnabled?: (level: string) => boolean };
  if (typeof isLevelEnabled === 'function' && !isLevelEnabled.call(log, level)) return;
  const { summary, ...explanation } = decision.explain();
  log[level]({ tokenward: { status: decision.status, ...explanation } }, `request refused: ${summary}`);
}
