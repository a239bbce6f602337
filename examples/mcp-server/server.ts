import type { AddressInfo } from 'node:net';
import { localhostHostValidation, localhostOriginValidation } from '@modelcontextprotocol/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import express from 'express';
import { z } from 'zod';
import { createGuard, getAuth, scope } from '@tokenward/express';
import { getMcpAuth, toolPolicies, withAuthInfo } from '@tokenward/mcp';

// reads ISSUER_BASE_URL, and AUDIENCE: the URL of /mcp, as clients write it
const guard = createGuard();
guard.warm().catch(({ message }: Error) => console.error(message)); // reports at once if the issuer or its keys are unreachable
const orders = new Map([
  ['1', 'tea'],
  ['2', 'coffee'],
  ['3', 'milk'],
  ['4', 'bread'],
]);

const tools = toolPolicies({
  list_orders: 'authenticated', // needs what every request needs
  delete_order: scope('orders:write'),
});

function createServer(): McpServer {
  const server = new McpServer({ name: 'orders', version: '1.0.0' });
  server.registerTool('list_orders', { description: 'Lists your orders' }, (context) => text({ for: getMcpAuth(context).subject, orders: [...orders] }));
  server.registerTool('delete_order', { description: 'Deletes an order', inputSchema: z.object({ id: z.string() }) }, ({ id }) =>
    text({ deleted: orders.delete(id) }),
  );
  return server;
}

function text(value: object): CallToolResult {
  return { content: [{ type: 'text', text: JSON.stringify(value) }] };
}

const handle = toNodeHandler(createMcpHandler(createServer));
const app = express();
app.use(localhostHostValidation(), localhostOriginValidation()); // a page in the browser must not reach it; in production, list your own hosts
app.use(guard.metadata()); // tells clients where to get tokens (RFC 9728)
app.all(
  '/mcp',
  guard(scope('orders:read')), // before the body is read
  express.json(),
  guard(scope('orders:read'), tools), // knows the tool that is called
  (req, res) => handle(withAuthInfo(req, getAuth(req)), res, req.body),
);

const server = app.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  void guard.close();
});
