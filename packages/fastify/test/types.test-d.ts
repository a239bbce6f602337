// What users see, checked by the compiler and never run.
import Fastify from 'fastify';
import { getAuth, scope, tokenward, type Auth, type Claims } from '@tokenward/fastify';
import { expectTypeOf } from 'vitest';

const app = Fastify();
void app.register(tokenward, { issuer: 'https://login.example.com', audience: 'a', protect: 'all' });

app.get<{ Params: { id: string } }>('/a/:id', { onRequest: app.guard(scope('a')) }, async (request) => {
  expectTypeOf(getAuth(request)).toEqualTypeOf<Auth>();
  expectTypeOf(request.auth).toEqualTypeOf<Auth | undefined>();
  expectTypeOf(request.params.id).toEqualTypeOf<string>();
});

app.get('/b', { config: { tokenward: scope('a') } }, async (request) => {
  // @ts-expect-error -- it may be undefined
  void request.auth.subject;
});

interface MyClaims extends Claims {
  readonly tenant: string;
}

app.get('/c', { onRequest: app.guard() }, async (request) => {
  expectTypeOf(getAuth<MyClaims>(request).claims.tenant).toEqualTypeOf<string>();
});

// @ts-expect-error -- a name is no policy
app.guard('orders:read');
// @ts-expect-error -- a rule that there is not
app.get('/d', { config: { tokenward: 'orders:read' } }, async () => {});
