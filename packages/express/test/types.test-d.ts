// What users see, checked by the compiler and never run.
import express from 'express';
import { createGuard, getAuth, scope, type Auth, type Claims } from '@tokenward/express';
import { expectTypeOf } from 'vitest';

const guard = createGuard();
const app = express();

app.get('/a', guard(), (req) => {
  expectTypeOf(getAuth(req)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(req).subject).toEqualTypeOf<string | undefined>();
  expectTypeOf(req.auth).toEqualTypeOf<Auth | undefined>();
});

app.get('/b', guard.optional(), (req) => {
  expectTypeOf(getAuth(req)).toEqualTypeOf<Auth | undefined>();
  // @ts-expect-error -- it may be undefined
  void getAuth(req).subject;
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
});

app.get('/f', guard.optional(), (req) => {
  expectTypeOf(getAuth<MyClaims>(req)?.claims.tenant).toEqualTypeOf<string | undefined>();
});

app.use(guard());
app.use('/g', guard(scope('a'), scope('b')), guard.optional());
express.Router().use(guard());

// @ts-expect-error -- a name is no policy
guard('orders:read');
// @ts-expect-error -- an option that there is not
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
