import { deepStrictEqual, match, strictEqual } from 'node:assert/strict';
import { actAs, type ActingHeaders } from '../act-as.js';
import { expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

/** Nothing answers at this address: a ticket needs no keys. */
const OPTIONS = { issuer: 'https://login.invalid', audience: 'https://api.example.com' };

/** Requests that act as somebody, by `actAs(guard)`. */
export const actingCases: readonly SuiteCase[] = [
  {
    name: 'rule 275: a test acts as somebody without an issuer, and claims, policies and revocations decide as in production',
    async run(suite) {
      const app = await suite.start({ options: OPTIONS });
      const as = actAs(app.guard);
      const answer = await app.ask({ path: '/me', ...sent(as({ subject: 'ada', clientId: 'web', scopes: ['a', 'b'], roles: ['admin'] })) });
      strictEqual(answer.status, 200);
      const auth = answer.json() as Record<string, unknown>;
      deepStrictEqual([auth['subject'], auth['clientId'], auth['scopes'], auth['roles']], ['ada', 'web', ['a', 'b'], ['admin']]);
      await expectForbidden(await app.ask({ path: '/orders', ...sent(as({ scopes: ['other'] })) }), { scopes: ['orders:read'] });
      strictEqual((await app.ask({ path: '/orders', ...sent(as({ scopes: ['orders:read'] })) })).status, 200);
      const refused = { error: 'invalid_token' };
      await expectUnauthorized(await app.ask({ path: '/me', ...sent(as({ audience: 'https://other.example.com' })) }), refused);
      await expectUnauthorized(await app.ask({ path: '/me', ...sent(as({ lifetimeSeconds: -60 })) }), refused);
      const eve = as({ subject: 'eve' });
      strictEqual((await app.ask({ path: '/me', ...sent(eve) })).status, 200);
      await app.guard.revocations.revoke({ subject: 'eve', issuer: OPTIONS.issuer }, { reason: 'logout' });
      await expectUnauthorized(await app.ask({ path: '/me', ...sent(eve) }), refused);
      strictEqual((await app.ask({ path: '/me', ...sent(as({ subject: 'ada' })) })).status, 200);
    },
  },
  {
    name: 'rule 275: accepts only tickets that the guard itself issued, and still refuses tokens of unknown issuers',
    async run(suite) {
      const app = await suite.start({ options: OPTIONS });
      const another = await suite.start({ options: OPTIONS });
      const foreign = actAs(another.guard)({ scopes: ['orders:read'] });
      await expectRefused(suite, app, foreign);
      const own = actAs(app.guard)({ scopes: ['orders:read'] });
      await expectRefused(suite, app, foreign);
      const { authorization } = own;
      match(authorization, /^Bearer test-ticket-[\w-]{43}$/);
      const odd = [
        authorization.slice(0, -1),
        `${authorization}A`,
        authorization.toUpperCase(),
        'Bearer test-ticket-',
        `Bearer test-ticket-${'A'.repeat(43)}`,
        'Bearer __proto__',
        'Bearer constructor',
      ];
      for (const one of odd) await expectRefused(suite, app, { authorization: one });
      await expectUnauthorized(await app.ask({ path: '/orders' }), { scopes: ['orders:read'] });
      strictEqual((await app.ask({ path: `/orders?access_token=x`, ...sent(own) })).status, 400);
      strictEqual(suite.handlersRun(), 0);
      strictEqual((await app.ask({ path: '/orders', ...sent(own) })).status, 200);
    },
  },
];

function sent({ authorization }: ActingHeaders): { readonly headers: readonly (readonly [string, string])[] } {
  return { headers: [['authorization', authorization]] };
}

async function expectRefused(suite: Suite, app: SuiteApp, headers: ActingHeaders): Promise<void> {
  const { status } = await app.ask({ path: '/orders', ...sent(headers) });
  deepStrictEqual([status, suite.handlersRun()], [401, 0], headers.authorization);
}
