import { bodyOf } from './body-of.js';

/** Keeps the access token of a page: in memory only. */
export interface AccessToken {
  /** Returns a token that is valid for some seconds; undefined if nobody is logged in. */
  get(): Promise<string | undefined>;
  /** Returns another token than the one that an API refused; undefined if there is none. */
  renew(refused: string): Promise<string | undefined>;
  forget(): void;
}

interface Answer {
  readonly accessToken: string;
  /** In seconds since the epoch, by the server's clock. */
  readonly expiresAt: number;
}

/** As long as the tab whose turn it is may take for its answer. */
const TURN_MS = 30_000;

/**
 * Creates the keeper of the access token.
 *
 * @param ask calls the token route. The server refreshes the token at the issuer, if that is due.
 */
export function createAccessToken(path: string, refreshAheadSeconds: number, ask: () => Promise<Response>): AccessToken {
  let token: string | undefined;
  /** By the page's monotonic clock, because its wall clock may be wrong. */
  let endsAtMs = 0;
  let pending: Promise<string | undefined> | undefined;
  /** Grows when the token is forgotten: an answer that was under way then must not bring it back. */
  let generation = 0;

  async function load(): Promise<string | undefined> {
    const asked = generation;
    const response = await ask();
    if (response.status === 401) {
      token = undefined;
      return undefined;
    }
    const { accessToken, expiresAt } = await bodyOf<Answer>(response);
    if (asked !== generation) return undefined;
    const date = Date.parse(response.headers.get('date') ?? '');
    endsAtMs = performance.now() + expiresAt * 1000 - (Number.isNaN(date) ? Date.now() : date);
    return (token = accessToken);
  }

  function loadAlone(): Promise<string | undefined> {
    pending ??= loadInTurn().finally(() => (pending = undefined));
    return pending;
  }

  /** One tab at a time asks, so that the tabs of a session make one refresh. A tab that stands still keeps the others waiting no longer than this. */
  async function loadInTurn(): Promise<string | undefined> {
    let isMyTurn = false;
    try {
      return await navigator.locks.request(`tokenward ${path}`, { signal: AbortSignal.timeout(TURN_MS) }, () => {
        isMyTurn = true;
        return load();
      });
    } catch (error) {
      if (isMyTurn) throw error;
      // an old browser has no locks
      return load();
    }
  }

  return {
    get: async () => (token !== undefined && performance.now() < endsAtMs - refreshAheadSeconds * 1000 ? token : loadAlone()),
    async renew(refused) {
      const current = token === refused ? await loadAlone() : token;
      return current === refused ? undefined : current;
    },
    forget() {
      token = undefined;
      generation++;
    },
  };
}
