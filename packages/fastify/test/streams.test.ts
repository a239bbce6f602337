import { PassThrough } from 'node:stream';
import Fastify from 'fastify';
import { getAuth, tokenward } from '@tokenward/fastify';
import { onTestFinished, test } from 'vitest';
import { expectStreamEnds, streamUntilTheEnd } from '../../testing/test/streams.js';
import { listen } from './start-fastify.js';

test('auth.signal ends an event stream when its token is revoked', async () => {
  await expectStreamEnds(async (options) => {
    const app = Fastify();
    await app.register(tokenward, options);
    app.get('/events', { onRequest: app.guard() }, async (request, reply) => {
      const stream = new PassThrough();
      streamUntilTheEnd(getAuth(request), stream);
      return reply.type('text/event-stream').send(stream);
    });
    const { origin, close } = await listen(app);
    onTestFinished(close);
    return { origin, revocations: app.guard.revocations };
  });
});
