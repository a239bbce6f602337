import { Router } from '@koa/router';
import Koa, { type Context, type Next } from 'koa';
import type { Answer } from '../answer.ts';
import { createFloor } from '../floor.ts';
import { listen } from '../listen.ts';

const floor = createFloor();
const app = new Koa();
const router = new Router();

function guard(ctx: Context, next: Next): Promise<unknown> {
  const { authorization } = ctx.req.headers;
  const known = floor.known(authorization);
  if (known) {
    ctx.state['me'] = known;
    return next();
  }
  return floor.verified(authorization).then((me) => {
    if (!me) {
      ctx.status = 401;
      return undefined;
    }
    ctx.state['me'] = me;
    return next();
  });
}

router.get('/me', guard, (ctx) => {
  const { subject, issuer, clientId, scopes, roles } = ctx.state['me'] as Answer;
  ctx.body = { subject, issuer, clientId, scopes, roles };
});

app.use(router.routes()).use(router.allowedMethods());
listen(app);
