import { memoryRevocations } from '@tokenward/core';
import type { ReplayStore, RevocationStore } from '@tokenward/core/store';

/** Two stores for a receiver of messages, one of which never answers. That of revocations takes them all the same. */
export function stuckStores(which: 'replays' | 'revocations'): { readonly store: RevocationStore; readonly replays: ReplayStore | undefined } {
  const stuck = () => new Promise<never>(() => {});
  const inner = memoryRevocations();
  return {
    store: { ...inner, add: (record) => (void inner.add(record), which === 'revocations' ? stuck() : undefined) },
    replays: which === 'replays' ? { add: stuck } : undefined,
  };
}
