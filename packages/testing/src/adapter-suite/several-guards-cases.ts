import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { acr, maxAge, scope, type Policy } from '@tokenward/core';
import { expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import type { AppSetup, SuiteGuard, SuiteRoute } from './app.js';
import type { Suite, SuiteCase } from './suite-case.js';

const PARTNER = 'https://partner.example.test';
const CLAIMS = { roles: ['reader'], partner: { roles: ['auditor'] } };
const first: SuiteGuard = { api: 'first', access: 'required', policies: [] };
const second: SuiteGuard = { api: 'second', access: 'required', policies: [] };

/** Two guards in one app, which protect two APIs of the same issuer. */
export const severalGuardsCases: readonly SuiteCase[] = [
  {
    name: 'two guards in one app keep to their own audiences and properties',
    needsSeveralGuards: true,
    async run(suite) {
      const app = await suite.start(setupFor(suite, [route('/api', first), route('/partner', second)]));
      const { api, partner, both } = await tokensOf(suite);
      await expectUnauthorized(await app.ask({ path: '/api', token: partner }), { error: 'invalid_token' });
      await expectUnauthorized(await app.ask({ path: '/partner', token: api }), { error: 'invalid_token' });
      strictEqual(suite.handlersRun(), 0);
      for (const token of [api, both]) {
        deepStrictEqual((await app.ask({ path: '/api', token })).json(), { first: ['reader'], second: null, getAuth: ['reader'] });
      }
      for (const token of [partner, both]) {
        deepStrictEqual((await app.ask({ path: '/partner', token })).json(), { first: null, second: ['auditor'], getAuth: ['auditor'] });
      }
    },
  },
  {
    name: 'admits a request only if all guards of its route do, and getAuth returns the Auth of the last one',
    needsSeveralGuards: true,
    async run(suite) {
      const routes = [route('/api/partner', first, second), route('/partner/api', { ...second, access: 'optional' }, first)];
      const app = await suite.start(setupFor(suite, routes));
      const { api, partner, both } = await tokensOf(suite);
      for (const path of ['/api/partner', '/partner/api']) {
        for (const token of [api, partner]) await expectUnauthorized(await app.ask({ path, token }), { error: 'invalid_token' });
        await expectUnauthorized(await app.ask({ path }));
      }
      strictEqual(suite.handlersRun(), 0);
      const found = { first: ['reader'], second: ['auditor'] };
      deepStrictEqual((await app.ask({ path: '/api/partner', token: both })).json(), { ...found, getAuth: ['auditor'] });
      deepStrictEqual((await app.ask({ path: '/partner/api', token: both })).json(), { ...found, getAuth: ['reader'] });
    },
  },
  {
    name: 'verifies a request once per guard, however many of its guards run',
    needsSeveralGuards: true,
    async run(suite) {
      let verified = 0;
      const counting = {
        tokenCache: false as const,
        claims: { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => (verified++, { value: value as object }) } },
      };
      const routes = [
        route('/x', { ...first, access: 'optional' }, { ...first, policies: [scope('a')] }),
        route('/y', { ...first, policies: [scope('b')] }),
        route('/z', first, second, { ...second, access: 'optional' }),
      ];
      const app = await suite.start({ ...setupFor(suite, routes, counting), appGuards: [first] });
      const { api, both } = await tokensOf(suite);
      strictEqual((await app.ask({ path: '/x', token: api })).status, 200);
      strictEqual(verified, 1);
      await expectForbidden(await app.ask({ path: '/y', token: api }), { scopes: ['b'] });
      strictEqual(verified, 2);
      strictEqual((await app.ask({ path: '/z', token: both })).status, 200);
      strictEqual(verified, 4);
    },
  },
  {
    name: 'rule 102: the refusal of a guard names what the guards before it on the route require, too',
    needsSeveralGuards: true,
    async run(suite) {
      const needs = (...policies: readonly Policy[]): SuiteGuard => ({ ...first, policies });
      const optional: SuiteGuard = { ...needs(scope('a')), access: 'optional' };
      const routes = [
        route('/scopes', needs(scope('b'))),
        route('/login', needs(acr('gold')), needs(maxAge(10))),
        route('/anonymous', optional, needs(scope('c'))),
      ];
      const behind = await suite.start({ ...setupFor(suite, routes), appGuards: [needs(scope('a'))] });
      const token = await suite.token({ scopes: ['a', 'd'], claims: { acr: 'gold' } });
      await expectForbidden(await behind.ask({ path: '/scopes', token }), { scopes: ['a', 'b'] });
      await expectUnauthorized(await behind.ask({ path: '/login', token }), { error: 'insufficient_user_authentication', acrValues: 'gold', maxAge: '10' });
      // the first guard does not know of the second one
      await expectForbidden(await behind.ask({ path: '/scopes', token: await suite.token({ scopes: ['b'] }) }), { scopes: ['a'] });
      await expectUnauthorized(await behind.ask({ path: '/scopes' }), { scopes: ['a'] });
      const alone = await suite.start(setupFor(suite, routes));
      await expectUnauthorized(await alone.ask({ path: '/anonymous' }), { scopes: ['a', 'c'] });
      strictEqual(suite.handlersRun(), 0);
    },
  },
];

function setupFor({ issuer }: Suite, routes: readonly SuiteRoute[], more: Partial<AppSetup['options']> = {}): Partial<AppSetup> {
  return {
    options: { issuer: issuer.issuer, audience: issuer.audience, ...more },
    secondApi: { issuer: issuer.issuer, audience: PARTNER, property: 'partner', rolesClaim: ['partner', 'roles'], ...more },
    routes,
  };
}

/** A route that answers with the roles that each guard and `getAuth` found. */
function route(path: string, ...guards: readonly SuiteGuard[]): SuiteRoute {
  return {
    method: 'GET',
    path,
    access: 'required',
    policies: [],
    guards,
    answer({ auth, properties }) {
      const body = { first: properties?.first?.roles ?? null, second: properties?.second?.roles ?? null, getAuth: auth?.roles ?? null };
      return { status: 200, body };
    },
  };
}

async function tokensOf({ issuer, token }: Suite) {
  return {
    api: await token({ claims: CLAIMS, scopes: ['a'] }),
    partner: await token({ claims: CLAIMS, audience: PARTNER }),
    both: await token({ claims: CLAIMS, scopes: ['a'], audience: [PARTNER, issuer.audience] }),
  };
}
