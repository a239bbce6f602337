import type { AddressInfo } from 'node:net';
import express from 'express';
import { acr, anyOf, createGuard, getAuth, maxAge, role, scope } from '@tokenward/express';
import { closeStores, logout, options } from './settings.ts';

const guard = createGuard(options);
guard.warm().catch(({ message }: Error) => console.error(message)); // reports at once if the issuer or its keys are unreachable
const app = express();
const orders = [{ id: '1', item: 'tea', quantity: 2 }];

app.use(guard.metadata()); // tells clients where to get tokens (RFC 9728)

app.get('/public', (req, res) => {
  res.json({ public: true });
});

app.get('/optional', guard.optional(), (req, res) => {
  res.json({ subject: getAuth(req, 'optional')?.subject ?? null });
});

app.get('/me', guard(), (req, res) => {
  const { subject, issuer, clientId = null, scopes, roles } = getAuth(req);
  res.json({ subject, issuer, clientId, scopes, roles });
});

app.get('/orders', guard(scope('orders:read')), (req, res) => {
  res.json(orders);
});

app.post('/orders', guard(scope('orders:write')), express.json(), (req, res) => {
  const order = { ...(req.body as object), id: String(orders.length + 1) } as (typeof orders)[number];
  orders.push(order);
  res.status(201).json(order);
});

app.delete('/orders/:id', guard(role('admin')), (req, res) => {
  const index = orders.findIndex(({ id }) => id === req.params.id);
  if (index >= 0) orders.splice(index, 1);
  res.status(204).end();
});

app.get('/reports', guard(anyOf(scope('reports:read'), role('auditor', 'finance'))), (req, res) => {
  res.json([{ month: '2026-10', orders: orders.length }]);
});

app.put('/payout', guard(scope('payout'), acr('urn:example:mfa'), maxAge(300)), express.json(), (req, res) => {
  res.json({ paid: true });
});

if (logout) app.post('/backchannel-logout', guard.backchannelLogout(logout));

const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void guard.close().then(closeStores);
});
