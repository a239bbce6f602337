import type { FastifyBaseLogger } from 'fastify';
import type { Deny } from '@tokenward/core';

/** Logs a refusal: at `debug`, since any client can cause one; an outage (503) at `warn`, since operators must act on it. */
export function logRefusal(log: FastifyBaseLogger, decision: Deny): void {
  const level = decision.status === 503 ? 'warn' : 'debug';
  const { isLevelEnabled } = log as { isLevelEnabled?: (level: string) => boolean };
  if (typeof isLevelEnabled === 'function' && !isLevelEnabled.call(log, level)) return;
  const { reason, summary, expected, found, remedy } = decision.explain();
  log[level]({ tokenward: { status: decision.status, reason, expected, found, remedy } }, `request refused: ${summary}`);
}
