// What users see, checked by the compiler and never run.
import { Router } from '@koa/router';
import Koa from 'koa';
import { createGuard, getAuth, scope, type Auth, type Claims } from '@tokenward/koa';
import { expectTypeOf } from 'vitest';

const guard = createGuard();
const app = new Koa();
const router = new Router();

router.get('/a', guard(), (ctx) => {
  expectTypeOf(getAuth(ctx)).toEqualTypeOf<Auth>();
  expectTypeOf(ctx.state.auth).toEqualTypeOf<Auth>();
});

router.get('/b', guard.optional(), (ctx) => {
  expectTypeOf(getAuth(ctx)).toEqualTypeOf<Auth | undefined>();
  expectTypeOf(ctx.state.auth).toEqualTypeOf<Auth | undefined>();
  // @ts-expect-error -- it may be undefined
  void getAuth(ctx).subject;
});

interface MyClaims extends Claims {
  readonly tenant: string;
}

router.get('/c/:id', guard(scope('a')), (ctx) => {
  expectTypeOf(getAuth<MyClaims>(ctx).claims.tenant).toEqualTypeOf<string>();
});

app.use(guard());
app.use((ctx) => {
  expectTypeOf(getAuth(ctx)).toEqualTypeOf<Auth>();
});
app.use(guard.optional());

// @ts-expect-error -- a name is no policy
guard('orders:read');
