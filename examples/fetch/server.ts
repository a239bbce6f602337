import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import { acr, anyOf, createGuard, getAuth, maxAge, role, scope, setConnection } from '@tokenward/fetch';
import { closeStores, logout, options } from './settings.ts';

const guard = createGuard(options);
guard.warm().catch(({ message }: Error) => console.error(message)); // reports at once if the issuer or its keys are unreachable
const metadata = guard.metadata(); // tells clients where to get tokens (RFC 9728)
const orders = [{ id: '1', item: 'tea', quantity: 2 }];

const me = guard.protect((request) => {
  const { subject, issuer, clientId = null, scopes, roles } = getAuth(request);
  return Response.json({ subject, issuer, clientId, scopes, roles });
});

const addOrder = guard.protect(async (request) => {
  const order = { ...((await request.json()) as (typeof orders)[number]), id: String(orders.length + 1) };
  orders.push(order);
  return Response.json(order, { status: 201 });
}, scope('orders:write'));

const removeOrder = guard.protect(({ url }) => {
  const index = orders.findIndex(({ id }) => url.endsWith(`/orders/${id}`));
  if (index >= 0) orders.splice(index, 1);
  return new Response(null, { status: 204 });
}, role('admin'));

const routes = new Map<string, (request: Request) => Response | Promise<Response>>([
  ['GET /public', () => Response.json({ public: true })],
  ['GET /optional', guard.optional.protect((request) => Response.json({ subject: getAuth(request, 'optional')?.subject ?? null }))],
  ['GET /me', me],
  ['GET /orders', guard.protect(() => Response.json(orders), scope('orders:read'))],
  ['POST /orders', addOrder],
  ['DELETE /orders/:id', removeOrder],
  ['GET /reports', guard.protect(() => Response.json([{ month: '2026-10', orders: orders.length }]), anyOf(scope('reports:read'), role('auditor', 'finance')))],
  ['PUT /payout', guard.protect(() => Response.json({ paid: true }), scope('payout'), acr('urn:example:mfa'), maxAge(300))],
]);
if (logout) routes.set('POST /backchannel-logout', guard.backchannelLogout(logout));

function route(request: Request): Response | Promise<Response> {
  const path = new URL(request.url).pathname.replace(/^\/orders\/[^/]+$/, '/orders/:id');
  return routes.get(`${request.method} ${path}`)?.(request) ?? new Response('Not Found', { status: 404 });
}

const server = serve(
  {
    hostname: '127.0.0.1',
    port: Number(process.env['PORT'] ?? 3000),
    fetch(request, { incoming }) {
      setConnection(request, incoming); // a Request does not know its connection
      return metadata(request) ?? route(request);
    },
  },
  ({ port }: AddressInfo) => console.log(`listening on http://127.0.0.1:${port}`),
);

process.once('SIGTERM', () => {
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  void guard.close().then(closeStores);
});
