import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { scope, type Auth, type Deny } from '@tokenward/core';
import { expectBadRequest, expectForbidden, expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import type { AppSetup } from './app.js';
import { exampleRoutes } from './example-routes.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

const SCOPE = 'orders:read';

/** Opaque tokens: the issuer's option `introspection`. */
export const introspectionCases: readonly SuiteCase[] = [
  {
    name: 'an opaque token gives the same Auth as a JWT, and policies apply to it',
    async run(suite) {
      const seen: (Auth | undefined)[] = [];
      const app = await startWith(suite, {
        routes: [
          ...exampleRoutes,
          {
            method: 'GET',
            path: '/see',
            access: 'required',
            policies: [scope(SCOPE)],
            answer({ auth }) {
              seen.push(auth);
              return { status: 204 };
            },
          },
        ],
      });
      const wanted = { subject: 'ada', scopes: [SCOPE], roles: ['admin'], claims: { jti: 'token-1', sid: 'session-1' } };
      const opaque = suite.issuer.issueOpaqueToken(wanted);
      for (const token of [opaque, opaque, await suite.token(wanted)]) strictEqual((await app.ask({ path: '/see', token })).status, 204);
      const [first, second, ofJwt] = seen.map((auth) => ({ ...auth, claims: undefined, issuedAt: undefined, expiresAt: undefined }));
      deepStrictEqual(first, ofJwt);
      deepStrictEqual(second, ofJwt);
      ok(!seen[0]!.signal.aborted);
      ok(!JSON.stringify(seen[0]).includes(opaque), 'the Auth does not show the token');
      await expectForbidden(await app.ask({ path: '/orders', token: suite.issuer.issueOpaqueToken() }), { scopes: [SCOPE] });
    },
  },
  {
    name: 'rule 72: a token that is not active gets 401, also where credentials are optional, and runs no handler',
    async run(suite) {
      const refusals: Deny[] = [];
      const app = await startWith(suite, { onRefused: (decision) => refusals.push(decision) });
      const revoked = suite.issuer.issueOpaqueToken();
      suite.issuer.revokeToken(revoked);
      suite.handlersRun();
      const tokens = [revoked, 'unknown', suite.issuer.issueOpaqueToken({ lifetimeSeconds: -10 })];
      for (const token of tokens) for (const path of ['/me', '/optional']) await expectUnauthorized(await app.ask({ path, token }), { error: 'invalid_token' });
      deepStrictEqual(new Set(refusals.map(({ reason }) => reason)), new Set(['inactive_token']));
      strictEqual(suite.handlersRun(), 0);
    },
  },
  {
    name: 'rule 73: an active token for another API, or of another kind, gets 401',
    async run(suite) {
      const app = await startWith(suite);
      const bad = [
        { audience: 'https://other.example.test' },
        { claims: { iss: 'https://other.example.test' } },
        { claims: { token_use: 'refresh_token' } },
        { claims: { token_type: 'refresh_token' } },
        { claims: { cnf: { 'x-unknown': 'key' } } },
        { claims: { active: 'true' } },
      ];
      for (const wanted of bad)
        await expectUnauthorized(await app.ask({ path: '/me', token: suite.issuer.issueOpaqueToken(wanted) }), { error: 'invalid_token' });
      strictEqual(suite.handlersRun(), 0);
    },
  },
  {
    name: 'rule 76: answers 503 with Retry-After if the endpoint fails, and still accepts tokens with a cached answer',
    async run(suite) {
      const app = await startWith(suite);
      const known = suite.issuer.issueOpaqueToken();
      strictEqual((await app.ask({ path: '/me', token: known })).status, 200);
      suite.handlersRun();
      suite.issuer.misbehave('html', 'introspection');
      try {
        const unknown = suite.issuer.issueOpaqueToken();
        for (const path of ['/me', '/optional']) await expectUnavailable(await app.ask({ path, token: unknown }));
        strictEqual(suite.handlersRun(), 0);
        strictEqual((await app.ask({ path: '/me', token: known })).status, 200);
        suite.issuer.behave();
        strictEqual((await app.ask({ path: '/me', token: unknown })).status, 200);
      } finally {
        suite.issuer.behave();
      }
    },
  },
  {
    name: 'rule 77: does not introspect a text that cannot be a token',
    async run(suite) {
      const app = await startWith(suite);
      const before = { ...suite.issuer.introspections };
      await expectBadRequest(await app.ask({ path: '/me', headers: [['authorization', 'Bearer "quoted"']] }));
      await expectBadRequest(await app.ask({ path: '/me?access_token=x', token: suite.issuer.issueOpaqueToken() }));
      await expectUnauthorized(await app.ask({ path: '/me', token: 'a.b.c' }), { error: 'invalid_token' });
      deepStrictEqual(suite.issuer.introspections, before);
      strictEqual(suite.handlersRun(), 0);
    },
  },
  {
    name: 'rule 66: an opaque token that is revoked here is refused at once',
    async run(suite) {
      const app = await startWith(suite);
      const token = suite.issuer.issueOpaqueToken({ claims: { sid: 'session-of-opaque' } });
      strictEqual((await app.ask({ path: '/me', token })).status, 200);
      await app.guard.revocations.revoke({ sessionId: 'session-of-opaque' });
      await expectUnauthorized(await app.ask({ path: '/me', token }), { error: 'invalid_token' });
    },
  },
];

function startWith({ issuer, start }: Suite, setup: Partial<AppSetup> = {}): Promise<SuiteApp> {
  return start({ options: { issuer: issuer.issuer, audience: issuer.audience, introspection: issuer.introspectionClient }, ...setup });
}
