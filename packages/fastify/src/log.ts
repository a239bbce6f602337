import type { FastifyBaseLogger } from 'fastify';
import type { Deny } from '@tokenward/core';

/** Refusals are a stranger's doing, and print where the app's logger is set to `debug`; an outage is the operator's, and prints as a warning. */
export function logRefusal(log: FastifyBaseLogger, decision: Deny): void {
  const level = decision.status === 503 ? 'warn' : 'debug';
  const { isLevelEnabled } = log as { isLevelEnabled?: (level: string) => boolean };
  if (typeof isLevelEnabled === 'function' && !isLevelEnabled.call(log, level)) return;
  const { reason, summary, expected, found, remedy } = decision.explain();
  log[level]({ tokenward: { status: decision.status, reason, expected, found, remedy } }, `request refused: ${summary}`);
}
