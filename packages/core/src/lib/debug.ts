import { debuglog } from 'node:util';

const debug = debuglog('tokenward');

export function isDebugging(): boolean {
  return debug.enabled;
}

/** Writes a line for developers where `NODE_DEBUG=tokenward` asks for it. */
export function debugLine(line: () => string): void {
  if (debug.enabled) debug('%s', line());
}
