/** A candidate pays for the garbage that it makes, within its own slice. */
export function collectYoungGarbage(): void {
  if (!globalThis.gc) throw new Error('start Node with --expose-gc');
  globalThis.gc({ type: 'minor', execution: 'sync' });
}
