import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDpopClient } from '../dpop.js';
import { expectForbidden, expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import type { TestIssuer } from '../issuer.js';
import { end, startExample, type StartedExample } from './example-process.js';
import { send, type Received } from './exchange.js';

const CLIENT = 'web-app';
export const PUBLIC_ORIGIN = 'https://public.example.test';
const NONCE_SECRET = 'a-secret-of-the-check-for-nonces-of-32-bytes';
/** The first processes of a data set wait a few seconds for others that may have lost revocations. */
const READY_MS = 60_000;
const SHARED_MS = 20_000;

/** Two processes of an example with the settings of a fleet, and their Redis, and two that demand bound tokens. */
export interface Fleet {
  readonly cases: readonly { readonly name: string; run(): Promise<void> }[];
  end(): Promise<void>;
}

export async function startFleet(server: URL, issuer: TestIssuer): Promise<Fleet> {
  const redis = await startRedis();
  const { clientId, clientSecret } = issuer.introspectionClient;
  const settings = {
    REDIS_URL: redis.url,
    LOGOUT_CLIENT_ID: CLIENT,
    INTROSPECTION_CLIENT_ID: clientId,
    INTROSPECTION_CLIENT_SECRET: clientSecret,
    DPOP_NONCE_SECRET: NONCE_SECRET,
  };
  const apps = [
    startExample(server, issuer, settings),
    startExample(server, issuer, settings),
    startExample(server, issuer, { SENDER_CONSTRAINT: 'any', PUBLIC_ORIGIN }),
    startExample(server, issuer, { SENDER_CONSTRAINT: 'mtls' }),
  ] as const;
  // the first check reports it
  for (const { origin } of apps) origin.catch(() => {});
  const origins = (): Promise<[string, string]> => Promise.all([apps[0].origin, apps[1].origin]);
  return {
    cases: [
      { name: 'with REDIS_URL it starts, and is ready when it knows the revocations', run: async () => expectReady(await origins(), issuer) },
      { name: 'with INTROSPECTION_CLIENT_ID, opaque tokens are introspected', run: async () => expectIntrospection((await origins())[0], issuer) },
      { name: 'with REDIS_URL, processes share introspection answers', run: async () => expectSharedAnswers(await origins(), issuer) },
      {
        name: 'with LOGOUT_CLIENT_ID, a logout token ends a session in every process, and counts once',
        run: async () => expectSharedLogout(await origins(), issuer),
      },
      {
        name: 'with DPOP_NONCE_SECRET and REDIS_URL, a proof needs a nonce, which every process takes, and is accepted once by all of them',
        run: async () => expectSharedProofs(await origins(), issuer),
      },
      {
        name: 'with SENDER_CONSTRAINT=any, only bound tokens are accepted, and with PUBLIC_ORIGIN their proofs name it',
        run: async () => expectBoundTokens(await apps[2].origin, issuer),
      },
      {
        name: 'with SENDER_CONSTRAINT=mtls, neither an unbound token nor one that is bound to a key is accepted',
        run: async () => expectCertificates(await apps[3].origin, issuer),
      },
    ],
    async end() {
      try {
        await endAll(apps);
      } finally {
        await redis.end();
      }
    },
  };
}

async function endAll(apps: readonly StartedExample[]): Promise<void> {
  const ends = await Promise.allSettled(apps.map(end));
  for (const one of ends) if (one.status === 'rejected') throw one.reason;
}

async function expectReady(origins: readonly string[], { issueToken }: TestIssuer): Promise<void> {
  const token = await issueToken();
  for (const origin of origins) {
    await until(READY_MS, 'it is still not ready', async () => {
      const answer = await send(origin, { path: '/me', token });
      // never anything else, least of all an answer without the revocations
      if (answer.status !== 200) await expectUnavailable(answer);
      return answer.status === 200;
    });
  }
}

async function expectIntrospection(origin: string, issuer: TestIssuer): Promise<void> {
  try {
    const token = issuer.issueOpaqueToken({ subject: 'ada', scopes: ['orders:read'] });
    for (const path of ['/me', '/orders', '/optional']) strictEqual((await send(origin, { path, token })).status, 200);
    strictEqual((await send(origin, { path: '/me', token: await issuer.issueToken() })).status, 200);
    await expectForbidden(await send(origin, { path: '/orders', token: issuer.issueOpaqueToken() }), { scopes: ['orders:read'] });
    await expectUnauthorized(await send(origin, { path: '/me', token: 'unknown' }), { error: 'invalid_token' });
    issuer.misbehave('error', 'introspection');
    await expectUnavailable(await send(origin, { path: '/me', token: issuer.issueOpaqueToken() }));
    strictEqual((await send(origin, { path: '/me', token })).status, 200);
  } finally {
    issuer.behave();
  }
}

async function expectSharedAnswers(origins: readonly [string, string], { introspections, issueOpaqueToken }: TestIssuer): Promise<void> {
  // the first process writes its answer down after it has answered
  await until(SHARED_MS, 'each process asks for itself', async () => {
    const token = issueOpaqueToken();
    const before = introspections.active;
    for (const origin of origins) {
      strictEqual((await send(origin, { path: '/me', token })).status, 200);
      await sleep(20);
    }
    return introspections.active - before === 1;
  });
}

async function expectSharedLogout([one, other]: readonly [string, string], { issueToken, issueLogoutToken }: TestIssuer): Promise<void> {
  const [ended, kept] = [await issueToken({ claims: { sid: 'ended' } }), await issueToken({ claims: { sid: 'kept' } })];
  const statuses = async (origin: string): Promise<number[]> => {
    const answers = [await send(origin, { path: '/me', token: ended }), await send(origin, { path: '/me', token: kept })];
    return answers.map(({ status }) => status);
  };
  for (const origin of [one, other]) deepStrictEqual(await statuses(origin), [200, 200]);
  const message = {
    method: 'POST',
    path: '/backchannel-logout',
    form: new URLSearchParams({ logout_token: await issueLogoutToken({ clientId: CLIENT, sessionId: 'ended' }) }).toString(),
  };
  strictEqual((await send(one, message)).status, 200);
  deepStrictEqual(await statuses(one), [401, 200]);
  await until(SHARED_MS, 'the other process still takes a token of the session', async () => (await statuses(other))[0] === 401);
  deepStrictEqual(await statuses(other), [401, 200]);
  strictEqual((await send(other, message)).status, 400);
  strictEqual((await send(one, { ...message, form: `logout_token=${await issueLogoutToken({ clientId: 'another', sessionId: 'kept' })}` })).status, 400);
}

async function expectSharedProofs([one, other]: readonly [string, string], issuer: TestIssuer): Promise<void> {
  const client = await createDpopClient();
  const token = await issuer.issueToken({ claims: client.claims });
  const ask = (origin: string, proof: string): Promise<Received> =>
    send(origin, {
      path: '/me',
      headers: [
        ['authorization', `DPoP ${token}`],
        ['dpop', proof],
      ],
    });
  const refused = await ask(one, client.createProof({ url: `${one}/me` }, token));
  await expectUnauthorized(refused, { scheme: 'DPoP', error: 'use_dpop_nonce' });
  const nonce = refused.headers.get('dpop-nonce') ?? undefined;
  strictEqual((await ask(other, client.createProof({ url: `${other}/me`, nonce }, token))).status, 200);
  // two processes behind one address see the same proof
  const proof = client.createProof({ url: `${one}/me`, nonce }, token);
  const asked = {
    path: '/me',
    headers: [
      ['host', new URL(one).host],
      ['authorization', `DPoP ${token}`],
      ['dpop', proof],
    ],
  } as const;
  strictEqual((await send(one, asked)).status, 200);
  await expectUnauthorized(await send(other, asked), { scheme: 'DPoP', error: 'invalid_dpop_proof' });
  await expectUnauthorized(await send(one, { path: '/me', token }), { error: 'invalid_token' });
}

async function expectBoundTokens(origin: string, issuer: TestIssuer): Promise<void> {
  const { claims, authorizationHeaders } = await createDpopClient();
  const token = await issuer.issueToken({ claims });
  const ask = (at: string): Promise<Received> => send(origin, { path: '/me', headers: Object.entries(authorizationHeaders({ url: `${at}/me` }, token)) });
  strictEqual((await ask(PUBLIC_ORIGIN)).status, 200);
  await expectUnauthorized(await ask(origin), { scheme: 'DPoP', error: 'invalid_dpop_proof' });
  await expectUnauthorized(await send(origin, { path: '/me', token: await issuer.issueToken() }), { error: 'invalid_token' });
}

async function expectCertificates(origin: string, issuer: TestIssuer): Promise<void> {
  const { claims, authorizationHeaders } = await createDpopClient();
  const headers = Object.entries(authorizationHeaders({ url: `${origin}/me` }, await issuer.issueToken({ claims })));
  await expectUnauthorized(await send(origin, { path: '/me', headers }), { scheme: 'DPoP', error: 'invalid_token' });
  await expectUnauthorized(await send(origin, { path: '/me', token: await issuer.issueToken() }), { error: 'invalid_token' });
}

async function until(withinMs: number, complaint: string, holds: () => Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endsAtMs) throw new Error(`${complaint} after ${withinMs / 1000} s`);
    await sleep(20);
  }
}

async function startRedis(): Promise<{ readonly url: string; end(): Promise<void> }> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', tmpdir()];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(`this check needs redis-server, which cannot be started (${(error as Error).message}): apt-get install redis-server`);
  });
  await Promise.race([until(START_MS, 'redis-server does not answer', () => answers(port)), failed]);
  failed.catch(() => {});
  return {
    url: `redis://127.0.0.1:${port}`,
    async end() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const START_MS = 30_000;

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
