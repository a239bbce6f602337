// What users see, checked by the compiler and never run. Claims are not declared here: see declared/.
import type { IncomingMessage } from 'node:http';
import express from 'express';
import {
  createGuard,
  getAuth,
  policy,
  scope,
  type Auth,
  type Claims,
  type ClaimsSchema,
  type Decision,
  type ExpressGuard,
  type ExpressGuardOptions,
} from '@tokenward/express';
import { expectTypeOf } from 'vitest';

const guard = createGuard();
const app = express();
expectTypeOf(guard).toEqualTypeOf<ExpressGuard>();
expectTypeOf<ExpressGuard>().toEqualTypeOf<ExpressGuard<Claims>>();
expectTypeOf(createGuard({} as ExpressGuardOptions)).toEqualTypeOf<ExpressGuard>();

app.get('/a', guard(), (req) => {
  expectTypeOf(getAuth(req)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(req).subject).toEqualTypeOf<string | undefined>();
  expectTypeOf(getAuth(req).claims['tenant']).toEqualTypeOf<unknown>();
  expectTypeOf(req.auth).toEqualTypeOf<Auth | undefined>();
});

app.get('/b', guard.optional(), (req) => {
  // the type does not depend on the guard: getAuth returns an Auth or throws
  expectTypeOf(getAuth(req)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(req, 'optional')).toEqualTypeOf<Auth | undefined>();
  // @ts-expect-error -- it may be undefined
  void getAuth(req, 'optional').subject;
  // @ts-expect-error -- the only word is 'optional'
  getAuth(req, 'required');
});

app.get('/c/:id', guard(scope('a')), (req, res) => {
  expectTypeOf(req.params.id).toEqualTypeOf<string>();
  res.json(getAuth(req).claims['tenant']);
});

app.get('/d/:id', guard.optional(), (req) => {
  expectTypeOf(req.params.id).toEqualTypeOf<string>();
});

interface MyClaims extends Claims {
  readonly tenant: string;
}

app.get('/e', guard(), (req) => {
  expectTypeOf(getAuth<MyClaims>(req).claims.tenant).toEqualTypeOf<string>();
  expectTypeOf(getAuth<MyClaims>(req, 'optional')?.claims.tenant).toEqualTypeOf<string | undefined>();
});

// several guards: the claims come from the guard itself
declare const partnerSchema: ClaimsSchema<{ partnerId: number }>;
const partner = createGuard({ issuer: 'https://login.example.com', audience: 'b', property: 'partner', claims: partnerSchema });
expectTypeOf(partner).toEqualTypeOf<ExpressGuard<{ partnerId: number }>>();
app.get('/f', partner(), (req) => {
  expectTypeOf(partner.getAuth(req)).toEqualTypeOf<Auth<{ partnerId: number }>>();
  expectTypeOf(partner.getAuth(req, 'optional')?.claims.partnerId).toEqualTypeOf<number | undefined>();
  // @ts-expect-error -- the schema knows no such claim
  void partner.getAuth(req).claims.tenant;
  expectTypeOf(guard.getAuth(req)).toEqualTypeOf<Auth>();
  expectTypeOf(partner.check(req)).toEqualTypeOf<Decision<Auth<{ partnerId: number }>> | Promise<Decision<Auth<{ partnerId: number }>>>>();
  const decision = partner.permit(partner.getAuth(req), scope('a'));
  if (decision.outcome === 'allow') expectTypeOf(decision.auth.claims.partnerId).toEqualTypeOf<number>();
  expectTypeOf(partner.permit(getAuth(req), scope('a'))).toEqualTypeOf<Decision<Auth>>();
});
partner(policy('is known', (auth: Auth<{ partnerId: number }>) => auth.claims.partnerId > 0));
policy('is known', (auth) => {
  expectTypeOf(auth).toEqualTypeOf<Auth>();
  return true;
});

async function upgraded(request: IncomingMessage): Promise<void> {
  const decision = await guard.check(request);
  // without 'optional', check() never admits an anonymous request
  if (decision.outcome === 'allow') expectTypeOf(decision.auth).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(request)).toEqualTypeOf<Auth>();
}
void upgraded;

app.use(guard());
app.use('/g', guard(scope('a'), scope('b')), guard.optional());
express.Router().use(guard());

// @ts-expect-error -- a name is not a policy
guard('orders:read');
// @ts-expect-error -- an unknown option
createGuard({ audiance: 'x' });
createGuard({
  onDenied(decision, req, res) {
    expectTypeOf(decision.status).toEqualTypeOf<400 | 401 | 403 | 503>();
    res
      .status(decision.status)
      .set(decision.headers as Record<string, string>)
      .json({ path: req.path });
  },
});
