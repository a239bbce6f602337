import type { IntrospectionConfig } from '../issuer/introspection-config.js';
import { createAnswerSealer, type ActiveAnswer } from './introspection-seal.js';

/** The answers that the processes of a fleet share. Only those about active tokens: strangers could fill the store with the others. */
export interface SharedAnswers {
  /** Returns an answer that is still fresh. It never rejects: if the store cannot be read, the guard introspects the token. */
  find(name: string, token: string, nowSeconds: number): Promise<ActiveAnswer | undefined>;
  share(name: string, token: string, answer: ActiveAnswer, ttlSeconds: number): void;
}

/** Clocks of a fleet differ a little. */
const MAX_AHEAD_SECONDS = 5;
/** A slow store must not use up the time for asking the issuer. */
const MAX_WAIT_MS = 500;

/** @returns undefined if the issuer's options have no `cache` */
export function createSharedAnswers({ cache, cacheSecret, cacheSeconds, timeoutSeconds }: IntrospectionConfig): SharedAnswers | undefined {
  const secret = cache && cacheSeconds > 0 ? cacheSecret() : undefined;
  if (!cache || secret === undefined) return undefined;
  const sealer = createAnswerSealer(secret);
  const waitMs = Math.min(MAX_WAIT_MS, (timeoutSeconds * 1000) / 4);

  /** The age is checked again, since somebody could have put an old answer back. */
  function isFresh({ askedAt }: ActiveAnswer, nowSeconds: number): boolean {
    return nowSeconds - askedAt < cacheSeconds && askedAt - nowSeconds <= MAX_AHEAD_SECONDS;
  }

  return {
    async find(name, token, nowSeconds) {
      let timer: NodeJS.Timeout | undefined;
      try {
        const late = new Promise<undefined>((resolve) => {
          timer = setTimeout(resolve, waitMs, undefined);
          timer.unref();
        });
        const answer = sealer.open(name, token, await Promise.race([cache.get(name), late]));
        return answer && isFresh(answer, nowSeconds) ? answer : undefined;
      } catch {
        return undefined;
      } finally {
        clearTimeout(timer);
      }
    },
    share(name, token, answer, ttlSeconds) {
      if (!(ttlSeconds > 0)) return;
      try {
        Promise.resolve(cache.set(name, sealer.seal(name, token, answer), ttlSeconds)).catch(() => {});
      } catch {
        // the other processes ask for themselves
      }
    },
  };
}
