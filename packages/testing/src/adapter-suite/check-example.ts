import { deepStrictEqual, match, strictEqual } from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createTestIssuer, type TestIssuer } from '../issuer.js';
import { expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import { PUBLIC_ORIGIN, startFleet } from './example-fleet.js';
import { end, startExample, type StartedExample } from './example-process.js';
import { exampleTable } from './example-table.js';
import { keepAliveAgent, send } from './exchange.js';

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
  // it needs a few seconds to start, and the other checks run meanwhile
  const fleet = await startFleet(server, issuer);
  const origin = await app.origin.catch(() => undefined);
  if (origin !== undefined) {
    for (const { name, run } of exampleTable) await check(name, () => run((sent) => send(origin, sent), issuer));
    await check('GET /.well-known/oauth-protected-resource says where to get tokens, whatever the Host field says', () => expectMetadata(origin, issuer));
  }
  await check('without INTROSPECTION_CLIENT_ID, opaque tokens are refused, and without LOGOUT_CLIENT_ID there is no receiver', async () => {
    await expectUnauthorized(await send(await app.origin, { path: '/me', token: issuer.issueOpaqueToken() }), { error: 'invalid_token' });
    strictEqual((await send(await app.origin, { method: 'POST', path: '/backchannel-logout', form: 'logout_token=x' })).status, 404);
  });
  await check('it ends by SIGTERM within 2 s, though a connection is open', () => expectOrderlyEnd(app, origin));
  await check('it starts although the issuer is down, and answers 503; the metadata names PUBLIC_ORIGIN, and with SENDER_CONSTRAINT=dpop it demands DPoP', () =>
    expectStartWithoutIssuer(server, issuer),
  );
  for (const { name, run } of fleet.cases) await check(name, run);
  await check('each process of a fleet ends by SIGTERM within 2 s', fleet.end);
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
      dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'RS256', 'PS256', 'PS384', 'PS512'],
    });
  }
}

async function expectOrderlyEnd(app: StartedExample, origin: string | undefined): Promise<void> {
  const agent = keepAliveAgent();
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
  const settings = { PUBLIC_ORIGIN, SENDER_CONSTRAINT: 'dpop' };
  const app = startExample(server, { issuer: gone.issuer, audience: 'orders' }, settings);
  try {
    const origin = await app.origin;
    await expectUnavailable(await send(origin, { path: '/me', token }));
    const { parameters } = await expectUnauthorized(await send(origin, { path: '/me' }), { scheme: 'DPoP' });
    strictEqual(parameters['resource_metadata'], PUBLIC_ORIGIN + METADATA);
    const metadata = (await send(origin, { path: METADATA })).json() as Record<string, unknown>;
    deepStrictEqual([metadata['resource'], metadata['dpop_bound_access_tokens_required']], [PUBLIC_ORIGIN, true]);
    strictEqual((await send(origin, { path: '/public', token: await issueToken() })).status, 200);
  } finally {
    await end(app);
  }
}
