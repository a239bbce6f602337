import type { createMcpHandler as CreateMcpHandler, McpServer } from '@modelcontextprotocol/server';
import type { NodeStreamableHTTPServerTransport as NodeTransport, toNodeHandler as ToNodeHandler } from '@modelcontextprotocol/node';
import type { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import type expressModule from 'express';
import type { Express } from 'express';
import type { Policy } from '@tokenward/core';
import type { ExpressGuard } from '@tokenward/express';

declare global {
  const app: Express;
  const express: typeof expressModule;
  const guard: ExpressGuard;
  const tools: (request: object) => Policy;
  const server: McpServer;
  function createServer(): McpServer;
  function createServerV1(): McpServerV1;
  const createMcpHandler: typeof CreateMcpHandler;
  const toNodeHandler: typeof ToNodeHandler;
  const NodeStreamableHTTPServerTransport: typeof NodeTransport;
  type NodeStreamableHTTPServerTransport = NodeTransport;
}
