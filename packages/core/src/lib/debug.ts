import { debuglog } from 'node:util';

const debug = debuglog('tokenward');

export function isDebugging(): boolean {
  return debug.enabled;
}

/** Prints a line if `NODE_DEBUG=tokenward` is set. */
export function debugLine(line: () => string): void {
  if (debug.enabled) debug('%s', line());
}
