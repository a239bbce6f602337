import { deepStrictEqual, match, strictEqual } from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createResourceGuard, memoryRevocations, scope, type Auth, type ResourceGuard } from '@tokenward/core';
import { expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import { createTestClock } from '../clock.js';
import { createTestIssuer } from '../issuer.js';
import type { SuiteRoute } from './app.js';
import type { Received, Sent } from './exchange.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

const CLIENT = 'web-app';
const AUDIENCE = 'https://api.example.test/events';
const AUTHORIZATION = 'Bearer of-the-transmitter-and-nobody-else';
const CLAIMS = { sid: 'session-1', jti: 'token-1' };

/** Starts an app, and a guard that shares its store, so that a case can revoke tokens. */
async function startShared({ start, issuer }: Suite): Promise<{ app: SuiteApp; guard: ResourceGuard }> {
  const options = { issuer: issuer.issuer, audience: issuer.audience, revocations: { store: memoryRevocations() } };
  const receivers = { backchannelLogout: { clientId: CLIENT }, sharedSignals: { audience: AUDIENCE, authorization: AUTHORIZATION } };
  return { app: await start({ options, receivers }), guard: createResourceGuard(options) };
}

function logout(logoutToken: string): Sent {
  return { method: 'POST', path: '/backchannel-logout', form: new URLSearchParams({ logout_token: logoutToken }).toString() };
}

function event(securityEvent: string, headers: Sent['headers'] = [['authorization', AUTHORIZATION]]): Sent {
  return { method: 'POST', path: '/events', form: securityEvent, contentType: 'application/secevent+jwt', headers };
}

/** Some frameworks refuse a missing or unsupported content type before the handler, with a 415 of their own. */
function expectTypeRefused(answer: Received, body: RegExp): void {
  if (answer.status !== 415) expectAnswer(answer, 400, body);
}

function expectAnswer(answer: Received, status: number, body: RegExp): void {
  strictEqual(answer.status, status);
  strictEqual(answer.headers.get('cache-control'), 'no-store');
  strictEqual(body.test(answer.body), true, answer.body);
}

/** Section L: revocation. */
export const revocationCases: readonly SuiteCase[] = [
  {
    name: 'rule 66: refuses a revoked token at the next request',
    async run(suite) {
      const { app, guard } = await startShared(suite);
      const [token, other] = [
        await suite.token({ scopes: ['orders:read'], claims: CLAIMS }),
        await suite.token({ scopes: ['orders:read'], subject: 'user-2' }),
      ];
      strictEqual((await app.ask({ path: '/orders', token })).status, 200);
      await guard.revocations.revoke({ sessionId: 'session-1' }, { reason: 'logout' });
      await expectUnauthorized(await app.ask({ path: '/orders', token }), { error: 'invalid_token' });
      strictEqual((await app.ask({ path: '/orders', token: other })).status, 200);
    },
  },
  {
    name: 'rule 163: withdrawing a key aborts the signal of its token, and refuses its permits and requests',
    async run({ start }) {
      const clock = createTestClock();
      const issuer = await createTestIssuer({ clock });
      try {
        const leaked = await issuer.signingKey();
        const other = await issuer.rotateKeys();
        const [token, good] = await Promise.all([leaked, other].map((key) => issuer.issueToken({ key, scopes: ['orders:read'] })));
        const options = { issuer: issuer.issuer, audience: issuer.audience, clock, keyFetching: { freshSeconds: 60 } };
        const admitted: Auth[] = [];
        const app = await start({
          options,
          routes: [{ method: 'GET', path: '/feed', access: 'required', policies: [], answer: ({ auth }) => ({ status: 200, body: admitted.push(auth!) }) }],
        });
        for (const sent of [token, good]) strictEqual((await app.ask({ path: '/feed', token: sent })).status, 200);
        const [lost, kept] = admitted as [Auth, Auth];
        const signals = [lost.signal, kept.signal];
        const guard = createResourceGuard(options);
        const permitted = () => [lost, kept].map((auth) => guard.permit(auth, scope('orders:read')).outcome);
        issuer.withdrawKey(leaked.kid);
        clock.advance(61);
        // the first request after that has the keys fetched again
        const aborted = new Promise((resolve) => lost.signal.addEventListener('abort', resolve, { once: true }));
        strictEqual((await app.ask({ path: '/feed', token: good })).status, 200);
        await aborted;
        deepStrictEqual(
          signals.map((signal) => signal.aborted),
          [true, false],
        );
        deepStrictEqual(permitted(), ['deny', 'allow']);
        await expectUnauthorized(await app.ask({ path: '/feed', token }), { error: 'invalid_token' });
      } finally {
        await issuer.close();
      }
    },
  },
  {
    name: 'auth.signal ends an event stream when its token is revoked, and leaves the stream of another token open',
    async run({ start, token }) {
      const streams = new Map<string, PassThrough>();
      const events: SuiteRoute = {
        method: 'GET',
        path: '/events',
        access: 'required',
        policies: [],
        answer({ auth }) {
          const stream = new PassThrough();
          streams.set(auth!.subject!, stream);
          stream.write(`data: ${auth!.subject}\n\n`);
          auth!.signal.addEventListener('abort', () => stream.end(), { once: true });
          return { status: 200, stream };
        },
      };
      const app = await start({ routes: [events] });
      const [mine, other] = [app.ask({ path: '/events', token: await token() }), app.ask({ path: '/events', token: await token({ subject: 'user-2' }) })];
      while (streams.size < 2) await sleep(1);
      await app.guard.revocations.revoke({ subject: 'user-1' });
      const { status, body, headers } = await mine;
      deepStrictEqual([status, body], [200, 'data: user-1\n\n']);
      match(headers.get('content-type') ?? '', /^text\/event-stream/);
      streams.get('user-2')!.end('data: goes on\n\n');
      strictEqual((await other).body, 'data: user-2\n\ndata: goes on\n\n');
    },
  },
  {
    name: 'rule 112: answers 503 and runs no handler if the revocations are not current',
    async run({ start, issuer, token, handlersRun }) {
      const store = { ...memoryRevocations(), isCurrent: () => false };
      const app = await start({ options: { issuer: issuer.issuer, audience: issuer.audience, revocations: { store } } });
      handlersRun();
      await expectUnavailable(await app.ask({ path: '/me', token: await token() }));
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 118: accepts a logout token in a form without credentials, and answers 200 with no-store',
    async run(suite) {
      const { app } = await startShared(suite);
      for (const path of ['/backchannel-logout', '/parsed/backchannel-logout']) {
        const sessionId = `session-of-${path}`;
        const token = await suite.token({ claims: { sid: sessionId } });
        strictEqual((await app.ask({ path: '/me', token })).status, 200);
        const answer = await app.ask({ ...logout(await suite.issuer.issueLogoutToken({ clientId: CLIENT, sessionId })), path });
        expectAnswer(answer, 200, /^$/);
        await expectUnauthorized(await app.ask({ path: '/me', token }), { error: 'invalid_token' });
      }
    },
  },
  {
    name: 'rule 119: a logout ends the session that it names, or all sessions of its subject',
    async run(suite) {
      const { app } = await startShared(suite);
      const tokens = await Promise.all(['session-1', 'session-2'].map((sid) => suite.token({ claims: { sid } })));
      const other = await suite.token({ subject: 'user-2', claims: { sid: 'session-3' } });
      const statuses = () => Promise.all([...tokens, other].map(async (token) => (await app.ask({ path: '/me', token })).status));
      deepStrictEqual(await statuses(), [200, 200, 200]);
      await app.ask(logout(await suite.issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1', sessionId: 'session-1' })));
      deepStrictEqual(await statuses(), [401, 200, 200]);
      await app.ask(logout(await suite.issuer.issueLogoutToken({ clientId: CLIENT, subject: 'user-1' })));
      deepStrictEqual(await statuses(), [401, 401, 200]);
    },
  },
  {
    name: 'rules 116 to 118: refuses invalid logout requests, and revokes nothing',
    async run(suite) {
      const { app } = await startShared(suite);
      const { issuer } = suite;
      const token = await suite.token({ claims: CLAIMS });
      const good = { clientId: CLIENT, subject: 'user-1', sessionId: 'session-1' };
      const bad: Sent[] = [
        logout(''),
        logout('a.b.c'),
        logout(token),
        logout(await issuer.issueLogoutToken({ ...good, clientId: 'another' })),
        logout(await issuer.issueLogoutToken({ ...good, claims: { nonce: 'x' } })),
        logout(await issuer.issueLogoutToken({ ...good, header: { typ: 'at+jwt' } })),
        { ...logout(await issuer.issueLogoutToken(good)), form: `logout_token=a&logout_token=b` },
        { method: 'POST', path: '/backchannel-logout', json: { logout_token: await issuer.issueLogoutToken(good) } },
        { method: 'POST', path: '/backchannel-logout', form: `logout_token=${'a'.repeat(100_000)}` },
      ];
      for (const sent of bad) expectAnswer(await app.ask(sent), 400, /^\{"error":"invalid_request"/);
      const plain = { ...logout(await issuer.issueLogoutToken(good)), contentType: 'text/plain' };
      const nothing = { method: 'POST', path: '/backchannel-logout' };
      for (const sent of [plain, nothing]) expectTypeRefused(await app.ask(sent), /^\{"error":"invalid_request"/);
      strictEqual((await app.ask({ path: '/me', token })).status, 200);
    },
  },
  {
    name: 'rule 121: answers a security event with 202 and no body, and refuses the revoked token',
    async run(suite) {
      const { app } = await startShared(suite);
      const token = await suite.token({ claims: CLAIMS });
      const subject = {
        format: 'complex',
        user: { format: 'iss_sub', iss: suite.issuer.issuer, sub: 'user-1' },
        session: { format: 'opaque', id: 'session-1' },
      };
      expectAnswer(await app.ask(event(await suite.issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'session-revoked', subject }))), 202, /^$/);
      await expectUnauthorized(await app.ask({ path: '/me', token }), { error: 'invalid_token' });
    },
  },
  {
    name: 'rule 121: refuses invalid security events, and revokes nothing',
    async run(suite) {
      const { app } = await startShared(suite);
      const token = await suite.token();
      const subject = { format: 'iss_sub', iss: suite.issuer.issuer, sub: 'user-1' };
      const good = await suite.issuer.issueSecurityEvent({ audience: AUDIENCE, type: 'credential-change', subject });
      const bad: [Sent, string][] = [
        [event(good, []), 'authentication_failed'],
        [event(good, [['authorization', `${AUTHORIZATION}x`]]), 'authentication_failed'],
        [event('a.b.c'), 'invalid_request'],
        [event(token), 'invalid_request'],
        [event(await suite.issuer.issueSecurityEvent({ audience: 'another', type: 'credential-change', subject })), 'invalid_audience'],
        [event('a'.repeat(100_000)), 'invalid_request'],
      ];
      for (const [sent, err] of bad) expectAnswer(await app.ask(sent), 400, new RegExp(`^\\{"err":"${err}","description":"`));
      expectTypeRefused(await app.ask({ ...event(good), contentType: 'application/jwt' }), /^\{"err":"invalid_request"/);
      strictEqual((await app.ask({ path: '/me', token })).status, 200);
    },
  },
];
