// What users see who declare their claims once. Declarations hold for a whole program, so that this is one of its own; never run.
import { Router } from '@koa/router';
import Koa from 'koa';
import { createGuard, getAuth, policy, role, type Auth, type Claims, type ClaimsSchema, type Decision, type KoaGuard } from '@tokenward/koa';
import { expectTypeOf } from 'vitest';

/** As of `z.object({ tenant: z.string(), since: z.string().transform(Number) })`: what counts is what it makes of claims. */
interface Output {
  tenant: string;
  since: number;
}
declare const claimsSchema: ClaimsSchema<Output>;

declare module '@tokenward/koa' {
  interface Register {
    claims: typeof claimsSchema;
  }
}

expectTypeOf<Auth>().toEqualTypeOf<Auth<Output>>();
const guard = createGuard({
  issuer: 'https://login.example.com',
  audience: 'https://api.example.com',
  claims: claimsSchema,
  onDenied(decision, ctx) {
    expectTypeOf(getAuth(ctx, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
    return decision;
  },
});
expectTypeOf(guard).toEqualTypeOf<KoaGuard<Output>>();
expectTypeOf<KoaGuard>().toEqualTypeOf<KoaGuard<Output>>();

const router = new Router();
router.get('/orders', guard(role('reader')), async (ctx) => {
  expectTypeOf(getAuth(ctx)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(ctx).claims.since).toEqualTypeOf<number>();
  expectTypeOf(ctx.state.auth).toEqualTypeOf<Auth | undefined>();
  expectTypeOf(guard.getAuth(ctx)).toEqualTypeOf<Auth>();
  expectTypeOf(await guard.check(ctx)).toEqualTypeOf<Decision<Auth>>();
  // @ts-expect-error -- the schema knows no such claim
  void getAuth(ctx).claims.tenantt;
});
new Koa().use(guard()).use((ctx) => {
  expectTypeOf(getAuth(ctx).claims.tenant).toEqualTypeOf<string>();
  expectTypeOf(ctx.state.auth?.claims.tenant).toEqualTypeOf<string | undefined>();
});

policy('same tenant', (auth, request) => auth.claims.tenant === request?.params?.['tenant']);

// another guard has its own claims, and one without a schema promises none
declare const partnerSchema: ClaimsSchema<{ partnerId: string }>;
const partner = createGuard({ issuer: 'https://login.example.com', audience: 'b', claims: partnerSchema });
expectTypeOf(partner.getAuth({} as Koa.Context)).toEqualTypeOf<Auth<{ partnerId: string }>>();
expectTypeOf(createGuard()).toEqualTypeOf<KoaGuard<Claims>>();
