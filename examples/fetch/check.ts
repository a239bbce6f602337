import { checkExample } from '@tokenward/testing/adapter-suite';

await checkExample(new URL('server.ts', import.meta.url));
