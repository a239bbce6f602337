import 'reflect-metadata';
import { Controller, Module, Sse, type MessageEvent } from '@nestjs/common';
import { concat, NEVER, of, type Observable } from 'rxjs';
import { CurrentAuth, guardToken, TokenwardModule, type NestGuard } from '@tokenward/nestjs';
import { onTestFinished, test } from 'vitest';
import { expectStreamEnds } from '../../testing/test/streams.js';
import { createApp, listen } from './start-nest.js';

@Controller()
class EventsController {
  @Sse('events')
  events(@CurrentAuth('subject') subject: string): Observable<MessageEvent> {
    return concat(of({ data: subject }), NEVER);
  }
}

test.each(['express', 'fastify'] as const)(
  'on %s an event stream of @Sse() ends when its token is revoked, without a word of the handler',
  async (platform) => {
    await expectStreamEnds(async (options) => {
      @Module({ imports: [TokenwardModule.forRoot(options)], controllers: [EventsController] })
      class AppModule {}

      const app = await createApp(AppModule, platform);
      const { origin, close } = await listen(app);
      onTestFinished(close);
      return { origin, revocations: app.get<NestGuard>(guardToken()).revocations };
    });
  },
);
