import { Router } from '@koa/router';
import Koa from 'koa';
import { createGuard, role, scope } from '@tokenward/koa';
import { assertProtected } from '@tokenward/testing';
import { listRoutes } from '@tokenward/testing/routes';
import { expect, test } from 'vitest';

const guard = createGuard({ issuer: 'https://login.invalid', audience: 'https://api.example.com' });
const ran: string[] = [];

function appOf(): Koa {
  ran.length = 0;
  const answer = (what: string) => (context: Koa.Context) => {
    ran.push(what);
    context.body = {};
  };
  const app = new Koa();
  const open = new Router();
  open.get('/health', answer('health'));
  app.use(open.routes());
  const orders = new Router({ prefix: '/tenants/:tenant/orders' });
  orders.use(guard(scope('orders:read')));
  orders.get('/', answer('list'));
  orders.delete('/:id', guard(role('admin')), answer('delete'));
  const api = new Router();
  api.get('/late', answer('late'), guard() as never);
  api.get('/maybe', guard.optional(), answer('maybe'));
  api.use(orders.routes());
  app.use(api.routes());
  app.use(guard());
  const me = new Router();
  me.get('/me', answer('me'));
  app.use(me.routes());
  return app;
}

test('rule 279: lists the routes of all routers, with guards of the app, of routers and of routes', async () => {
  const routes = await listRoutes(appOf());
  expect(
    routes.map(({ method, path, protection, policies }) => `${method} ${path} ${protection}${policies.map(({ words }) => ` ${words}`).join(',')}`),
  ).toEqual([
    'GET /health no-tokenward-guard',
    'GET /late no-tokenward-guard',
    'GET /maybe optional',
    'GET /tenants/:tenant/orders required the scope `orders:read`',
    'DELETE /tenants/:tenant/orders/:id required the scope `orders:read`, the role `admin`',
    'GET /me required',
  ]);
});

test('rule 277: assertProtected names the open routes, and runs no other handler', async () => {
  const { message } = (await assertProtected(appOf(), { except: ['GET /health'] }).catch((thrown: Error) => thrown)) as Error;
  expect(message.match(/GET [^\s']+/g)).toEqual(['GET /late', 'GET /maybe', 'GET /health']);
  expect(ran).toEqual(['late', 'maybe']);
  await assertProtected(appOf(), { except: ['GET /health', 'GET /late', 'GET /maybe'] });
  expect(ran).toEqual([]);
});

test('rule 277: routers of several hosts are tried with each', async () => {
  const app = new Koa();
  const answer = (context: Koa.Context): void => void (context.body = {});
  const add = (host: string | string[] | RegExp, ...guards: readonly unknown[]): void => {
    const router = new Router({ host });
    router.get('/x', ...(guards as []), answer);
    app.use(router.routes());
  };
  add('a.example.com', guard());
  add(['b.example.com', 'c.example.com:8080']);
  add(/^d\./);
  const { message } = (await assertProtected(app).catch((thrown: Error) => thrown)) as Error;
  expect(message.split('\n').slice(1, -1)).toEqual([
    expect.stringMatching(/^ {2}GET \/x +answered 200 without a token \(.*; only for host b\.example\.com\)$/),
    expect.stringMatching(/^ {2}GET \/x +answered 200 without a token \(.*; only for host c\.example\.com:8080\)$/),
    expect.stringMatching(/^ {2}GET \/x +was not tried: .*only for host \/\^d/),
  ]);
});
