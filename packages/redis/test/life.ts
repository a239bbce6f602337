// A program of its own: opens a store, does what it is told, closes it or not, and has to come to its end.
import { createServer } from 'node:http';
import { redisRevocations } from '@tokenward/redis';

const [url, how] = process.argv.slice(2) as [string, string];
const store = redisRevocations({ url, timeoutSeconds: 0.4 });
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
