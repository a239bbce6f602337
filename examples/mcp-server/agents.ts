import * as version2 from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { User } from './user.ts';

/** An agent: an MCP client with its user. */
export interface Agent {
  connect(): Promise<void>;
  /** Trades the code of the authorization server for a token. */
  finishLogin(answer: URLSearchParams): Promise<void>;
  toolNames(): Promise<string[]>;
  call(tool: string, given?: Record<string, unknown>): Promise<unknown>;
  close(): Promise<void>;
}

const SELF = { name: 'an agent', version: '1.0.0' };

/** An agent on version 2 of the client SDK. */
export function createAgent(server: URL, user: User): Agent {
  let client = new version2.Client(SELF);
  let transport = new version2.StreamableHTTPClientTransport(server, { authProvider: user });
  return {
    async connect() {
      // after a login, the connection starts anew
      client = new version2.Client(SELF);
      transport = new version2.StreamableHTTPClientTransport(server, { authProvider: user });
      await client.connect(transport);
    },
    finishLogin: (answer) => transport.finishAuth(answer),
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, given = {}) => contentOf(await client.callTool({ name, arguments: given })),
    close: () => client.close(),
  };
}

/** The same on version 1. */
export function createAgentV1(server: URL, user: User): Agent {
  let client = new ClientV1(SELF);
  let transport = new TransportV1(server, { authProvider: user });
  return {
    async connect() {
      client = new ClientV1(SELF);
      transport = new TransportV1(server, { authProvider: user });
      await client.connect(transport);
    },
    finishLogin: (answer) => transport.finishAuth(answer.get('code')!),
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, given = {}) => contentOf(await client.callTool({ name, arguments: given })),
    close: () => client.close(),
  };
}

function contentOf({ content }: Readonly<Record<string, unknown>>): unknown {
  const [first] = content as readonly [{ readonly text: string }];
  return JSON.parse(first.text);
}
