import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { BrowserSessionOptions } from '@tokenward/browser-session';
import { redisRevocations, redisSessions } from '@tokenward/redis';
import type { Framework } from '../frameworks/app-parts.ts';
import { API } from '../provider.ts';

/** An app that shares its sessions' ends with other processes through Redis. It can be sent to another process. */
export interface RedisAppOptions {
  readonly session: BrowserSessionOptions;
  readonly port: number;
  /** The API behind the proxy. */
  readonly api: string;
  readonly redisUrl: string;
  /** Whether sessions are in Redis. Otherwise they are in encrypted cookies, and Redis has the revocations alone. */
  readonly hasStore: boolean;
}

/** Starts the app on a framework. Returns a function that ends it. */
export async function startRedisApp(
  create: Framework['create'],
  { session, port, api, redisUrl: url, hasStore }: RedisAppOptions,
): Promise<() => Promise<void>> {
  const server = createServer();
  const store = hasStore ? redisSessions({ url }) : undefined;
  const revocations = redisRevocations({ url });
  await Promise.all([store?.warm(), revocations.warm()]);
  const app = await create({ options: { ...session, store, revocations }, audience: API, api, server });
  if (app.listener) server.on('request', app.listener as RequestListener);
  server.on('upgrade', (request, socket, head) => void app.upgrade(request, socket, head));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    server.closeAllConnections();
    server.close();
    await app.close();
    await Promise.all([store?.close(), revocations.close()]);
  };
}
