// A program for life.test.ts: opens a store, revokes a session, closes the store or leaves it open, and must then end by itself.
import { createServer } from 'node:http';
import { redisRevocations } from '@tokenward/redis';

const [url, timeoutSeconds, how] = process.argv.slice(2) as [string, string, string];
const store = redisRevocations({ url, timeoutSeconds: Number(timeoutSeconds) });
const now = Math.floor(Date.now() / 1000);

try {
  await store.warm();
  await store.add({
    kind: 'session',
    issuer: 'https://login.example.test',
    value: 'life',
    issuedUntil: now,
    until: now + 60,
    isFinal: false,
    reason: 'logout',
  });
  process.stdout.write('done');
} catch (error) {
  process.stdout.write((error as Error).name);
}
if (how === 'served') {
  const server = createServer().listen(0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  server.close();
}
if (how !== 'left open') await store.close();
