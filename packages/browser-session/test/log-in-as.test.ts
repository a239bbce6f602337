import { spawnSync } from 'node:child_process';
import { inspect } from 'node:util';
import { memorySessions } from '@tokenward/core';
import { START_TEST_SESSION } from '@tokenward/core/store';
import { logInAs } from '@tokenward/testing/browser-session';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startGuardedApp } from './log-in-as.ts';

const ALICE = { subject: 'alice', scopes: ['orders:read'], claims: { roles: ['admin'] } };

test.each([
  ['in encrypted cookies', () => ({})],
  ['in a store', () => ({ store: memorySessions() })],
])('logInAs() logs in without a login page: the guard admits the session, %s', async (_name, options) => {
  const { origin, session, issuer } = await startGuardedApp(options());
  const login = await logInAs(session, issuer, ALICE);
  const caller = { subject: 'alice', scopes: ['orders:read'], roles: ['admin'] };
  for (const path of ['/orders', '/admin']) {
    const response = await fetch(origin + path, { headers: login.headers });
    expect([response.status, await response.json()]).toEqual([200, caller]);
  }
  const bearer = await fetch(`${origin}/orders`, { headers: { authorization: `Bearer ${login.accessToken}` } });
  expect(await bearer.json()).toEqual(caller);
  expect(await session.get({ headers: login.headers })).toMatchObject({ subject: 'alice', scopes: ['orders:read'] });
});

test.each([
  ['express', () => import('@tokenward/browser-session/express')],
  ['fastify', () => import('@tokenward/browser-session/fastify')],
  ['koa', () => import('@tokenward/browser-session/koa')],
  ['nestjs', () => import('@tokenward/browser-session/nestjs')],
  ['node', () => import('@tokenward/browser-session/node')],
])('logInAs() takes the session of the subpath /%s', async (_subpath, load) => {
  const { origin, issuer, clock } = await startGuardedApp();
  const { createBrowserSession } = await load();
  // the guard's own session has the same secret
  const secrets = ['a secret of a test that has more than 32 characters'];
  const session = createBrowserSession({ issuer: issuer.issuer, clientId: 'web-app', clientSecret: 'a client secret of a test', origin, secrets, clock });
  onTestFinished(() => session.close());
  const { headers } = await logInAs(session, issuer, ALICE);
  expect(await (await fetch(`${origin}/orders`, { headers })).json()).toMatchObject({ subject: 'alice' });
});

test('tests need a login page: not with logInAs(), which grants what was asked for and nothing more', async () => {
  const { origin, session, issuer } = await startGuardedApp();
  const { headers } = await logInAs(session, issuer, { subject: 'bob' });
  expect((await fetch(`${origin}/orders`, { headers })).status).toBe(403);
  expect((await fetch(`${origin}/admin`, { headers })).status).toBe(403);
  const { cookie } = headers;
  expect((await fetch(`${origin}/orders`, { headers: { cookie } })).status).toBe(403);
});

test('logInAs() with a token that has ended: fifty calls make one refresh', async () => {
  const { origin, session, issuer } = await startGuardedApp();
  const { headers } = await logInAs(session, issuer, { ...ALICE, lifetimeSeconds: -60 });
  const answers = await Promise.all(Array.from({ length: 50 }, async () => (await fetch(`${origin}/orders`, { headers })).status));
  expect(new Set(answers)).toEqual(new Set([200]));
  expect(issuer.refreshes).toEqual({ granted: 1, refused: 0 });
});

test('logInAs() without a refresh token: the session ends with its access token', async () => {
  const { origin, session, issuer, clock } = await startGuardedApp();
  const { headers } = await logInAs(session, issuer, { ...ALICE, lifetimeSeconds: 60, isRefreshable: false });
  expect((await fetch(`${origin}/orders`, { headers })).status).toBe(200);
  clock.advance(61);
  expect((await fetch(`${origin}/orders`, { headers })).status).toBe(401);
  expect(issuer.refreshes.granted).toBe(0);
});

test('a refresh token of the test issuer is good for one use', async () => {
  const { issuer } = await startGuardedApp();
  const refreshToken = issuer.issueRefreshToken({ subject: 'alice', scopes: ['orders:read'] });
  const refresh = () =>
    fetch(`${issuer.issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }) });
  const first = await refresh();
  expect([first.status, await first.json()]).toEqual([200, expect.objectContaining({ token_type: 'Bearer', expires_in: 300, scope: 'orders:read' })]);
  const second = await refresh();
  expect([second.status, await second.json()]).toEqual([400, { error: 'invalid_grant' }]);
  const wrong = await fetch(`${issuer.issuer}/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'password' }) });
  expect(await wrong.json()).toEqual({ error: 'unsupported_grant_type' });
  expect(issuer.refreshes).toEqual({ granted: 1, refused: 2 });
});

test('a logout token ends a session of logInAs() by its sid', async () => {
  const { origin, session, issuer } = await startGuardedApp();
  const { headers } = await logInAs(session, issuer, { ...ALICE, claims: { sid: 'session-1' } });
  expect((await fetch(`${origin}/orders`, { headers })).status).toBe(200);
  const body = new URLSearchParams({ logout_token: await issuer.issueLogoutToken({ clientId: 'web-app', sessionId: 'session-1' }) });
  expect((await session.handle(new Request(`${origin}/session/backchannel-logout`, { method: 'POST', body }))).status).toBe(200);
  expect((await fetch(`${origin}/orders`, { headers })).status).toBe(401);
});

test('what logInAs() returns prints and serialises without the access token', async () => {
  const { session, issuer } = await startGuardedApp();
  const login = await logInAs(session, issuer, ALICE);
  expect(login.accessToken).toMatch(/^ey/);
  for (const text of [JSON.stringify(login), inspect(login, { depth: 9 }), JSON.stringify({ ...login })]) expect(text).not.toContain(login.accessToken);
});

test('logInAs() refuses what is no session, and tokens without sub or exp', async () => {
  const { session, issuer } = await startGuardedApp();
  for (const odd of [undefined, {}, { origin: 'https://app.example.com' }]) await expect(logInAs(odd as never, issuer)).rejects.toThrow('createBrowserSession');
  await expect(logInAs(session, issuer, { claims: { sub: undefined } })).rejects.toThrow('sub and exp');
});

/** All that a session of a test needs. */
const TOKENS = {
  subject: 'a',
  accessToken: 't',
  accessTokenEndsAt: 1,
  issuedAt: 0,
  scopes: [],
  refreshToken: undefined,
  idToken: undefined,
  issuerSessionId: undefined,
};

test('a session refuses incomplete tokens of a test', async () => {
  const { session } = await startGuardedApp();
  await expect(session[START_TEST_SESSION](TOKENS)).resolves.toHaveLength(3);
  const odd = [
    { subject: '' },
    { accessToken: undefined },
    { accessTokenEndsAt: Number.NaN },
    { issuedAt: '1' },
    { scopes: 'a b' },
    { scopes: ['a b'] },
    { refreshToken: 1 },
    { idToken: '' },
  ];
  for (const one of odd) await expect(session[START_TEST_SESSION]({ ...TOKENS, ...one } as never)).rejects.toThrow('of a session of a test');
});

test('in production, the fixtures do not load, and a session starts no session of a test', async () => {
  const { session, issuer } = await startGuardedApp();
  vi.stubEnv('NODE_ENV', 'production');
  try {
    await expect(logInAs(session, issuer, ALICE)).rejects.toThrow('NODE_ENV is "production"');
    await expect(session[START_TEST_SESSION](TOKENS)).rejects.toThrow('NODE_ENV is "production"');
  } finally {
    vi.unstubAllEnvs();
  }
  const script = "import('@tokenward/testing/browser-session').then(() => console.log('loaded'), (error) => console.log(error.message))";
  const run = (env: string) =>
    spawnSync(process.execPath, ['-e', script], { cwd: import.meta.dirname, env: { ...process.env, NODE_ENV: env }, encoding: 'utf8' }).stdout;
  expect(run('production')).toMatch(/NODE_ENV is "production"/);
  expect(run('test')).toBe('loaded\n');
});
