import { checkExample } from '@tokenward/testing/adapter-suite';

await checkExample(new URL('dist/server.js', import.meta.url));
