import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { DpopSession } from '@modelcontextprotocol/client';
import { createAgent, createAgentV1, type Agent } from './agents.ts';
import { startAuthorizationServer } from './authorization-server.ts';
import { User } from './user.ts';

const counts = { passed: 0, failed: 0 };
const port = await freePort();
const resource = new URL(`http://127.0.0.1:${port}/mcp`);
const authorizationServer = await startAuthorizationServer(resource.href, 'orders:read orders:write');
const server = spawn(process.execPath, [join(import.meta.dirname, 'server.ts')], {
  env: { ...process.env, ISSUER_BASE_URL: authorizationServer.issuer, AUDIENCE: resource.href, PORT: String(port), TOKENWARD_HINTS: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  match(String((await once(server.stdout, 'data'))[0]), /^listening on /);
  const registered = await logInAndStepUp('version 2', createAgent, '1');
  await logInAndStepUp('version 1', createAgentV1, '2');
  await logInAndStepUp('version 2, with DPoP', createAgent, '3', await DpopSession.create());
  await useRegistration(registered);
} finally {
  await end(server);
  authorizationServer.close();
}
console.log(`${counts.passed} passed, ${counts.failed} failed`);
if (process.env['TOKENWARD_COUNTS']) writeFileSync(process.env['TOKENWARD_COUNTS'], JSON.stringify(counts));
if (counts.failed > 0) process.exitCode = 1;

/** Each step needs the one before. Returns the user, with the client's registration. */
async function logInAndStepUp(version: string, create: (url: URL, user: User) => Agent, id: string, dpop?: DpopSession): Promise<User> {
  const alice = new User('alice', undefined, dpop);
  const agent = create(resource, alice);
  await step(`${version}: a 401 leads the client to the authorization server, where it registers and sends the user to log in`, async () => {
    await rejects(agent.connect(), isUnauthorized);
    ok(alice.client?.client_id, 'the client has registered');
    deepStrictEqual(alice.asked, ['orders:read']);
  });
  await step(`${version}: the client gets a token, connects, sees all tools, and calls one`, async () => {
    await agent.finishLogin(alice.takeAnswer());
    await agent.connect();
    deepStrictEqual((await agent.toolNames()).toSorted(), ['delete_order', 'list_orders']);
    strictEqual(((await agent.call('list_orders')) as { for: string }).for, 'alice');
    strictEqual(alice.tokens()?.token_type.toLowerCase(), dpop ? 'dpop' : 'bearer');
  });
  await step(`${version}: a tool that needs more answers 403, and the client asks for all scopes`, async () => {
    await rejects(agent.call('delete_order', { id }), isUnauthorized);
    deepStrictEqual(alice.asked, ['orders:read', 'orders:read orders:write']);
  });
  await step(`${version}: with the new token, it calls the tool`, async () => {
    await agent.finishLogin(alice.takeAnswer());
    deepStrictEqual(await agent.call('delete_order', { id }), { deleted: true });
  });
  await agent.close();
  return alice;
}

async function useRegistration({ client }: User): Promise<void> {
  const bob = new User('bob', client);
  const agent = createAgent(resource, bob);
  await step('a client that is registered already uses its registration', async () => {
    await rejects(agent.connect(), isUnauthorized);
    await agent.finishLogin(bob.takeAnswer());
    await agent.connect();
    strictEqual(bob.client?.client_id, client?.client_id);
    deepStrictEqual(await agent.call('list_orders'), { for: 'bob', orders: [['4', 'bread']] });
  });
  await agent.close();
}

/** Each version of the SDK has its own class. */
function isUnauthorized(error: unknown): boolean {
  return (error as Error).constructor.name === 'UnauthorizedError';
}

async function step(name: string, run: () => Promise<void>): Promise<void> {
  try {
    await run();
    counts.passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    counts.failed++;
    console.log(`FAILED  ${name}\n        ${(error as Error).message}`);
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port: free } = probe.address() as AddressInfo;
  probe.close();
  return free;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  strictEqual(code, 0, 'the server must end in good order');
}
