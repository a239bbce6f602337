import assert from 'node:assert/strict';
import { startOn } from './apps.mjs';

const AUDIENCE = 'https://api.example.com';
const ADAPTERS = Object.keys(startOn);
const CONSTRUCTORS = ['scope', 'anyScope', 'role', 'anyRole', 'claim', 'issuedBy', 'allOf', 'anyOf', 'not', 'acr', 'maxAge', 'policy'];
const COPY_PAIRS = [
  ['esm', 'cjs'],
  ['cjs', 'esm'],
];

/** The scenarios by name. Each takes `copiesOf`, and throws if a result is wrong. */
export const scenarios = new Map([
  ...forEachAdapter((name, guardCopy, otherCopy) => [
    `${name}: a guard of the ${guardCopy} copy works with policies and getAuth of the ${otherCopy} copy`,
    (copiesOf) =>
      withApp(
        copiesOf,
        name,
        guardCopy,
        otherCopy,
        ({ scope }) => [scope('orders:read')],
        async (ask, token) => {
          assert.equal((await ask()).status, 401);
          const admitted = await ask(await token('orders:read'));
          assert.equal(admitted.status, 200);
          assert.deepEqual(await admitted.json(), { for: 'user-1' });
          assert.equal((await ask(await token('orders:write'))).status, 403);
        },
      ),
  ]),
  ...forEachAdapter((name, guardCopy, otherCopy) => [
    `${name}: a guard of the ${guardCopy} copy evaluates policies that combine both copies`,
    (copiesOf) =>
      withApp(
        copiesOf,
        name,
        guardCopy,
        otherCopy,
        (other, own) => [own.allOf(other.scope('a'), own.not(other.anyOf(own.scope('b'), other.role('c'))))],
        async (ask, token) => {
          assert.equal((await ask(await token('a'))).status, 200);
          assert.equal((await ask(await token('a b'))).status, 403);
          assert.equal((await ask(await token('b'))).status, 403);
        },
      ),
  ]),
  ...forEachAdapter((name, guardCopy, otherCopy) => [
    `${name}: a guard of the ${guardCopy} copy never admits if a policy constructor of the ${otherCopy} copy was passed without calling it`,
    async (copiesOf) => {
      const copies = await copiesOf(name);
      const { [guardCopy]: own, [otherCopy]: other } = copies;
      await withIssuer(copiesOf, {}, async (issuer, options) => {
        const headers = { authorization: `Bearer ${await issuer.issueToken({ scopes: ['orders:read'] })}` };
        for (const constructor of CONSTRUCTORS) {
          assert.equal(typeof other[constructor], 'function', constructor);
          // the app does not start, or the request is refused
          const app = await startOn[name](copies, own, other, { options, policies: [other[constructor]] }).catch((error) => {
            assert.equal(error.code, 'TOKENWARD_CONFIGURATION', error);
          });
          if (!app) continue;
          assert.notEqual((await fetch(app.url, { headers })).status, 200, constructor);
          await app.close();
        }
      });
    },
  ]),
  ...COPY_PAIRS.map(([guardCopy, otherCopy]) => [
    `core: the ${guardCopy} copy refuses an expired or revoked Auth of the ${otherCopy} copy`,
    async (copiesOf) => {
      const { createTestClock } = (await copiesOf('testing'))[otherCopy];
      const { [guardCopy]: own, [otherCopy]: other } = await copiesOf('core');
      const clock = createTestClock();
      await withIssuer(copiesOf, { clock }, async (issuer, options) => {
        const [one, another] = [own, other].map(({ createResourceGuard }) => createResourceGuard({ ...options, clock }));
        const admit = async (sid, lifetimeSeconds) => {
          const token = await issuer.issueToken({ scopes: ['orders:read'], claims: { sid }, lifetimeSeconds });
          const decision = await another.check({ method: 'GET', target: '/orders', headers: { authorization: `Bearer ${token}` } });
          assert.equal(decision.outcome, 'allow', decision.reason);
          return decision.auth;
        };
        const reasonFor = (auth, policy = other.scope('orders:read')) => one.permit(auth, policy).reason;
        const [first, second, lasting] = [await admit('one', 300), await admit('two', 300), await admit('three', 7200)];
        assert.equal(reasonFor(first), undefined);
        assert.equal(reasonFor(first, other.scope('orders:write')), 'insufficient_scope');
        assert.equal(own.rawToken(first), other.rawToken(first));
        await one.revocations.revoke({ issuer: issuer.issuer, sessionId: 'one' }, { reason: 'logout' });
        assert.equal(reasonFor(first), 'revoked');
        assert.equal(reasonFor(second), undefined);
        clock.advance(400);
        assert.equal(reasonFor(second), 'expired');
        clock.advance(3600);
        // the cached keys are now too old to show whether the issuer still publishes the token's key
        assert.equal(reasonFor(lasting), 'keys_unavailable');
        await Promise.all([one.close(), another.close()]);
      });
    },
  ]),
  ...COPY_PAIRS.map(([guardCopy, otherCopy]) => [
    `fastify: the ${otherCopy} copy guards its routes in an app that the ${guardCopy} copy protects`,
    async (copiesOf) => {
      const { [guardCopy]: own, [otherCopy]: other, load } = await copiesOf('fastify');
      await withIssuer(copiesOf, {}, async (issuer, options) => {
        const app = load('fastify')();
        await app.register(own.tokenward, { ...options, protect: 'all' });
        await app.register(other.tokenward, { ...options, decorator: 'others', property: 'othersAuth' });
        app.get('/others', { onRequest: app.others(other.scope('a')) }, () => 'x');
        app.get('/rule', { config: { tokenward: other.scope('a') } }, () => 'x');
        app.get('/bare', () => 'x');
        const statusOf = async (url, scope) => {
          const headers = scope === undefined ? {} : { authorization: `Bearer ${await issuer.issueToken({ subject: 'user-1', scopes: scope.split(' ') })}` };
          return (await app.inject({ url, headers })).statusCode;
        };
        assert.deepEqual([await statusOf('/others'), await statusOf('/others', 'b'), await statusOf('/others', 'a')], [401, 403, 200]);
        assert.deepEqual([await statusOf('/rule'), await statusOf('/rule', 'b'), await statusOf('/rule', 'a')], [401, 403, 200]);
        assert.deepEqual([await statusOf('/bare'), await statusOf('/bare', 'b')], [401, 200]);
        await app.close();
      });
    },
  ]),
]);

function forEachAdapter(scenario) {
  return ADAPTERS.flatMap((name) => COPY_PAIRS.map(([guardCopy, otherCopy]) => scenario(name, guardCopy, otherCopy)));
}

async function withApp(copiesOf, name, guardCopy, otherCopy, policiesOf, checkApp) {
  const copies = await copiesOf(name);
  await withIssuer(copiesOf, {}, async (issuer, options) => {
    const app = await startOn[name](copies, copies[guardCopy], copies[otherCopy], { options, policies: policiesOf(copies[otherCopy], copies[guardCopy]) });
    try {
      await checkApp(
        (token) => fetch(app.url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } }),
        (scope) => issuer.issueToken({ subject: 'user-1', scopes: scope.split(' ') }),
      );
    } finally {
      await app.close();
    }
  });
}

async function withIssuer(copiesOf, given, use) {
  const { createTestIssuer } = (await copiesOf('testing')).cjs;
  const issuer = await createTestIssuer({ audience: AUDIENCE, algorithm: 'ES256', ...given });
  try {
    await use(issuer, { issuer: issuer.issuer, audience: AUDIENCE });
  } finally {
    await issuer.close();
  }
}
