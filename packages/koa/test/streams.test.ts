import { PassThrough } from 'node:stream';
import Koa from 'koa';
import { createGuard, getAuth } from '@tokenward/koa';
import { onTestFinished, test } from 'vitest';
import { expectStreamEnds, streamUntilTheEnd } from '../../testing/test/streams.js';
import { listen } from './start-koa.js';

test('auth.signal ends an event stream when its token is revoked', async () => {
  await expectStreamEnds(async (options) => {
    const guard = createGuard(options);
    const app = new Koa();
    app.silent = true;
    app.use(guard()).use((context) => {
      const stream = new PassThrough();
      context.type = 'text/event-stream';
      context.body = stream;
      streamUntilTheEnd(getAuth(context), stream);
    });
    const { origin, close } = await listen(app, guard);
    onTestFinished(close);
    return { origin, revocations: guard.revocations };
  });
});
