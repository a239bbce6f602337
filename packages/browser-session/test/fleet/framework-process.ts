import { fastifyApp } from '../frameworks/fastify.ts';
import { nodeApp } from '../frameworks/node.ts';
import { startRedisApp, type RedisAppOptions } from './redis-app.ts';

/** What the test sends to a new process: the apps that it runs, each on one framework. */
export interface FrameworkProcessOptions {
  readonly fastify: RedisAppOptions;
  readonly node: RedisAppOptions;
}

process.once('message', (given) => {
  void serve(given as FrameworkProcessOptions);
});
process.on('disconnect', () => process.exit());

async function serve({ fastify, node }: FrameworkProcessOptions): Promise<void> {
  await Promise.all([startRedisApp(fastifyApp, fastify), startRedisApp(nodeApp, node)]);
  process.send!({ base: `http://127.0.0.1:${fastify.port}` });
}
