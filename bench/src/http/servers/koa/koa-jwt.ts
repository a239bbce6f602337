import { Router } from '@koa/router';
import jwksRsa from 'jwks-rsa';
import Koa from 'koa';
import jwt from 'koa-jwt';
import { answerFrom } from '../answer.ts';
import { listen, setting } from '../listen.ts';

const issuer = setting('ISSUER_BASE_URL');
const guard = jwt({
  secret: jwksRsa.koaJwtSecret({ jwksUri: `${issuer}/jwks`, cache: true, rateLimit: true }),
  issuer,
  audience: setting('AUDIENCE'),
  algorithms: ['RS256'],
});
const app = new Koa();
const router = new Router();

router.get('/me', guard, (ctx) => {
  ctx.body = answerFrom(ctx.state['user'] as Record<string, unknown>);
});

app.use(router.routes()).use(router.allowedMethods());
listen(app);
