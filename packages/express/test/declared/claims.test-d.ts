// What users see who declare their claims once. Declarations hold for a whole program, so that this is one of its own; never run.
import express from 'express';
import {
  claim,
  createGuard,
  getAuth,
  policy,
  rawToken,
  role,
  type AppClaims,
  type Auth,
  type Claims,
  type ClaimsSchema,
  type Decision,
  type ExpressGuard,
  type Policy,
} from '@tokenward/express';
import { expectTypeOf } from 'vitest';

/** As of `z.object({ tenant: z.string(), since: z.string().transform(Number) })`: what counts is what it makes of claims. */
interface Output {
  tenant: string;
  since: number;
}
declare const claimsSchema: ClaimsSchema<Output>;

declare module '@tokenward/express' {
  interface Register {
    claims: typeof claimsSchema;
  }
}

expectTypeOf<AppClaims>().toEqualTypeOf<Output>();

expectTypeOf<Auth>().toEqualTypeOf<Auth<Output>>();
const guard = createGuard({
  issuer: 'https://login.example.com',
  audience: 'https://api.example.com',
  claims: claimsSchema,
  onDenied(decision, req) {
    // the guard's own options may ask, since the declaration does not name the guard
    expectTypeOf(getAuth(req, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
    return decision;
  },
});
expectTypeOf(guard).toEqualTypeOf<ExpressGuard<Output>>();
expectTypeOf<ExpressGuard>().toEqualTypeOf<ExpressGuard<Output>>();

const app = express();
app.get('/orders', guard(role('reader')), (req) => {
  expectTypeOf(getAuth(req).claims.tenant).toEqualTypeOf<string>();
  expectTypeOf(getAuth(req).claims.since).toEqualTypeOf<number>();
  expectTypeOf(getAuth(req, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
  expectTypeOf(req.auth?.claims.tenant).toEqualTypeOf<string | undefined>();
  expectTypeOf(guard.getAuth(req)).toEqualTypeOf<Auth>();
  expectTypeOf(guard.check(req)).toEqualTypeOf<Decision<Auth> | Promise<Decision<Auth>>>();
  const decision = guard.permit(getAuth(req), role('admin'));
  if (decision.outcome === 'allow') expectTypeOf(decision.auth.claims.tenant).toEqualTypeOf<string>();
  rawToken(getAuth(req));
  // @ts-expect-error -- the schema knows no such claim
  void getAuth(req).claims.tenantt;
  // @ts-expect-error -- nor one that it leaves out
  void getAuth(req).claims.iss;
});

expectTypeOf(policy('same tenant', (auth, request) => auth.claims.tenant === request?.params?.['tenant'])).toEqualTypeOf<Policy>();
claim('tenant', (value, auth) => {
  // of the token itself, ahead of the schema
  expectTypeOf(value).toEqualTypeOf<unknown>();
  return auth.claims.since > 0;
});

// another guard has its own claims, and one without a schema promises none
declare const partnerSchema: ClaimsSchema<{ partnerId: string }>;
const partner = createGuard({ issuer: 'https://login.example.com', audience: 'b', claims: partnerSchema });
expectTypeOf(partner.getAuth({})).toEqualTypeOf<Auth<{ partnerId: string }>>();
expectTypeOf(createGuard()).toEqualTypeOf<ExpressGuard<Claims>>();
partner(policy('known partner', (auth: Auth<{ partnerId: string }>) => auth.claims.partnerId !== ''));
