/** One process of a fleet: makes calls with the cookie that it is sent, and answers with how many got no access token. */
import { createBrowserSession } from '@tokenward/browser-session';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { redisSessions } from '@tokenward/redis';
import { sessionOptions } from './settings.ts';

export interface RefreshSettings {
  readonly issuer: string;
  readonly redisUrl: string;
  /** What is in Redis. */
  readonly keeps: 'sessions' | 'refreshes';
}

export interface RefreshOrder {
  readonly cookie: string;
  readonly calls: number;
}

export interface RefreshAnswer {
  readonly failed: number;
}

const { issuer, redisUrl: url, keeps } = JSON.parse(process.argv[2]!) as RefreshSettings;
const shared = redisSessions({ url });
const session = createBrowserSession({ ...sessionOptions(issuer), ...(keeps === 'sessions' ? { store: shared } : { refreshStore: shared }) });

process.on('message', ({ cookie, calls }: RefreshOrder) => void callAll(cookie, calls));
process.on('disconnect', () => process.exit());
await shared.warm();
process.send!('ready');

async function callAll(cookie: string, calls: number): Promise<void> {
  const request = { method: 'GET', target: '/me', headers: { cookie, 'x-tokenward-csrf': '1', 'sec-fetch-site': 'same-origin' } };
  const tokens = await Promise.all(Array.from({ length: calls }, async () => (await session[SESSION_CREDENTIALS](request))?.token));
  process.send!({ failed: tokens.filter((token) => token === undefined).length } satisfies RefreshAnswer);
}
