import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { acr, anyOf, getAuth, maxAge, role, scope, tokenward } from '@tokenward/fastify';
import { closeStores, logout, options } from './settings.ts';

const app = Fastify();
const orders = [{ id: '1', item: 'tea', quantity: 2 }];

await app.register(tokenward, { ...options, protect: 'all' });
await app.register(app.guard.metadata()); // tells clients where to get tokens (RFC 9728)
app.guard.warm().catch(({ message }: Error) => console.error(message)); // reports at once if the issuer or its keys are unreachable

app.get('/public', { config: { tokenward: 'public' } }, async () => ({ public: true }));

app.get('/optional', { onRequest: app.guard.optional() }, async (request) => ({ subject: getAuth(request, 'optional')?.subject ?? null }));

app.get('/me', { onRequest: app.guard() }, async (request) => {
  const { subject, issuer, clientId = null, scopes, roles } = getAuth(request);
  return { subject, issuer, clientId, scopes, roles };
});

app.get('/orders', { onRequest: app.guard(scope('orders:read')) }, async () => orders);

app.post('/orders', { onRequest: app.guard(scope('orders:write')) }, async (request, reply) => {
  const order = { ...(request.body as object), id: String(orders.length + 1) } as (typeof orders)[number];
  orders.push(order);
  return reply.code(201).send(order);
});

app.delete<{ Params: { id: string } }>('/orders/:id', { onRequest: app.guard(role('admin')) }, async (request, reply) => {
  const index = orders.findIndex(({ id }) => id === request.params.id);
  if (index >= 0) orders.splice(index, 1);
  return reply.code(204).send();
});

app.get('/reports', { onRequest: app.guard(anyOf(scope('reports:read'), role('auditor', 'finance'))) }, async () => [
  { month: '2026-10', orders: orders.length },
]);

app.put('/payout', { onRequest: app.guard(scope('payout'), acr('urn:example:mfa'), maxAge(300)) }, async () => ({ paid: true }));

if (logout) await app.register(app.guard.backchannelLogout(logout), { prefix: '/backchannel-logout' });

await app.listen({ port: Number(process.env['PORT'] ?? 3000), host: '127.0.0.1' });
console.log(`listening on http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);

process.once('SIGTERM', () => {
  app.server.closeAllConnections();
  void app.close().then(closeStores);
});
