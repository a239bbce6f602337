import { deepStrictEqual, match, strictEqual } from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createTestIssuer, type TestIssuer } from '../issuer.js';
import { expectForbidden, expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import { exampleTable } from './example-table.js';
import { send } from './exchange.js';

const START_MS = 10_000;
const END_MS = 2_000;

/**
 * Starts an example app in its own process, with a local issuer, and checks it against the contract of the examples. It prints each line of the contract.
 * If one fails, it sets the exit code of the process to 1.
 *
 * @param server the app's file, which `node` runs
 */
export async function checkExample(server: URL): Promise<void> {
  const counts = { passed: 0, failed: 0 };

  async function check(name: string, run: () => Promise<void>): Promise<void> {
    try {
      await run();
      counts.passed++;
      say(`ok      ${name}`);
    } catch (error) {
      counts.failed++;
      say(`FAILED  ${name}\n        ${(error as Error).message.replaceAll('\n', '\n        ')}`);
    }
  }

  const issuer = await createTestIssuer();
  const app = startExample(server, issuer);
  await check('it starts and says where', async () => match(await app.origin, /^http:\/\/127\.0\.0\.1:\d+$/));
  const origin = await app.origin.catch(() => undefined);
  if (origin !== undefined) {
    for (const { name, run } of exampleTable) await check(name, () => run((sent) => send(origin, sent), issuer));
    await check('GET /.well-known/oauth-protected-resource says where to get tokens, whatever the Host field says', () => expectMetadata(origin, issuer));
  }
  await check('with INTROSPECTION_CLIENT_ID, opaque tokens are introspected, and without it they are refused', () =>
    expectIntrospection(server, issuer, origin),
  );
  await check('it ends by SIGTERM within 2 s, though a connection is open', () => expectOrderlyEnd(app, origin));
  await check('it starts although the issuer is down, and answers 503; PUBLIC_ORIGIN names it in the metadata', () => expectStartWithoutIssuer(server, issuer));
  await issuer.close();

  say(`${counts.passed} passed, ${counts.failed} failed`);
  const file = process.env['TOKENWARD_COUNTS'];
  if (file) writeFileSync(file, JSON.stringify(counts));
  if (counts.failed > 0) process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const METADATA = '/.well-known/oauth-protected-resource';

async function expectMetadata(origin: string, { issuer, audience }: TestIssuer): Promise<void> {
  for (const headers of [[], [['host', 'evil.example'] as const]]) {
    const answer = await send(origin, { path: METADATA, headers, token: 'not.a.token' });
    strictEqual(answer.status, 200);
    const { scopes_supported: scopes, ...others } = answer.json() as Record<string, unknown>;
    deepStrictEqual((scopes as string[]).toSorted(), ['orders:read', 'orders:write', 'payout', 'reports:read']);
    deepStrictEqual(others, {
      resource: audience,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
    });
  }
}

interface StartedExample {
  readonly process: ChildProcess;
  readonly origin: Promise<string>;
  /** Returns everything that it has printed to stdout. */
  output(): string;
}

function startExample(
  server: URL,
  { issuer, audience }: Pick<TestIssuer, 'issuer' | 'audience'>,
  settings: Readonly<Record<string, string>> = {},
): StartedExample {
  const env = { ...process.env, ISSUER_BASE_URL: issuer, AUDIENCE: audience, PORT: '0', ...settings };
  const child = spawn(process.execPath, [fileURLToPath(server)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const origin = new Promise<string>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`it did not say where it listens within ${START_MS / 1000} s`)), START_MS);
    child.once('exit', (code) => reject(new Error(`it ended with ${code} before it listened`)));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      const line = /^listening on (\S+)\n/.exec(output);
      if (!line) return;
      clearTimeout(timer);
      resolve(line[1]!);
    });
  });
  return { process: child, origin, output: () => output };
}

async function expectOrderlyEnd(app: StartedExample, origin: string | undefined): Promise<void> {
  const agent = new Agent({ keepAlive: true });
  try {
    if (origin !== undefined) await send(origin, { path: '/public', agent });
    await end(app);
    deepStrictEqual(app.output(), `listening on ${origin}\n`, 'it prints one line and no more');
  } finally {
    agent.destroy();
  }
}

async function expectStartWithoutIssuer(server: URL, { issueToken }: TestIssuer): Promise<void> {
  const gone = await createTestIssuer({ audience: 'orders' });
  const token = await gone.issueToken();
  await gone.close();
  const app = startExample(server, { issuer: gone.issuer, audience: 'orders' }, { PUBLIC_ORIGIN: 'https://public.example.test' });
  try {
    const origin = await app.origin;
    await expectUnavailable(await send(origin, { path: '/me', token }));
    const { parameters } = await expectUnauthorized(await send(origin, { path: '/me' }));
    strictEqual(parameters['resource_metadata'], `https://public.example.test${METADATA}`);
    strictEqual(((await send(origin, { path: METADATA })).json() as { resource: unknown }).resource, 'https://public.example.test');
    strictEqual((await send(origin, { path: '/public', token: await issueToken() })).status, 200);
  } finally {
    await end(app);
  }
}

async function expectIntrospection(server: URL, issuer: TestIssuer, plainOrigin: string | undefined): Promise<void> {
  const { clientId, clientSecret } = issuer.introspectionClient;
  const app = startExample(server, issuer, { INTROSPECTION_CLIENT_ID: clientId, INTROSPECTION_CLIENT_SECRET: clientSecret });
  try {
    const origin = await app.origin;
    const token = issuer.issueOpaqueToken({ subject: 'ada', scope: 'orders:read' });
    for (const path of ['/me', '/orders', '/optional']) strictEqual((await send(origin, { path, token })).status, 200);
    strictEqual((await send(origin, { path: '/me', token: await issuer.issueToken() })).status, 200);
    await expectForbidden(await send(origin, { path: '/orders', token: issuer.issueOpaqueToken() }), { scope: 'orders:read' });
    await expectUnauthorized(await send(origin, { path: '/me', token: 'unknown' }), { error: 'invalid_token' });
    issuer.misbehave('error', 'introspection');
    await expectUnavailable(await send(origin, { path: '/me', token: issuer.issueOpaqueToken() }));
    strictEqual((await send(origin, { path: '/me', token })).status, 200);
    if (plainOrigin !== undefined) await expectUnauthorized(await send(plainOrigin, { path: '/me', token }), { error: 'invalid_token' });
  } finally {
    issuer.behave();
    await end(app);
  }
}

async function end({ process: child }: StartedExample): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  const [code, signal] = (await exited) as [number | null, string | null];
  clearTimeout(timer);
  if (signal === 'SIGKILL') throw new Error(`it was still there ${END_MS / 1000} s after SIGTERM`);
  if (code !== 0) throw new Error(`it ended with ${code ?? signal}, not in good order`);
}
