import { Hono } from 'hono';
import { createGuard, role, scope } from '@tokenward/hono';
import { actAs, assertProtected, expectUnauthorized } from '@tokenward/testing';
import { listRoutes } from '@tokenward/testing/routes';
import { expect, test } from 'vitest';

const guard = createGuard({ issuer: 'https://login.invalid', audience: 'https://api.example.com' });
const ran: string[] = [];

function appOf(): Hono {
  ran.length = 0;
  const app = new Hono();
  app.get('/health', (c) => c.text(String(ran.push('health'))));
  app.get('/maybe', guard.optional(), (c) => c.text(String(ran.push('maybe'))));
  const orders = new Hono();
  orders.onError((error) => {
    throw error;
  });
  orders.use(guard(scope('orders:read')));
  orders.get('/', (c) => c.text(String(ran.push('list'))));
  orders.delete('/:id{[0-9]+}', guard(role('admin')), (c) => c.text(String(ran.push('delete'))));
  app.route('/orders', orders);
  app.use('/api/*', guard());
  app.post('/api/things/:id?', async (c, _next) => c.text(String(ran.push('things'))));
  app.all('/rest', (c) => c.text(String(ran.push('rest'))));
  return app;
}

test('rule 279: lists the routes of apps in apps, and middleware is no route', async () => {
  const routes = await listRoutes(appOf());
  expect(
    routes.map(({ method, path, protection, policies }) => `${method} ${path} ${protection}${policies.map(({ words }) => ` ${words}`).join(',')}`),
  ).toEqual([
    'GET /health no-tokenward-guard',
    'GET /maybe optional',
    'GET /orders required the scope `orders:read`',
    'DELETE /orders/:id{[0-9]+} required the scope `orders:read`, the role `admin`',
    'POST /api/things/:id? required',
    'ALL /rest no-tokenward-guard',
  ]);
});

test('rule 277: assertProtected names the open routes, without a port, and runs no other handler', async () => {
  const { message } = (await assertProtected(appOf(), { except: ['GET /health'] }).catch((thrown: Error) => thrown)) as Error;
  expect(message.match(/(?:GET|ALL) [^\s']+/g)).toEqual(['GET /maybe', 'ALL /rest', 'GET /health']);
  expect(ran).toEqual(['maybe', 'rest']);
  await assertProtected(appOf(), { except: ['GET /health', 'GET /maybe', '* /rest'] });
  expect(ran).toEqual([]);
});

test('rule 275: actAs acts with app.request(), and the assertions read its answers', async () => {
  const as = actAs(guard);
  expect((await appOf().request('/orders', { headers: { ...as({ scopes: ['orders:read'] }) } })).status).toBe(200);
  await expectUnauthorized(appOf().request('/orders'), { scopes: ['orders:read'] });
});
