import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import type { TestIssuer } from '../issuer.js';
import type { Ask, Sent } from './exchange.js';

/** One line of the contract of the examples. */
interface ExampleCase {
  readonly name: string;
  run(ask: Ask, issuer: TestIssuer): Promise<void>;
}

function line(name: string, run: ExampleCase['run']): ExampleCase {
  return { name, run };
}

const WRONG = 'not.a.token';
const now = (): number => Math.floor(Date.now() / 1000);

/** The contract of the examples, over real HTTP. It applies to every app with their routes, whatever its framework and process. */
export const exampleTable: readonly ExampleCase[] = [
  line('GET /public is 200, whatever credentials are sent', async (ask, issuer) => {
    for (const token of [undefined, WRONG, await issuer.issueToken(), await issuer.issueToken({ lifetimeSeconds: -3600 })]) {
      const answer = await ask({ path: '/public', token });
      strictEqual(answer.status, 200);
      deepStrictEqual(answer.json(), { public: true });
    }
  }),
  line('GET /optional is 200 with null where there is no token', async (ask) => {
    const answer = await ask({ path: '/optional' });
    strictEqual(answer.status, 200);
    deepStrictEqual(answer.json(), { subject: null });
  }),
  line('GET /optional is 200 with the subject of a good token', async (ask, issuer) => {
    const answer = await ask({ path: '/optional', token: await issuer.issueToken({ subject: 'ada' }) });
    strictEqual(answer.status, 200);
    deepStrictEqual(answer.json(), { subject: 'ada' });
  }),
  line('GET /optional is 401 with a wrong token, never anonymous', async (ask, issuer) => {
    await expectUnauthorized(await ask({ path: '/optional', token: WRONG }), { error: 'invalid_token' });
    await expectUnauthorized(await ask({ path: '/optional', token: await issuer.issueToken({ lifetimeSeconds: -3600 }) }), { error: 'invalid_token' });
  }),
  line('GET /me is 401 without a token, with no error code', async (ask) => {
    await expectUnauthorized(await ask({ path: '/me' }));
  }),
  line('GET /me is 200 and says who', async (ask, issuer) => {
    const token = await issuer.issueToken({ subject: 'ada', clientId: 'web', scopes: ['orders:read', 'orders:write'], roles: ['admin', 'auditor'] });
    const answer = await ask({ path: '/me', token });
    strictEqual(answer.status, 200);
    const expected = { subject: 'ada', issuer: issuer.issuer, clientId: 'web', scopes: ['orders:read', 'orders:write'], roles: ['admin', 'auditor'] };
    deepStrictEqual(answer.json(), expected);
  }),
  line('GET /me has null for a client that the token does not name', async (ask, issuer) => {
    const answer = await ask({ path: '/me', token: await issuer.issueToken({ claims: { client_id: undefined } }) });
    strictEqual(answer.status, 200);
    deepStrictEqual(answer.json(), { subject: 'user-1', issuer: issuer.issuer, clientId: null, scopes: [], roles: [] });
  }),
  line('GET /me is 401 with a token for another audience, from another issuer, expired or tampered with', async (ask, issuer) => {
    const good = await issuer.issueToken();
    const bad = [
      await issuer.issueToken({ audience: 'https://other.example.test' }),
      await issuer.issueToken({ claims: { iss: 'https://login.example.test' } }),
      await issuer.issueToken({ lifetimeSeconds: -3600 }),
      `${good.slice(0, -8)}${good.slice(-4)}${good.slice(-8, -4)}`,
    ];
    for (const token of bad) await expectUnauthorized(await ask({ path: '/me', token }), { error: 'invalid_token' });
  }),
  line('GET /orders needs the scope orders:read', async (ask, issuer) => {
    await expectUnauthorized(await ask({ path: '/orders' }), { scopes: ['orders:read'] });
    await expectForbidden(await ask({ path: '/orders', token: await issuer.issueToken({ scopes: ['orders:write'] }) }), { scopes: ['orders:read'] });
    const answer = await ask({ path: '/orders', token: await issuer.issueToken({ scopes: ['orders:read'] }) });
    strictEqual(answer.status, 200);
    ok(Array.isArray(answer.json()));
  }),
  line('POST /orders needs the scope orders:write, and answers 201 with the order', async (ask, issuer) => {
    const order: Sent = { method: 'POST', path: '/orders', json: { item: 'tea', quantity: 2 } };
    await expectUnauthorized(await ask(order), { scopes: ['orders:write'] });
    await expectForbidden(await ask({ ...order, token: await issuer.issueToken({ scopes: ['orders:read'] }) }), { scopes: ['orders:write'] });
    const answer = await ask({ ...order, token: await issuer.issueToken({ scopes: ['orders:write'] }) });
    strictEqual(answer.status, 201);
    const { item, quantity } = answer.json() as Record<string, unknown>;
    deepStrictEqual({ item, quantity }, { item: 'tea', quantity: 2 });
  }),
  line('DELETE /orders/:id needs the role admin, and the refusal does not name it', async (ask, issuer) => {
    const removal: Sent = { method: 'DELETE', path: '/orders/1' };
    await expectUnauthorized(await ask(removal));
    const refused = await ask({ ...removal, token: await issuer.issueToken({ roles: ['superadmin'] }) });
    await expectForbidden(refused);
    ok(!`${refused.body}${refused.headers.get('www-authenticate')}`.includes('admin'));
    strictEqual((await ask({ ...removal, token: await issuer.issueToken({ roles: ['admin'] }) })).status, 204);
  }),
  line('GET /reports needs the scope reports:read, or both roles', async (ask, issuer) => {
    await expectUnauthorized(await ask({ path: '/reports' }), { scopes: ['reports:read'] });
    await expectForbidden(await ask({ path: '/reports', token: await issuer.issueToken({ roles: ['auditor'] }) }), { scopes: ['reports:read'] });
    for (const wanted of [{ scopes: ['reports:read'] }, { roles: ['finance', 'auditor'] }]) {
      strictEqual((await ask({ path: '/reports', token: await issuer.issueToken(wanted) })).status, 200);
    }
  }),
  line('PUT /payout needs a scope, a strong login and a recent one', async (ask, issuer) => {
    const payout: Sent = { method: 'PUT', path: '/payout', json: { amount: 7 } };
    const login = { acr: 'urn:example:mfa', auth_time: now() - 10 };
    const stepUp = { error: 'insufficient_user_authentication', acrValues: 'urn:example:mfa', maxAge: '300' };
    await expectUnauthorized(await ask(payout), { scopes: ['payout'] });
    await expectForbidden(await ask({ ...payout, token: await issuer.issueToken({ claims: login }) }), { scopes: ['payout'] });
    const weak = [{ auth_time: login.auth_time }, { ...login, acr: 'urn:example:pwd' }, { acr: login.acr }, { ...login, auth_time: now() - 3600 }];
    for (const claims of weak) await expectUnauthorized(await ask({ ...payout, token: await issuer.issueToken({ scopes: ['payout'], claims }) }), stepUp);
    strictEqual((await ask({ ...payout, token: await issuer.issueToken({ scopes: ['payout'], claims: login }) })).status, 200);
  }),
  line('anything else is a plain 404, whatever credentials are sent', async (ask, issuer) => {
    for (const token of [undefined, WRONG, await issuer.issueToken()]) {
      const answer = await ask({ path: '/nowhere', token });
      strictEqual(answer.status, 404);
      strictEqual(answer.headers.get('www-authenticate'), null);
    }
  }),
];
