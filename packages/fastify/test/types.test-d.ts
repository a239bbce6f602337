// What users see, checked by the compiler and never run. Claims are not declared here: see declared/.
import Fastify, { type FastifyBaseLogger, type FastifyTypeProvider } from 'fastify';
import { getAuth, scope, tokenward, type Auth, type Claims, type Decision, type FastifyGuard } from '@tokenward/fastify';
import { expectTypeOf } from 'vitest';

const app = Fastify();
void app.register(tokenward, { issuer: 'https://login.example.com', audience: 'a', protect: 'all' });

app.get<{ Params: { id: string } }>('/a/:id', { onRequest: app.guard(scope('a')) }, async (request) => {
  expectTypeOf(getAuth(request)).toEqualTypeOf<Auth>();
  expectTypeOf(getAuth(request, 'optional')).toEqualTypeOf<Auth | undefined>();
  expectTypeOf(getAuth(request).claims['tenant']).toEqualTypeOf<unknown>();
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

// several guards: the claims come from the guard itself
app.get('/partner', async (request) => {
  const partner = app.getDecorator<FastifyGuard<{ partnerId: number }>>('partnerGuard');
  expectTypeOf(partner.getAuth(request)).toEqualTypeOf<Auth<{ partnerId: number }>>();
  expectTypeOf(partner.getAuth(request, 'optional')?.claims.partnerId).toEqualTypeOf<number | undefined>();
  expectTypeOf(await partner.check(request)).toEqualTypeOf<Decision<Auth<{ partnerId: number }>>>();
  expectTypeOf(app.guard).toEqualTypeOf<FastifyGuard<Claims>>();
});

// @ts-expect-error -- a name is not a policy
app.guard('orders:read');
// @ts-expect-error -- an unknown rule
app.get('/d', { config: { tokenward: 'orders:read' } }, async () => {});

const overHttp2 = Fastify({ http2: true, https: {} });
void overHttp2.register(tokenward, { issuer: 'https://login.example.com', audience: 'a' });
overHttp2.addHook('onRequest', overHttp2.guard());
overHttp2.get('/e', { onRequest: [overHttp2.guard(scope('a'))], config: {} }, async (request) => {
  expectTypeOf(getAuth(request)).toEqualTypeOf<Auth>();
  expectTypeOf(request.auth).toEqualTypeOf<Auth | undefined>();
});

interface Logger extends FastifyBaseLogger {
  readonly audit: (line: string) => void;
}

interface Provider extends FastifyTypeProvider {
  readonly validator: this['schema'];
}

const withOwnTypes = Fastify({ loggerInstance: {} as Logger }).withTypeProvider<Provider>();
void withOwnTypes.register(tokenward, { issuer: 'https://login.example.com', audience: 'a' });
withOwnTypes.addHook('onRequest', withOwnTypes.guard.optional());
withOwnTypes.post('/f', { schema: { body: { name: 'x' as const } }, onRequest: withOwnTypes.guard() }, async (request) => {
  request.log.audit('seen');
  expectTypeOf(request.body.name).toEqualTypeOf<'x'>();
  expectTypeOf(getAuth<MyClaims>(request).claims.tenant).toEqualTypeOf<string>();
});
