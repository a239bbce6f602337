// One app on each framework, with `GET /orders`. The first copy creates the guard. The second copy is the one that the app's other files use for
// policies and `getAuth`.
import { once } from 'node:events';
import { createServer } from 'node:http';

/** Starts an app. Returns its `{ url, close }`. */
export const startOn = {
  async express({ load }, { createGuard }, { getAuth }, { options, policies }) {
    const express = load('express');
    const guard = createGuard(options);
    const app = express();
    app.get('/orders', ...policies.map((policy) => guard(policy)), (req, res) => res.json({ for: getAuth(req).subject }));
    // errors answer 500 and print nothing
    app.use((_error, _req, res, _next) => res.status(500).end());
    return listening(createServer(app));
  },

  async fetch(_copies, { createGuard }, { getAuth }, { options, policies }) {
    const guard = createGuard(options);
    const answer = (request) => Response.json({ for: getAuth(request).subject });
    const handler = policies.reduceRight((inner, policy) => guard.protect(inner, policy), answer);
    return listening(createServer((req, res) => void sendTo(res, () => handler(requestOf(req)))));
  },

  async hono({ load }, { createGuard }, { getAuth }, { options, policies }) {
    const { Hono } = load('hono');
    const guard = createGuard(options);
    const app = new Hono();
    app.onError((_error, c) => c.body(null, 500));
    app.get('/orders', ...policies.map((policy) => guard(policy)), (c) => c.json({ for: getAuth(c).subject }));
    return listening(createServer((req, res) => void sendTo(res, () => app.fetch(requestOf(req)))));
  },

  async koa({ load }, { createGuard }, { getAuth }, { options, policies }) {
    const Koa = load('koa');
    const guard = createGuard(options);
    const app = new Koa();
    app.silent = true;
    for (const policy of policies) app.use(guard(policy));
    app.use((context) => (context.body = { for: getAuth(context).subject }));
    return listening(createServer(app.callback()));
  },

  async fastify({ load }, { tokenward }, { getAuth }, { options, policies }) {
    const app = load('fastify')();
    await app.register(tokenward, options);
    app.get('/orders', { onRequest: policies.map((policy) => app.guard(policy)) }, (request) => ({ for: getAuth(request).subject }));
    return { url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/orders`, close: () => app.close() };
  },

  async nestjs({ load }, { TokenwardModule }, other, { options, policies }) {
    load('reflect-metadata');
    const { Controller, Get, Module, Req } = load('@nestjs/common');
    const { NestFactory } = load('@nestjs/core');
    class Orders {
      list(request) {
        return { for: other.getAuth(request).subject };
      }
    }
    const decorate = (decorator, ...at) => decorator(Orders, ...at) ?? Orders;
    decorate(Controller('orders'));
    for (const decorator of [Get(), other.Require(...policies)]) decorator(Orders.prototype, 'list', Object.getOwnPropertyDescriptor(Orders.prototype, 'list'));
    Req()(Orders.prototype, 'list', 0);
    // oxlint-disable-next-line typescript/no-extraneous-class -- a Nest module is an empty class
    class App {}
    Module({ imports: [TokenwardModule.forRoot(options)], controllers: [Orders] })(App);
    const app = await NestFactory.create(App, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    return { url: `${await app.getUrl()}/orders`, close: () => app.close() };
  },
};

function requestOf({ url, headers }) {
  return new Request(`http://localhost${url}`, { headers });
}

/** Sends what a handler returns; errors answer 500. */
async function sendTo(res, handle) {
  const response = await Promise.resolve()
    .then(handle)
    .catch(() => new Response(null, { status: 500 }));
  res.writeHead(response.status, Object.fromEntries(response.headers)).end(await response.text());
}

async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/orders`, close: () => (server.closeAllConnections(), server.close()) };
}
