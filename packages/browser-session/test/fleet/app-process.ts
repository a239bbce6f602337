import { createBrowserSession, type BrowserSessionOptions } from '@tokenward/browser-session';
import { redisRevocations, redisSessions } from '@tokenward/redis';
import { startAppServer } from '../app-server.ts';

/** What the test sends to a new process. */
export interface AppProcessOptions extends Pick<
  BrowserSessionOptions,
  'issuer' | 'clientId' | 'clientSecret' | 'origin' | 'secrets' | 'scope' | 'resource' | 'timeoutSeconds'
> {
  /** By how many seconds the clock is ahead, so that a token is due. */
  readonly aheadSeconds: number;
  /** Where the fleet keeps what it shares. */
  readonly redisUrl?: string | undefined;
  /** What is kept there, besides the revocations. */
  readonly redisKeeps?: 'sessions' | 'refreshes' | undefined;
}

/** What it answers: its own address, and then `held` when it is about to answer a call to the API and was told to hold. */
export type AppProcessMessage = { readonly base: string } | 'held';

process.once('message', (given) => {
  void serve(given as AppProcessOptions);
});
process.on('disconnect', () => process.exit());

async function serve({ aheadSeconds, redisUrl: url, redisKeeps, ...options }: AppProcessOptions): Promise<void> {
  const app = await startAppServer();
  app.session = createBrowserSession({
    ...options,
    ...(url !== undefined && {
      revocations: redisRevocations({ url }),
      [redisKeeps === 'sessions' ? 'store' : 'refreshStore']: redisSessions({ url }),
    }),
    clock: { now: () => Date.now() + aheadSeconds * 1000, monotonic: () => performance.now() },
  });
  await app.session.warm();
  app.beforeAnswer = ({ headers }) => {
    if (headers['x-hold'] === undefined) return undefined;
    process.send!('held' satisfies AppProcessMessage);
    // until it is killed
    return new Promise(() => {});
  };
  process.send!({ base: app.origin } satisfies AppProcessMessage);
}
