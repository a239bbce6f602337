// What users see who declare their claims once. Declarations hold for a whole program, so that this is one of its own; never run.
import { Hono } from 'hono';
import { createGuard, getAuth, policy, type Auth, type Claims, type ClaimsSchema, type HonoGuard } from '@tokenward/hono';
import { expectTypeOf } from 'vitest';

interface Output {
  tenant: string;
  since: number;
}
declare const claimsSchema: ClaimsSchema<Output>;

declare module '@tokenward/hono' {
  interface Register {
    claims: typeof claimsSchema;
  }
}

const guard = createGuard({
  issuer: 'https://login.example.com',
  audience: 'https://api.example.com',
  claims: claimsSchema,
  onDenied(decision, c) {
    expectTypeOf(getAuth(c, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
    return decision;
  },
});
expectTypeOf(guard).toEqualTypeOf<HonoGuard<Output>>();
expectTypeOf<HonoGuard>().toEqualTypeOf<HonoGuard<Output>>();

new Hono().get('/orders', guard(), (c) => {
  expectTypeOf(getAuth(c)).toEqualTypeOf<Auth<Output>>();
  expectTypeOf(c.get('auth').claims.tenant).toEqualTypeOf<string>();
  // @ts-expect-error -- the schema knows no such claim
  void getAuth(c).claims.tenantt;
  return c.json(guard.getAuth(c).claims.since);
});
policy('same tenant', (auth, request) => auth.claims.tenant === request?.params?.['tenant']);
expectTypeOf(createGuard()).toEqualTypeOf<HonoGuard<Claims>>();
