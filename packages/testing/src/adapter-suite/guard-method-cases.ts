import { deepStrictEqual, match, ok, rejects, strictEqual, throws } from 'node:assert/strict';
import { acr, claim, scope, type Auth } from '@tokenward/core';
import { expectForbidden, expectUnavailable } from '../expect-refusal.js';
import { createTestIssuer } from '../issuer.js';
import type { AppSetup, SuiteRoute } from './app.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

/** How long a shutdown may take while a request waits for keys. */
const SHUTDOWN_MS = 2_000;

/** The guard's own methods: `warm`, `check`, `permit` and `refuse`. */
export const guardMethodCases: readonly SuiteCase[] = [
  {
    name: 'warm() fetches the keys before the first request',
    async run(suite) {
      await withOwnIssuer(suite, async (issuer, app) => {
        await app.guard.warm();
        issuer.misbehave('error');
        strictEqual((await app.ask({ path: '/me', token: await issuer.issueToken() })).status, 200);
        deepStrictEqual({ ...issuer.requests }, { metadata: 1, jwks: 1 });
      });
    },
  },
  {
    name: 'a shutdown answers the requests that wait for keys, and completes soon',
    // over HTTP/2 the server waits for the client to close its connection
    over: 'HTTP/1.1',
    async run(suite) {
      await withOwnIssuer(suite, async (issuer, app) => {
        issuer.misbehave('hang');
        const asked = new Promise((resolve) => app.server.once('request', resolve));
        const answer = app.ask({ path: '/me', token: await issuer.issueToken(), headers: [['connection', 'close']] });
        await asked;
        while (issuer.requests.metadata === 0) await new Promise(setImmediate);
        const startedAt = performance.now();
        const ended = app.shutDown();
        await expectUnavailable(await answer);
        await ended;
        ok(performance.now() - startedAt < SHUTDOWN_MS, 'it ends soon');
      });
    },
  },
  {
    name: 'rule 158: check() throws for anything that is not a request and says what it takes, or refuses an object without headers',
    async run({ app }) {
      const message = /guard\.check\(.*framework's request/;
      for (const given of [undefined, null, 'GET /', 7]) throws(() => app.guard.check(given as never), message);
      for (const given of [[], () => {}, {}, new Headers()]) {
        const decide = async () => app.guard.check(given);
        await decide().then(
          ({ outcome }) => strictEqual(outcome, 'deny'),
          (error: Error) => match(error.message, message),
        );
      }
    },
  },
  {
    name: 'check() decides on an object that only has headers',
    async run({ app, token }) {
      const bearer = `Bearer ${await token({ scopes: ['a'] })}`;
      for (const request of [
        { headers: { authorization: bearer } },
        { headers: { authorization: bearer }, method: 'GET', url: '/x' },
        { headers: { Authorization: bearer }, rawHeaders: undefined },
      ]) {
        strictEqual((await app.guard.check(request)).outcome, 'allow');
        const refused = await app.guard.check({ ...request }, scope('b'));
        deepStrictEqual([refused.outcome, refused.outcome === 'deny' && refused.reason], ['deny', 'insufficient_scope']);
      }
      // whoever calls it may have taken a policy from the request, so they may contradict each other
      const contradiction = await app.guard.check({ headers: { authorization: bearer } }, acr('gold'), acr('silver'));
      deepStrictEqual([contradiction.outcome, contradiction.outcome === 'deny' && contradiction.reason], ['deny', 'policy_refused']);
      const anonymous = await app.guard.check({ headers: {} });
      deepStrictEqual([anonymous.outcome, anonymous.outcome === 'deny' && anonymous.reason], ['deny', 'missing_token']);
    },
  },
  {
    name: 'rule 158: permit() throws for an invalid Auth or request, and says what it takes',
    async run({ app, token }) {
      const auth = await authFor(app, await token({ scopes: ['a'] }));
      for (const none of [undefined, null, 'ada']) throws(() => app.guard.permit(none as never, scope('a')), /permit\(auth, policy\): auth /);
      for (const none of [null, 'GET /', []]) throws(() => app.guard.permit(auth, scope('a'), none as never), /guard\.permit\(.*framework's request/);
      deepStrictEqual([app.guard.permit(auth, scope('a')).outcome, app.guard.permit(auth, scope('b')).outcome], ['allow', 'deny']);
    },
  },
  {
    name: 'permit() passes the request to predicates, and refuse() answers as the guard does',
    async run(suite) {
      const own = claim('tenant', (tenant, _auth, request) => request?.params?.['tenant'] === tenant);
      const route: SuiteRoute = {
        method: 'GET',
        path: '/tenants/:tenant',
        access: 'required',
        policies: [],
        answer({ auth, permit }) {
          const decision = permit!(auth!, own);
          return decision.outcome === 'deny' ? { status: decision.status, refusal: decision } : { status: 200, body: { ok: true } };
        },
      };
      const token = await suite.token({ claims: { tenant: 'acme' } });
      const onDenied: AppSetup['onDenied'] = ({ status, reason }) => ({ status, body: { mine: reason } });
      for (const setup of [{ routes: [route] }, { routes: [route], onDenied }]) {
        const app = await suite.start(setup);
        strictEqual((await app.ask({ path: '/tenants/acme', token })).status, 200);
        const refused = await app.ask({ path: '/tenants/globex', token });
        if ('onDenied' in setup) deepStrictEqual([refused.status, refused.json()], [403, { mine: 'insufficient_claim' }]);
        else await expectForbidden(refused);
      }
    },
  },
  {
    name: 'rule 102: a refusal of permit() names the scopes of the guard of the route, too',
    async run(suite) {
      const route: SuiteRoute = {
        method: 'GET',
        path: '/exports',
        access: 'required',
        policies: [scope('a')],
        answer({ auth, permit }) {
          const decision = permit!(auth!, scope('b'));
          return decision.outcome === 'deny' ? { status: decision.status, refusal: decision } : { status: 200, body: { ok: true } };
        },
      };
      const app = await suite.start({ routes: [route] });
      await expectForbidden(await app.ask({ path: '/exports', token: await suite.token({ scopes: ['a', 'c'] }) }), { scopes: ['a', 'b'] });
      strictEqual((await app.ask({ path: '/exports', token: await suite.token({ scopes: ['a', 'b'] }) })).status, 200);
    },
  },
  {
    name: 'does not start with invalid options, and reports all of them',
    async run({ start }) {
      await rejects(start({ options: { issuer: 'x', audience: '' } }), { name: 'ConfigurationError', message: /- issuer: .*\n.*- audience: /s });
    },
  },
];

async function withOwnIssuer({ start }: Suite, run: (issuer: Awaited<ReturnType<typeof createTestIssuer>>, app: SuiteApp) => Promise<void>): Promise<void> {
  const issuer = await createTestIssuer();
  try {
    await run(issuer, await start({ options: { issuer: issuer.issuer, audience: issuer.audience } }));
  } finally {
    await issuer.close();
  }
}

async function authFor({ guard }: SuiteApp, token: string): Promise<Auth> {
  const decision = await guard.check({ headers: { authorization: `Bearer ${token}` } });
  if (decision.outcome !== 'allow' || !decision.auth) throw new Error('the guard admits a good token');
  return decision.auth;
}
