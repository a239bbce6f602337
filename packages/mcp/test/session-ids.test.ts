import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { randomBytes } from 'node:crypto';
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node';
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/server';
import express from 'express';
import type { Auth } from '@tokenward/core';
import { createGuard, getAuth } from '@tokenward/express';
import { createSessionIds, getMcpAuth, withAuthInfo, type SessionIds } from '@tokenward/mcp';
import { createTestIssuer, type TestIssuer, type TokenOptions } from '@tokenward/testing';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';

const RESOURCE = 'https://orders.example.com/mcp';

let issuer: TestIssuer;
beforeAll(async () => {
  issuer = await createTestIssuer({ audience: RESOURCE });
});
afterAll(() => issuer.close());

type Transport = NodeStreamableHTTPServerTransport | StreamableHTTPServerTransport;

/** Connects a server with one tool, and returns its transport. */
const versions: Readonly<Record<string, (sessionIdGenerator: () => string, started: (id: string, transport: Transport) => void) => Promise<Transport>>> = {
  async 'version 2'(sessionIdGenerator, started) {
    const transport: NodeStreamableHTTPServerTransport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator,
      onsessioninitialized: (id) => started(id, transport),
      enableJsonResponse: true,
    });
    const server = new McpServer({ name: 'orders', version: '1.0.0' });
    server.registerTool('who', {}, (context) => ({ content: [{ type: 'text', text: getMcpAuth(context).subject ?? '' }] }));
    await server.connect(transport);
    return transport;
  },
  async 'version 1'(sessionIdGenerator, started) {
    const transport: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator,
      onsessioninitialized: (id) => started(id, transport),
      enableJsonResponse: true,
    });
    const server = new McpServerV1({ name: 'orders', version: '1.0.0' });
    server.registerTool('who', {}, (extra) => ({ content: [{ type: 'text', text: getMcpAuth(extra).subject ?? '' }] }));
    await server.connect(transport);
    return transport;
  },
};

describe.each(Object.entries(versions))('rule 236: a session of %s of the SDK', (_version, connect) => {
  async function start(): Promise<(wanted: TokenOptions, session: string | undefined, message?: object | 'GET' | 'DELETE') => Promise<Response>> {
    const guard = createGuard({ issuer: issuer.issuer, audience: RESOURCE });
    const sessions: SessionIds = createSessionIds();
    const transports = new Map<string, Transport>();
    const app = express();
    async function serve(req: express.Request, res: express.Response): Promise<void> {
      const auth = getAuth(req);
      const id = req.get('mcp-session-id');
      const known = id !== undefined && sessions.belongsTo(id, auth) ? transports.get(id) : undefined;
      if (id !== undefined && !known) return void res.status(404).end();
      const transport =
        known ??
        (await connect(
          () => sessions.create(auth),
          (one, started) => transports.set(one, started),
        ));
      await transport.handleRequest(withAuthInfo(req, auth), res, req.body);
    }
    app.all('/mcp', guard(), express.json(), (req, res) => serve(req, res));
    const server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(async () => {
      server.close();
      server.closeAllConnections();
      await guard.close();
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`;
    return async (wanted, session, message = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'who', arguments: {} } }) => {
      const isMessage = typeof message === 'object';
      return fetch(url, {
        method: isMessage ? 'POST' : message,
        headers: {
          authorization: `Bearer ${await issuer.issueToken(wanted)}`,
          accept: isMessage ? 'application/json, text/event-stream' : 'text/event-stream',
          ...(isMessage && { 'content-type': 'application/json' }),
          ...(session !== undefined && { 'mcp-session-id': session }),
        },
        ...(isMessage && { body: JSON.stringify(message) }),
      });
    };
  }

  const INITIALIZE = {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'a', version: '1' } },
  };

  test('is used by its user alone: others get the answer of a session that does not exist', async () => {
    const send = await start();
    const opened = await send({ subject: 'alice' }, undefined, INITIALIZE);
    const session = opened.headers.get('mcp-session-id')!;
    expect(session).toMatch(/^[\x21-\x7e]+$/);
    const own = await send({ subject: 'alice' }, session);
    expect(await own.text()).toContain('alice');
    const strangers: readonly TokenOptions[] = [{ subject: 'mallory' }, { subject: 'alice', clientId: 'another' }, { claims: { sub: undefined } }];
    for (const wanted of strangers) {
      for (const message of [undefined, INITIALIZE, 'GET', 'DELETE'] as const) {
        const refused = await send(wanted, session, message);
        expect(refused.status).toBe(404);
        expect(await refused.text()).toBe('');
      }
    }
    // nobody has ended it
    expect((await send({ subject: 'alice' }, session)).status).toBe(200);
    for (const made of [randomBytes(18).toString('hex'), session.slice(0, -1), `${session}a`, '__proto__']) {
      expect((await send({ subject: 'alice' }, made)).status).toBe(404);
    }
    expect((await send({ subject: 'alice' }, session, 'DELETE')).status).toBe(200);
  });
});

describe('rule 236: createSessionIds', () => {
  function authOf(issuerName: string, subject: string | undefined, clientId: string | undefined = 'client-1'): Auth {
    return { issuer: issuerName, subject, clientId } as Auth;
  }

  test('an id belongs to issuer, subject and client together', () => {
    const sessions = createSessionIds();
    const owner = authOf('https://a.example', 'alice');
    const id = sessions.create(owner);
    expect(sessions.belongsTo(id, owner)).toBe(true);
    expect(sessions.belongsTo(id, authOf('https://b.example', 'alice'))).toBe(false);
    expect(sessions.belongsTo(id, authOf('https://a.example', 'bob'))).toBe(false);
    expect(sessions.belongsTo(id, authOf('https://a.example', undefined))).toBe(false);
    expect(sessions.belongsTo(id, { ...owner, clientId: undefined })).toBe(false);
    expect(sessions.belongsTo(id, { ...owner, clientId: 'client-2' })).toBe(false);
    expect(sessions.create(owner)).not.toBe(id);
  });

  test('members that touch are kept apart', () => {
    const sessions = createSessionIds();
    const id = sessions.create(authOf('https://a.example', 'a', 'b"c'));
    for (const [subject, client] of [
      ['a"b', 'c'],
      ['a","b', 'c'],
      ['', 'ab"c'],
    ])
      expect(sessions.belongsTo(id, authOf('https://a.example', subject, client))).toBe(false);
    expect(sessions.belongsTo(sessions.create(authOf('https://a.example', undefined)), authOf('https://a.example', ''))).toBe(false);
  });

  test('every change of an id is noticed, and nothing that is not an id throws', () => {
    const sessions = createSessionIds();
    const owner = authOf('https://a.example', 'alice');
    const id = sessions.create(owner);
    for (let at = 0; at < id.length; at++) {
      const changed = id.slice(0, at) + (id[at] === 'A' ? 'B' : 'A') + id.slice(at + 1);
      expect(sessions.belongsTo(changed, owner), changed).toBe(false);
    }
    for (const other of [undefined, null, 1, {}, [id], '', `${id}=`, ` ${id}`, `${id}\n`, id.toLowerCase(), 'x'.repeat(1_000_000)]) {
      expect(sessions.belongsTo(other, owner)).toBe(false);
    }
  });

  test('processes with the same secret know the ids of each other, others do not', () => {
    const secret = randomBytes(32);
    const owner = authOf('https://a.example', 'alice');
    const id = createSessionIds({ secret }).create(owner);
    expect(createSessionIds({ secret }).belongsTo(id, owner)).toBe(true);
    expect(createSessionIds().belongsTo(id, owner)).toBe(false);
  });

  test('misuse throws', () => {
    expect(() => createSessionIds({ secret: randomBytes(31) })).toThrow(/at least 32 bytes/);
    expect(() => createSessionIds({ secret: 'x'.repeat(64) as never })).toThrow(/at least 32 bytes/);
    expect(() => createSessionIds().create({ issuer: 'https://a.example' } as Auth)).toThrow(/names neither a subject nor a client/);
  });
});
