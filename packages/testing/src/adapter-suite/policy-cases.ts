import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { actedFor, actor, allOf, anyOf, anyRole, anyScope, authorizationDetails, claim, maxAge, not, policy, role, scope, type Policy } from '@tokenward/core';
import { expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import type { TokenOptions } from '../issuer.js';
import type { AppSetup, SuitePolicy, SuiteRoute } from './app.js';
import type { Suite, SuiteCase } from './suite-case.js';

/** Section J: the policies of a route. */
export const policyCases: readonly SuiteCase[] = [
  {
    name: 'rule 96: does not start with an invalid policy',
    async run({ start }) {
      for (const slip of [undefined, null, 'orders:read', {}, () => true])
        await rejects(start({ routes: [guarded(slip as never)] }), { name: 'ConfigurationError' });
    },
  },
  {
    name: 'rule 97: does not find roles, scopes or claims in inherited properties',
    async run(suite) {
      await expectAnswers(suite, role('constructor'), [[{ roles: ['user'] }, 403], [{ roles: ['constructor'] }, 200]]); // prettier-ignore
      await expectAnswers(suite, scope('__proto__'), [[{ scopes: ['a'] }, 403], [{ scopes: ['a', '__proto__'] }, 200]]); // prettier-ignore
      await expectAnswers(suite, claim('toString', (value) => value !== undefined), [[{}, 403], [{ claims: { toString: 'own' } }, 200]]); // prettier-ignore
    },
  },
  {
    name: 'rule 98: matches scopes and roles exactly, including case',
    async run(suite) {
      await expectAnswers(suite, scope('orders'), [
        [{ scopes: ['orders:write'] }, 403],
        [{ scopes: ['Orders'] }, 403],
        [{ claims: { scope: 'orders\u00a0x' } }, 403],
        [{ claims: { scope: 'x\torders' } }, 403],
        [{ claims: { scope: 'x\norders' } }, 403],
        [{ claims: { scope: '\uff4frders' } }, 403],
        [{ scopes: ['x', 'orders'] }, 200],
      ]);
      await expectAnswers(suite, role('admin'), [[{ roles: ['Admin', ' admin', 'admin ', 'superadmin'] }, 403], [{ roles: ['x', 'admin'] }, 200]]); // prettier-ignore
    },
  },
  {
    name: 'rules 98 and 102: a scope satisfies what it implies by the option scopes, and neither the Auth nor the challenge changes',
    async run(suite) {
      const scopes = { 'orders:admin': ['orders:write'], 'orders:write': ['orders:read'] };
      await expectAnswers(suite, scope('orders:read'), [[{ scopes: ['orders:admin'] }, 200], [{ scopes: ['orders:read'] }, 200], [{ scopes: ['orders'] }, 403]], { scopes }); // prettier-ignore
      await expectAnswers(suite, anyScope('x', 'orders:read'), [[{ scopes: ['orders:admin'] }, 200], [{ scopes: ['y'] }, 403]], { scopes }); // prettier-ignore
      await expectAnswers(suite, not(scope('orders:read')), [[{ scopes: ['orders:admin'] }, 403], [{ scopes: ['y'] }, 200]], { scopes }); // prettier-ignore
      await expectAnswers(suite, scope('orders:admin'), [[{ scopes: ['orders:write', 'orders:read'] }, 403]], { scopes });
      await rejects(suite.start({ options: optionsOf(suite, { scopes: { a: ['b'], b: ['a'] } }) }), { name: 'ConfigurationError', message: /a -> b -> a/ });
      const own: SuiteRoute = { method: 'GET', path: '/own', access: 'required', policies: [scope('orders:read')], answer: ({ auth }) => ({ status: 200, body: auth!.scopes }) }; // prettier-ignore
      const app = await suite.start({ routes: [own, guarded(scope('orders:read'), scope('billing'))], options: optionsOf(suite, { scopes }) });
      const admin = await suite.token({ scopes: ['orders:admin'] });
      deepStrictEqual((await app.ask({ path: '/own', token: admin })).json(), ['orders:admin']);
      await expectForbidden(await app.ask({ path: '/guarded', token: admin }), { scopes: ['orders:read', 'billing'] });
      await expectUnauthorized(await app.ask({ path: '/own' }), { scopes: ['orders:read'] });
    },
  },
  {
    name: 'rules 97 and 100: authorization details and actors admit only what the token itself says',
    async run(suite) {
      const payment = authorizationDetails('payment', ({ amount }, _auth, request) => request?.path === '/guarded' && amount === 7);
      await expectAnswers(suite, payment, [
        [{}, 403],
        [{ claims: { authorization_details: [{ type: 'payment', amount: 8 }] } }, 403],
        [{ claims: { authorization_details: { type: 'payment', amount: 7 } } }, 403],
        [{ claims: { authorization_details: [{ type: 'x' }, { type: 'payment', amount: 7 }] } }, 200],
      ]);
      await expectAnswers(suite, actor('assistant'), [
        [{}, 403],
        [{ claims: { act: { sub: 'gateway', act: { sub: 'assistant' } } } }, 403],
        [{ claims: { act: { sub: 'assistant', act: { sub: 'gateway' } } } }, 200],
      ]);
      await expectAnswers(suite, not(actedFor()), [[{ claims: { act: { sub: 'assistant' } } }, 403], [{}, 200]]); // prettier-ignore
    },
  },
  {
    name: 'rule 99: reads a string as one role, and no role from an object or a nested list',
    async run(suite) {
      await expectAnswers(suite, role('admin'), [
        [{ claims: { roles: 'superadmin' } }, 403],
        [{ claims: { roles: 'user admin' } }, 403],
        [{ claims: { roles: { admin: true } } }, 403],
        [{ claims: { roles: [['admin']] } }, 403],
        [{ claims: { roles: 'admin' } }, 200],
      ]);
    },
  },
  {
    name: 'rule 99: reads roles from a path of own members, or from one claim whose name contains dots',
    async run(suite) {
      const nested = { rolesClaim: ['realm_access', 'roles'] };
      await expectAnswers(suite, role('admin'), [[{ roles: ['admin'] }, 403], [{ claims: { realm_access: { roles: ['admin'] } } }, 200]], nested); // prettier-ignore
      const dotted = { rolesClaim: 'https://example.test/roles' };
      await expectAnswers(suite, role('admin'), [[{ roles: ['admin'] }, 403], [{ claims: { 'https://example.test/roles': ['admin'] } }, 200]], dotted); // prettier-ignore
      await expectAnswers(suite, role('a'), [[{}, 403]], { rolesClaim: ['__proto__', 'constructor'] });
    },
  },
  {
    name: 'rule 100: a predicate admits a request only if it returns true',
    async run(suite) {
      const predicates: (() => unknown)[] = [
        () => {
          throw new Error('out of order');
        },
        () => Promise.resolve(true),
        () => Promise.reject(new Error('late')),
        () => ({}),
        () => 1,
        () => 'true',
        () => undefined,
      ];
      for (const predicate of predicates) {
        await expectAnswers(suite, policy('odd', predicate as () => boolean), [[{}, 403]]);
        await expectAnswers(suite, claim('sub', predicate as () => boolean), [[{}, 403]]);
      }
      await expectAnswers(suite, policy('even', (auth) => auth.subject === 'ada'), [[{ subject: 'bob' }, 403], [{ subject: 'ada' }, 200]]); // prettier-ignore
    },
  },
  {
    name: 'rule 101: requires all policies of a route',
    async run(suite) {
      await expectAnswers(
        suite,
        [scope('a'), role('admin')],
        [
          [{ scopes: ['a'] }, 403],
          [{ roles: ['admin'] }, 403],
          [{ scopes: ['a'], roles: ['admin'] }, 200],
        ],
      );
    },
  },
  {
    name: 'rule 102: names the required scopes in a 401 without a token and in a 403 for a missing scope',
    async run(suite) {
      const app = await suite.start({ routes: [guarded(scope('a', 'b'), anyScope('c', 'd'))] });
      await expectUnauthorized(await app.ask({ path: '/guarded' }), { scopes: ['a', 'b', 'c'] });
      await expectForbidden(await app.ask({ path: '/guarded', token: await suite.token({ scopes: ['a', 'x'] }) }), { scopes: ['a', 'b', 'c'] });
      await expectForbidden(await app.ask({ path: '/guarded', token: await suite.token({ scopes: ['b', 'd'] }) }), { scopes: ['b', 'd', 'a'] });
      strictEqual((await app.ask({ path: '/guarded', token: await suite.token({ scopes: ['d', 'b', 'a'] }) })).status, 200);
    },
  },
  {
    name: 'rule 102: does not reveal requirements other than scopes',
    async run(suite) {
      for (const demand of [
        role('secret-role'),
        anyRole('secret-role', 'x'),
        claim('plan', 'secret-plan'),
        policy('secret-rule', () => false),
        not(anyScope('a', 'secret')),
      ]) {
        const app = await suite.start({ routes: [guarded(demand)] });
        const answer = await app.ask({ path: '/guarded', token: await suite.token({ scopes: ['a'] }) });
        await expectForbidden(answer);
        ok(!`${answer.body}${answer.headers.get('www-authenticate')}`.includes('secret'));
      }
    },
  },
  {
    name: 'rule 103: maxAge refuses a login time that is missing, invalid, too old or in the future',
    async run(suite) {
      const now = Math.floor(Date.now() / 1000);
      const app = await suite.start({ routes: [guarded(maxAge(60))] });
      for (const authTime of [undefined, now - 3600, now + 3600, String(now), null]) {
        const token = await suite.token({ claims: { auth_time: authTime } });
        await expectUnauthorized(await app.ask({ path: '/guarded', token }), { error: 'insufficient_user_authentication', maxAge: '60' });
      }
      strictEqual((await app.ask({ path: '/guarded', token: await suite.token({ claims: { auth_time: now } }) })).status, 200);
    },
  },
  {
    name: 'rule 159: makes a policy of each request, and refuses with 403 if the function throws or returns no policy',
    async run({ start, token, handlersRun }) {
      const functions: Record<string, SuitePolicy> = {
        throws: (_request) => {
          throw new Error('out of order');
        },
        nothing: (_request) => undefined as never,
        truth: (_request) => true as never,
        later: (async (_request: unknown) => Promise.reject(new Error('late'))) as never,
      };
      const own: SuitePolicy = ({ params }) => claim('tenant', (params as { tenant: string }).tenant);
      const routes = Object.entries(functions).map(([name, demand]): SuiteRoute => Object.assign(guarded(demand), { path: `/${name}` }));
      const optional: SuiteRoute = { ...guarded(own), path: '/maybe/:tenant', access: 'optional' };
      const scoped: SuiteRoute = { ...guarded(own, scope('a')), path: '/scoped/:tenant' };
      const app = await start({ routes: [{ ...guarded(own), path: '/tenants/:tenant' }, optional, scoped, ...routes] });
      const good = await token({ claims: { tenant: 'acme' } });
      for (const path of ['/tenants/acme', '/tenants/%61cme']) strictEqual((await app.ask({ path, token: good })).status, 200, path);
      strictEqual(handlersRun(), 2);
      for (const path of ['/tenants/globex', '/tenants/ACME', '/tenants/acme%2f..%2fglobex', ...Object.keys(functions).map((name) => `/${name}`)]) {
        await expectForbidden(await app.ask({ path, token: good }));
        await expectUnauthorized(await app.ask({ path }));
      }
      await expectForbidden(await app.ask({ path: '/maybe/globex', token: good }));
      await expectForbidden(await app.ask({ path: '/scoped/acme', token: good }), { scopes: ['a'] });
      strictEqual(handlersRun(), 0);
      strictEqual((await app.ask({ path: '/maybe/acme' })).status, 200);
      strictEqual((await app.ask({ path: '/scoped/acme', token: await token({ scopes: ['a'], claims: { tenant: 'acme' } }) })).status, 200);
    },
  },
  {
    name: 'evaluates nested allOf, anyOf and not',
    async run(suite) {
      const demand = anyOf(allOf(scope('a'), not(role('suspended'))), allOf(role('admin'), claim('level', 3)));
      await expectAnswers(suite, demand, [
        [{ scopes: ['a'] }, 200],
        [{ scopes: ['a'], roles: ['suspended'] }, 403],
        [{ roles: ['admin'] }, 403],
        [{ roles: ['admin'], claims: { level: '3' } }, 403],
        [{ roles: ['admin', 'suspended'], claims: { level: 3 } }, 200],
      ]);
    },
  },
];

function guarded(...policies: readonly SuitePolicy[]): SuiteRoute {
  return { method: 'GET', path: '/guarded', access: 'required', policies, answer: () => ({ status: 200 }) };
}

function optionsOf({ issuer }: Suite, options: Readonly<Record<string, unknown>>): AppSetup['options'] {
  return { issuer: issuer.issuer, audience: issuer.audience, ...options };
}

async function expectAnswers(
  suite: Suite,
  demand: Policy | readonly Policy[],
  answers: readonly (readonly [TokenOptions, number])[],
  options: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const policies = Array.isArray(demand) ? (demand as readonly Policy[]) : [demand as Policy];
  const app = await suite.start({ routes: [guarded(...policies)], options: optionsOf(suite, options) });
  for (const [wanted, status] of answers) {
    suite.handlersRun();
    const answer = await app.ask({ path: '/guarded', token: await suite.token(wanted) });
    strictEqual(answer.status, status, `${policies.map(String).join(' and ')} with ${JSON.stringify(wanted)}`);
    strictEqual(suite.handlersRun(), status === 200 ? 1 : 0);
  }
}
