import express from 'express';
import { createGuard, getAuth } from '@tokenward/express';
import { onTestFinished, test } from 'vitest';
import { expectStreamEnds, streamUntilTheEnd } from '../../testing/test/streams.js';
import { listen } from './start-express.js';

test('auth.signal ends an event stream when its token is revoked', async () => {
  await expectStreamEnds(async (options) => {
    const guard = createGuard(options);
    const app = express();
    app.get('/events', guard(), (request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      streamUntilTheEnd(getAuth(request), response);
    });
    const { origin, close } = await listen(app, guard);
    onTestFinished(close);
    return { origin, revocations: guard.revocations };
  });
});
