// What users see, checked by the compiler and never run. Claims are not declared here: see declared/.
import { Hono } from 'hono';
import {
  claim,
  createGuard,
  getAuth,
  scope,
  type Auth,
  type AuthVariables,
  type Claims,
  type ClaimsSchema,
  type Decision,
  type HonoGuard,
} from '@tokenward/hono';
import { expectTypeOf } from 'vitest';

const guard = createGuard();
const app = new Hono();

// a guard on a route types the variable of its handler
app.get('/a', guard(scope('a')), (c) => {
  expectTypeOf(c.get('auth')).toEqualTypeOf<Auth<Claims>>();
  expectTypeOf(c.var.auth.subject).toEqualTypeOf<string | undefined>();
  expectTypeOf(getAuth(c)).toEqualTypeOf<Auth>();
  return c.text('');
});
app.get('/b', guard.optional(), (c) => {
  expectTypeOf(c.get('auth')).toEqualTypeOf<Auth<Claims> | undefined>();
  expectTypeOf(getAuth(c, 'optional')).toEqualTypeOf<Auth | undefined>();
  return c.text('');
});
app.get(
  '/tenants/:tenant',
  guard((c) => claim('tenant', c.req.param('tenant')!)),
  (c) => c.text(c.req.param('tenant')),
);

// an app-wide guard: the variables are declared, or follow from the chain
const declared = new Hono<{ Variables: AuthVariables }>();
declared.use(guard());
declared.get('/c', (c) => {
  expectTypeOf(c.get('auth')).toEqualTypeOf<Auth>();
  return c.text('');
});
new Hono().use(guard()).get('/d', (c) => {
  expectTypeOf(c.get('auth').subject).toEqualTypeOf<string | undefined>();
  return c.text('');
});
app.use(guard.inFront());
app.use(guard.metadata());
app.post('/logout', guard.backchannelLogout({ clientId: 'web-app' }));

// by hand
app.get('/e', async (c) => {
  await guard(scope('a'))(c);
  const decision = await guard.check(c);
  expectTypeOf(decision).toEqualTypeOf<Decision<Auth<Claims>>>();
  return decision.outcome === 'deny' ? guard.refuse(decision, c) : c.text('');
});

// @ts-expect-error -- a name is not a policy
guard('orders:read');
createGuard({ onDenied: (decision, c) => c.html('<h1>No</h1>', decision.status) });
// @ts-expect-error -- onDenied returns a response, or the decision
createGuard({ onDenied: () => 'text' });

// several guards: the claims come from the guard itself
declare const partnerSchema: ClaimsSchema<{ partnerId: number }>;
const partner = createGuard({ issuer: 'https://login.example.com', audience: 'b', property: 'partner', claims: partnerSchema });
app.get('/f', partner(), (c) => {
  expectTypeOf(partner.getAuth(c)).toEqualTypeOf<Auth<{ partnerId: number }>>();
  return c.text('');
});
expectTypeOf(guard).toEqualTypeOf<HonoGuard<Claims>>();
