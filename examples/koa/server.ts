import type { AddressInfo } from 'node:net';
import { bodyParser } from '@koa/bodyparser';
import { Router } from '@koa/router';
import Koa from 'koa';
import { acr, anyOf, createGuard, getAuth, maxAge, role, scope } from '@tokenward/koa';
import { closeStores, logout, options } from './settings.ts';

const guard = createGuard(options);
guard.warm().catch(({ message }: Error) => console.error(message)); // reports at once if the issuer or its keys are unreachable
const app = new Koa();
const router = new Router();
const orders = [{ id: '1', item: 'tea', quantity: 2 }];

app.use(guard.metadata()); // tells clients where to get tokens (RFC 9728)

router.get('/public', (ctx) => {
  ctx.body = { public: true };
});

router.get('/optional', guard.optional(), (ctx) => {
  ctx.body = { subject: getAuth(ctx, 'optional')?.subject ?? null };
});

router.get('/me', guard(), (ctx) => {
  const { subject, issuer, clientId = null, scopes, roles } = getAuth(ctx);
  ctx.body = { subject, issuer, clientId, scopes, roles };
});

router.get('/orders', guard(scope('orders:read')), (ctx) => {
  ctx.body = orders;
});

router.post('/orders', guard(scope('orders:write')), bodyParser(), (ctx) => {
  const order = { ...(ctx.request.body as object), id: String(orders.length + 1) } as (typeof orders)[number];
  orders.push(order);
  ctx.status = 201;
  ctx.body = order;
});

router.delete('/orders/:id', guard(role('admin')), (ctx) => {
  const index = orders.findIndex(({ id }) => id === ctx.params['id']);
  if (index >= 0) orders.splice(index, 1);
  ctx.status = 204;
});

router.get('/reports', guard(anyOf(scope('reports:read'), role('auditor', 'finance'))), (ctx) => {
  ctx.body = [{ month: '2026-10', orders: orders.length }];
});

router.put('/payout', guard(scope('payout'), acr('urn:example:mfa'), maxAge(300)), bodyParser(), (ctx) => {
  ctx.body = { paid: true };
});

if (logout) router.post('/backchannel-logout', guard.backchannelLogout(logout));

app.use(router.routes()).use(router.allowedMethods());

const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void guard.close().then(closeStores);
});
