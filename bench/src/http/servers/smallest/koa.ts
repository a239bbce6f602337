import { Router } from '@koa/router';
import { createGuard, getAuth } from '@tokenward/koa';
import Koa from 'koa';
import { listen } from '../listen.ts';

// reads ISSUER_BASE_URL and AUDIENCE
const guard = createGuard();
const app = new Koa();
const router = new Router();

router.get('/me', guard(), (ctx) => {
  const { subject, issuer, clientId = null, scopes, roles } = getAuth(ctx);
  ctx.body = { subject, issuer, clientId, scopes, roles };
});

app.use(router.routes()).use(router.allowedMethods());
listen(app);
