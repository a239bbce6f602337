/** Collects the young generation, so that each candidate pays for its own garbage within its own slice. */
export function collectYoungGarbage(): void {
  if (!globalThis.gc) throw new Error('start Node with --expose-gc');
  globalThis.gc({ type: 'minor', execution: 'sync' });
}
