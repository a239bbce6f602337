import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

interface Entry {
  readonly model: string;
  readonly payload: AdapterPayload;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/**
 * Stores the authorization server's sessions, grants, codes and refresh tokens. Like a database, it is separate from the server, so a change of
 * keys does not end sessions.
 */
export function createStore(): AdapterFactory {
  const entries = new Map<string, Entry>();

  return (model): Adapter => {
    const keyOf = (id: string) => `${model}:${id}`;
    const findBy = async (name: 'uid' | 'userCode', value: string) =>
      [...entries.values()].find((entry) => entry.model === model && entry.payload[name] === value && isAlive(entry))?.payload;
    return {
      async upsert(id, payload, expiresInSeconds) {
        entries.set(keyOf(id), { model, payload, expiresAt: expiresInSeconds === undefined ? Infinity : Date.now() + expiresInSeconds * 1000 });
      },
      async find(id) {
        const entry = entries.get(keyOf(id));
        return entry && isAlive(entry) ? entry.payload : undefined;
      },
      findByUid: (uid) => findBy('uid', uid),
      findByUserCode: (userCode) => findBy('userCode', userCode),
      async consume(id) {
        const entry = entries.get(keyOf(id));
        if (entry) entry.payload.consumed = Math.floor(Date.now() / 1000);
      },
      async destroy(id) {
        entries.delete(keyOf(id));
      },
      async revokeByGrantId(grantId) {
        for (const [key, entry] of entries) if (entry.model === model && entry.payload.grantId === grantId) entries.delete(key);
      },
    };
  };
}

function isAlive({ expiresAt }: Entry): boolean {
  return expiresAt > Date.now();
}
