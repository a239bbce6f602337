// What users see who declare their claims once. Declarations hold for a whole program, so that this is one of its own; never run.
import Fastify from 'fastify';
import { getAuth, policy, role, tokenward, type Auth, type ClaimsSchema, type Decision, type FastifyGuard } from '@tokenward/fastify';
import { expectTypeOf } from 'vitest';

/** As of `z.object({ tenant: z.string(), since: z.string().transform(Number) })`: what counts is what it makes of claims. */
interface Output {
  tenant: string;
  since: number;
}
declare const claimsSchema: ClaimsSchema<Output>;
declare const partnerSchema: ClaimsSchema<{ partnerId: string }>;

declare module '@tokenward/fastify' {
  interface Register {
    claims: typeof claimsSchema;
  }
}

// as Fastify wants it of every decorator that has another name
declare module 'fastify' {
  interface FastifyInstance {
    partnerGuard: FastifyGuard<{ partnerId: string }>;
  }
}

expectTypeOf<Auth>().toEqualTypeOf<Auth<Output>>();
const app = Fastify();
await app.register(tokenward, {
  issuer: 'https://login.example.com',
  audience: 'https://api.example.com',
  claims: claimsSchema,
  onDenied(decision, request) {
    expectTypeOf(request.auth?.claims.tenant).toEqualTypeOf<string | undefined>();
    return decision;
  },
});
await app.register(tokenward, { issuer: 'https://login.example.com', audience: 'b', claims: partnerSchema, decorator: 'partnerGuard', property: 'partner' });
expectTypeOf(app.guard).toEqualTypeOf<FastifyGuard<Output>>();

app.get('/orders', { onRequest: app.guard(role('reader')) }, async (request) => {
  expectTypeOf(getAuth(request)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(request).claims.since).toEqualTypeOf<number>();
  expectTypeOf(request.auth).toEqualTypeOf<Auth | undefined>();
  expectTypeOf(app.guard.getAuth(request)).toEqualTypeOf<Auth>();
  expectTypeOf(await app.guard.check(request)).toEqualTypeOf<Decision<Auth>>();
  // @ts-expect-error -- the schema knows no such claim
  void getAuth(request).claims.tenantt;
});

app.get('/partner', { onRequest: app.partnerGuard() }, async (request) => {
  expectTypeOf(app.partnerGuard.getAuth(request)).toEqualTypeOf<Auth<{ partnerId: string }>>();
  // without a declaration of the decorator
  expectTypeOf(app.getDecorator<FastifyGuard<{ partnerId: string }>>('partnerGuard').getAuth(request).claims.partnerId).toEqualTypeOf<string>();
});

policy('same tenant', (auth, request) => auth.claims.tenant === request?.params?.['tenant']);
app.get('/rule', { config: { tokenward: policy('new', ({ claims }) => claims.since > 2020) } }, async () => {});
