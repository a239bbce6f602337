import { Router } from '@koa/router';
import Koa from 'koa';
import { ownAnswer } from '../answer.ts';
import { listen, setting } from '../listen.ts';

const me = ownAnswer(setting('ISSUER_BASE_URL'));
const app = new Koa();
const router = new Router();

router.get('/me', (ctx) => {
  ctx.body = me;
});

app.use(router.routes()).use(router.allowedMethods());
listen(app);
