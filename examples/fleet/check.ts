import { deepStrictEqual, match, strictEqual } from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestIssuer } from '@tokenward/testing';

const children: ChildProcess[] = [];
const folder = await mkdtemp(join(tmpdir(), 'tokenward-fleet-'));
const issuer = await createTestIssuer();
try {
  const redis = await freePort();
  children.push(spawn('redis-server', ['--port', String(redis), '--bind', '127.0.0.1', '--save', '', '--dir', folder], { stdio: 'ignore' }));
  const [one, other] = await Promise.all([startApi(redis), startApi(redis)]);

  const token = await issuer.issueToken();
  const processes = [await ask(one, '/me', token), await ask(other, '/me', token)].map(({ body }) => (JSON.parse(body) as { process: number }).process);
  strictEqual(new Set(processes).size, 2, 'two processes must answer');

  strictEqual((await ask(one, '/logout', token, 'POST')).status, 204);
  strictEqual((await ask(one, '/me', token)).status, 401, 'the process that revoked the token must refuse it at once');
  strictEqual(await until(async () => (await ask(other, '/me', token)).status === 401), true, 'the other process must refuse it too');

  const stream = await fetch(`${other}/events`, { headers: { authorization: `Bearer ${await issuer.issueToken({ claims: { sid: 'session-1' } })}` } });
  const logoutToken = await issuer.issueLogoutToken({ clientId: 'web-app', sessionId: 'session-1' });
  const form = await fetch(`${one}/backchannel-logout`, { method: 'POST', body: new URLSearchParams({ logout_token: logoutToken }) });
  strictEqual(form.status, 200);
  strictEqual(await stream.text(), 'data: hello user-1\n\n', 'a logout token at one process must end a stream of the other');

  const admin = await issuer.issueToken({ subject: 'admin', roles: ['admin'] });
  const before = await issuer.issueToken({ subject: 'user-2' });
  strictEqual((await ask(one, '/subjects/user-2/changed', admin, 'POST')).status, 204);
  strictEqual(await until(async () => (await ask(other, '/me', before)).status === 401), true, 'a token from before the change must be refused');

  deepStrictEqual(JSON.parse((await ask(one, '/ready')).body), { ready: true });
  match((await ask(other, '/metrics')).body, /^tokenward_revoked_token_uses_total\{[^}]*\} [1-9]/m);
  console.log('1 passed, 0 failed');
} finally {
  for (const child of children.toReversed()) await end(child);
  await issuer.close();
  await rm(folder, { recursive: true });
}

async function startApi(redis: number): Promise<string> {
  const env = { ...process.env, ISSUER_BASE_URL: issuer.issuer, AUDIENCE: issuer.audience, REDIS_URL: `redis://127.0.0.1:${redis}`, PORT: '0' };
  for (let attempt = 0; ; attempt++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'server.ts')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    const output = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    const origin = /listening on (\S+)/.exec(String(output[0]))?.[1];
    if (origin !== undefined) return origin;
    if (attempt === 3) throw new Error('the API did not start');
  }
}

async function ask(origin: string, path: string, token?: string, method = 'GET'): Promise<{ status: number; body: string }> {
  const response = await fetch(`${origin}${path}`, { method, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.text() };
}

async function until(holds: () => Promise<boolean>): Promise<boolean> {
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await holds()) return true;
    await sleep(20);
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
