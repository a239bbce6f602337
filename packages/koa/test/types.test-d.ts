// What users see, checked by the compiler and never run. Claims are not declared here: see declared/.
import { Router } from '@koa/router';
import Koa from 'koa';
import { createGuard, getAuth, scope, type Auth, type Claims, type ClaimsSchema, type Decision, type KoaGuard } from '@tokenward/koa';
import { expectTypeOf } from 'vitest';

const guard = createGuard();
const app = new Koa();
const router = new Router();

router.get('/a', guard(), (ctx) => {
  expectTypeOf(getAuth(ctx)).toEqualTypeOf<Auth>();
  expectTypeOf(ctx.state.auth).toEqualTypeOf<Auth | undefined>();
});

router.get('/b', guard.optional(), (ctx) => {
  // the type does not depend on the guard: getAuth returns an Auth or throws
  expectTypeOf(getAuth(ctx)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(ctx, 'optional')).toEqualTypeOf<Auth | undefined>();
  expectTypeOf(ctx.state.auth).toEqualTypeOf<Auth | undefined>();
  // @ts-expect-error -- it may be undefined
  void getAuth(ctx, 'optional').subject;
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

// several guards: the claims come from the guard itself
declare const partnerSchema: ClaimsSchema<{ partnerId: number }>;
const partner = createGuard({ issuer: 'https://login.example.com', audience: 'b', property: 'partner', claims: partnerSchema });
router.get('/d', partner(), async (ctx) => {
  expectTypeOf(partner.getAuth(ctx)).toEqualTypeOf<Auth<{ partnerId: number }>>();
  expectTypeOf(partner.getAuth(ctx, 'optional')?.claims.partnerId).toEqualTypeOf<number | undefined>();
  expectTypeOf(await partner.check(ctx)).toEqualTypeOf<Decision<Auth<{ partnerId: number }>>>();
  expectTypeOf(guard.getAuth(ctx).claims['tenant']).toEqualTypeOf<unknown>();
});
expectTypeOf(guard).toEqualTypeOf<KoaGuard<Claims>>();

// @ts-expect-error -- a name is not a policy
guard('orders:read');
