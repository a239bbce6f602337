import { createNestApp } from '../../../nestjs-app.ts';
import { ownAnswer, type Answer } from '../answer.ts';
import { setting } from '../listen.ts';
import { serve, wantedPlatform } from './serve.ts';

const answer = ownAnswer(setting('ISSUER_BASE_URL'));

class Me {
  me(): Answer {
    return answer;
  }
}

await serve(await createNestApp(wantedPlatform(), Me));
