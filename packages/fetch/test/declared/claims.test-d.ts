// What users see who declare their claims once. Declarations hold for a whole program, so that this is one of its own; never run.
import { createGuard, getAuth, policy, type Auth, type Claims, type ClaimsSchema, type FetchGuard } from '@tokenward/fetch';
import { expectTypeOf } from 'vitest';

interface Output {
  tenant: string;
  since: number;
}
declare const claimsSchema: ClaimsSchema<Output>;

declare module '@tokenward/fetch' {
  interface Register {
    claims: typeof claimsSchema;
  }
}

const guard = createGuard({
  issuer: 'https://login.example.com',
  audience: 'https://api.example.com',
  claims: claimsSchema,
  onDenied(decision, request) {
    expectTypeOf(getAuth(request, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
    return decision;
  },
});
expectTypeOf(guard).toEqualTypeOf<FetchGuard<Output>>();
expectTypeOf<FetchGuard>().toEqualTypeOf<FetchGuard<Output>>();

guard.protect((request) => {
  expectTypeOf(getAuth(request)).toEqualTypeOf<Auth<Output>>();
  // @ts-expect-error -- the schema knows no such claim
  void getAuth(request).claims.tenantt;
  return Response.json(guard.getAuth(request).claims.since);
});
policy('same tenant', (auth, request) => auth.claims.tenant === request?.params?.['tenant']);
expectTypeOf(createGuard()).toEqualTypeOf<FetchGuard<Claims>>();
