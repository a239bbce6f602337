import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { acr, anyOf, createGuard, maxAge, role, scope } from '@tokenward/hono';
import { Hono } from 'hono';
import { closeStores, logout, options } from './settings.ts';

const guard = createGuard(options);
guard.warm().catch(({ message }: Error) => console.error(message)); // reports at once if the issuer or its keys are unreachable
const app = new Hono();
const orders = [{ id: '1', item: 'tea', quantity: 2 }];

app.use(guard.metadata()); // tells clients where to get tokens (RFC 9728)

app.get('/public', (c) => c.json({ public: true }));

app.get('/optional', guard.optional(), (c) => c.json({ subject: c.get('auth')?.subject ?? null }));

app.get('/me', guard(), (c) => {
  const { subject, issuer, clientId = null, scopes, roles } = c.get('auth');
  return c.json({ subject, issuer, clientId, scopes, roles });
});

app.get('/orders', guard(scope('orders:read')), (c) => c.json(orders));

app.post('/orders', guard(scope('orders:write')), async (c) => {
  const order = { ...(await c.req.json<(typeof orders)[number]>()), id: String(orders.length + 1) };
  orders.push(order);
  return c.json(order, 201);
});

app.delete('/orders/:id', guard(role('admin')), (c) => {
  const index = orders.findIndex(({ id }) => id === c.req.param('id'));
  if (index >= 0) orders.splice(index, 1);
  return c.body(null, 204);
});

app.get('/reports', guard(anyOf(scope('reports:read'), role('auditor', 'finance'))), (c) => c.json([{ month: '2026-10', orders: orders.length }]));

app.put('/payout', guard(scope('payout'), acr('urn:example:mfa'), maxAge(300)), (c) => c.json({ paid: true }));

if (logout) app.post('/backchannel-logout', guard.backchannelLogout(logout));

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) }, ({ port }: AddressInfo) => {
  console.log(`listening on http://127.0.0.1:${port}`);
});

process.once('SIGTERM', () => {
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  void guard.close().then(closeStores);
});
