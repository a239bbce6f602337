import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { createMcpExpressApp } from '@modelcontextprotocol/express';
import { createMcpFastifyApp } from '@modelcontextprotocol/fastify';
import { createMcpHonoApp } from '@modelcontextprotocol/hono';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import fastify, { type FastifyInstance } from 'fastify';
import { Hono, type Context, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Auth, GuardOptions } from '@tokenward/core';
import { createGuard as createExpressGuard, getAuth as getExpressAuth, scope } from '@tokenward/express';
import { getAuth as getFastifyAuth, tokenward } from '@tokenward/fastify';
import { createGuard as createFetchGuard } from '@tokenward/fetch';
import { createGuard as createHonoGuard, getAuth as getHonoAuth } from '@tokenward/hono';
import { createMcpGuard, getMcpAuth, toAuthInfo, toolPolicies, withAuthInfo, type ToolRequirement } from '@tokenward/mcp';

/** A running MCP server with four tools. */
export interface RunningMcp {
  readonly url: string;
  /** The tools that have run, each with the subject of its caller. */
  readonly ran: string[];
  close(): Promise<void>;
}

const TOOLS: Readonly<Record<string, ToolRequirement>> = {
  list_orders: 'authenticated',
  delete_order: scope('orders:write'),
  refund_order: scope('orders:refund'),
};

export type Options = (resource: string) => GuardOptions;
export type StartMcp = (options: Options) => Promise<RunningMcp>;

/** `unlisted` is a tool that the policies do not list. */
const NAMES = ['list_orders', 'delete_order', 'refund_order', 'unlisted'];

type Run = (name: string, auth: Auth) => { content: [{ type: 'text'; text: string }] };

function recorder(): { ran: string[]; run: Run } {
  const ran: string[] = [];
  return {
    ran,
    run(name, { subject }) {
      ran.push(`${name} for ${subject}`);
      return { content: [{ type: 'text', text: `${name} for ${subject}` }] };
    },
  };
}

function serverV2(run: Run): McpServer {
  const server = new McpServer({ name: 'orders', version: '1.0.0' });
  for (const name of NAMES) server.registerTool(name, {}, (context) => run(name, getMcpAuth(context)));
  return server;
}

function serverV1(run: Run): McpServerV1 {
  const server = new McpServerV1({ name: 'orders', version: '1.0.0' });
  for (const name of NAMES) server.registerTool(name, {}, (extra) => run(name, getMcpAuth(extra)));
  return server;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

type Handle = (request: express.Request, response: express.Response) => Promise<void>;

function onExpress(handlerOf: (run: Run) => Handle, create: () => express.Express = express): StartMcp {
  return async (options) => {
    const app = create();
    const server = createServer(app);
    const url = await listen(server);
    const { ran, run } = recorder();
    const guard = createExpressGuard(options(url));
    const handle = handlerOf(run);
    app.use(guard.metadata());
    app.all('/mcp', guard(scope('orders:read')), express.json(), guard(scope('orders:read'), toolPolicies(TOOLS)), (req, res) => handle(req, res));
    return {
      url,
      ran,
      close: () => closingWith(server, guard),
    };
  };
}

function onFastify(create: () => FastifyInstance): StartMcp {
  return async (options) => {
    const app = create();
    const { ran, run } = recorder();
    // the audience is the server's address, so it listens before the plugin is registered
    const probe = createServer();
    const url = await listen(probe);
    await closing(probe);
    await app.register(tokenward, options(url));
    await app.register(app.guard.metadata());
    const handle = toNodeHandler(createMcpHandler(() => serverV2(run)));
    app.route({
      method: ['GET', 'POST', 'DELETE'],
      url: '/mcp',
      onRequest: app.guard(scope('orders:read')),
      preHandler: app.guard(scope('orders:read'), toolPolicies(TOOLS)),
      async handler(request, reply) {
        reply.hijack();
        await handle(withAuthInfo(request.raw, getFastifyAuth(request)), reply.raw, request.body);
      },
    });
    await app.listen({ port: Number(new URL(url).port), host: '127.0.0.1' });
    return { url, ran, close: () => app.close() };
  };
}

const onNode: StartMcp = async (options) => {
  const { ran, run } = recorder();
  const handle = toNodeHandler(createMcpHandler(() => serverV2(run)));
  const server = createServer((req, res) => {
    void guard.admit(req, res).then((admitted) => admitted && handle(admitted.request, res, admitted.body));
  });
  const url = await listen(server);
  const guard = createMcpGuard({ ...options(url), policy: scope('orders:read'), tools: TOOLS });
  return {
    url,
    ran,
    close: () => closingWith(server, guard),
  };
};

/** Reads the body after the first guard. The app that the SDK creates has read it before. */
const readsBody: readonly MiddlewareHandler[] = [
  bodyLimit({ maxSize: 1_000_000 }),
  async (c, next) => {
    if (c.req.method === 'POST') c.set('parsedBody', await c.req.json().catch(() => undefined));
    await next();
  },
];

function onHono(create: () => Hono, parsers: readonly MiddlewareHandler[]): StartMcp {
  return async (options) => {
    const { ran, run } = recorder();
    const handler = createMcpHandler(() => serverV2(run));
    const app = create();
    const server = createAdaptorServer(app) as Server;
    const url = await listen(server);
    const guard = createHonoGuard(options(url));
    app.use(guard.metadata());
    app.use('/mcp', guard(scope('orders:read')), ...parsers);
    app.all('/mcp', guard(scope('orders:read'), toolPolicies<Context>(TOOLS, { body: (c) => c.get('parsedBody') as unknown })), (c: Context) =>
      handler.fetch(c.req.raw, { authInfo: toAuthInfo(getHonoAuth(c)), parsedBody: c.get('parsedBody') }),
    );
    return { url, ran, close: () => closingWith(server, guard) };
  };
}

const onFetch: StartMcp = async (options) => {
  const { ran, run } = recorder();
  const handler = createMcpHandler(() => serverV2(run));
  const bodies = new WeakMap<Request, unknown>();
  const tools = toolPolicies<Request>(TOOLS, { body: (request) => bodies.get(request) });
  async function serve(request: Request): Promise<Response> {
    const first = await guard(request, scope('orders:read'));
    if (first.response) return first.response;
    if (Number(request.headers.get('content-length')) > 1_000_000) return new Response(null, { status: 413 });
    const parsedBody: unknown = request.method === 'POST' ? await request.json().catch(() => undefined) : undefined;
    bodies.set(request, parsedBody);
    const { response, auth } = await guard(request, scope('orders:read'), tools);
    return response ?? handler.fetch(request, { authInfo: toAuthInfo(auth), parsedBody });
  }
  const server = createAdaptorServer({ fetch: serve }) as Server;
  const url = await listen(server);
  const guard = createFetchGuard({ ...options(url), metadata: { scopes: ['orders:read'] } });
  guard.metadata();
  return { url, ran, close: () => closingWith(server, guard) };
};

async function closingWith(server: Server, guard: { close(): Promise<void> }): Promise<void> {
  await closing(server);
  await guard.close();
}

function handleV2(run: Run): Handle {
  const handle = toNodeHandler(createMcpHandler(() => serverV2(run)));
  return (req, res) => handle(withAuthInfo(req, getExpressAuth(req)), res, req.body);
}

/** Every way to serve MCP that is tested, by name. */
export const places: Readonly<Record<string, StartMcp>> = {
  'Express, version 2 of the SDK': onExpress(handleV2),
  "Express, the SDK's own app": onExpress(handleV2, createMcpExpressApp),
  'Express, version 1 of the SDK': onExpress((run) => async (req, res) => {
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    await serverV1(run).connect(transport);
    await transport.handleRequest(withAuthInfo(req, getExpressAuth(req)), res, req.body);
  }),
  'Fastify, version 2 of the SDK': onFastify(fastify),
  "Fastify, the SDK's own app": onFastify(createMcpFastifyApp),
  'node:http, version 2 of the SDK': onNode,
  'Hono, version 2 of the SDK': onHono(() => new Hono(), readsBody),
  "Hono, the SDK's own app": onHono(() => createMcpHonoApp({ maxRequestBodySize: 1_000_000 }), []),
  'Fetch, version 2 of the SDK': onFetch,
};
