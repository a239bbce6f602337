// A program for sessions.test.ts: takes a lease and keeps it until it is killed.
import { redisSessions } from '@tokenward/redis';

const [url, key, ttlSeconds] = process.argv.slice(2) as [string, string, string];
const store = redisSessions({ url });
const lease = await store.lease(key, Number(ttlSeconds));
process.stdout.write(lease ? 'taken' : 'refused');
setInterval(() => {}, 1000);
