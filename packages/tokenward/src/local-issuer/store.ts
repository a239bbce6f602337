import { createLruMap } from '@tokenward/core/store';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Entry {
  readonly payload: AdapterPayload;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Entries of each kind: sessions, codes, refresh tokens. More evict the least recently used ones. */
const MAX_ENTRIES = 10_000;

/** Keeps the issuer's sessions, codes and tokens in the memory of this process. */
export function createStore(): AdapterFactory {
  return (): Adapter => {
    const entries = createLruMap<Entry>(MAX_ENTRIES);
    const idsByUid = createLruMap<string>(MAX_ENTRIES);
    const idsByGrant = createLruMap<Set<string>>(MAX_ENTRIES);

    async function find(id: string): Promise<AdapterPayload | undefined> {
      const entry = entries.get(id);
      return entry && entry.expiresAt > Date.now() ? entry.payload : undefined;
    }

    return {
      async upsert(id, payload, expiresInSeconds) {
        entries.set(id, { payload, expiresAt: expiresInSeconds ? Date.now() + expiresInSeconds * 1000 : Infinity });
        if (payload.uid !== undefined) idsByUid.set(payload.uid, id);
        if (payload.grantId !== undefined) (idsByGrant.get(payload.grantId) ?? idsByGrant.set(payload.grantId, new Set())).add(id);
      },
      find,
      findByUid: async (uid) => {
        const id = idsByUid.get(uid);
        return id === undefined ? undefined : find(id);
      },
      // the device flow is off
      findByUserCode: async () => undefined,
      async consume(id) {
        const entry = entries.get(id);
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        entries.delete(id);
      },
      async revokeByGrantId(grantId) {
        for (const id of idsByGrant.get(grantId) ?? []) entries.delete(id);
        idsByGrant.delete(grantId);
      },
    };
  };
}
