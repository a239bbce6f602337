import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { allOf, acr, scope } from '@tokenward/core';
import { expectBadRequest, expectForbidden, expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import { createTestClock } from '../clock.js';
import { createTestIssuer } from '../issuer.js';
import { challengesOf } from './received-challenges.js';
import type { SuiteRoute } from './app.js';
import { keepAliveAgent, type Received } from './exchange.js';
import type { SuiteCase } from './suite-case.js';

const PREFLIGHT = [['origin', 'https://app.example.test'], ['access-control-request-method', 'GET']] as const; // prettier-ignore

/** Section K: responses to the client. */
export const responseCases: readonly SuiteCase[] = [
  {
    name: 'rule 104: escapes the realm in the challenge, and echoes nothing from the token or the target',
    async run({ start, issuer, token }) {
      const realm = 'a "quoted" \\ realm\r\nx: y';
      const app = await start({ options: { issuer: issuer.issuer, audience: issuer.audience, realm } });
      const challenge = await expectUnauthorized(await app.ask({ path: '/me' }));
      strictEqual(challenge.parameters['realm'], 'a "quoted" \\ realmx: y');
      const bad = await token({ claims: { iss: 'https://planted.example.test', sub: 'planted' } });
      const answer = await app.ask({ path: '/me?planted=1', token: bad });
      await expectUnauthorized(answer, { error: 'invalid_token' });
      ok(!textOf(answer).includes('planted') && !textOf(answer).includes(bad.slice(0, 12)));
    },
  },
  {
    name: 'rule 105: answers each kind of refusal with its status and challenge, and runs no handler',
    async run({ ask, token, handlersRun }) {
      const payout = { method: 'PUT', path: '/payout', json: {} };
      await expectUnauthorized(await ask({ path: '/orders' }), { scopes: ['orders:read'] });
      await expectBadRequest(await ask({ path: '/orders', headers: [['authorization', 'Bearer']] }));
      await expectUnauthorized(await ask({ path: '/orders', token: 'bad' }), { error: 'invalid_token' });
      await expectForbidden(await ask({ path: '/orders', token: await token() }), { scopes: ['orders:read'] });
      await expectUnauthorized(await ask({ ...payout, token: await token({ scopes: ['payout'] }) }), {
        error: 'insufficient_user_authentication',
        acrValues: 'urn:example:mfa',
        maxAge: '300',
      });
      strictEqual(handlersRun(), 0);
      strictEqual((await ask({ path: '/orders', token: await token({ scopes: ['orders:read'] }) })).status, 200);
      strictEqual(handlersRun(), 1);
    },
  },
  {
    name: 'rule 105: answers 503 with Retry-After while keys cannot be fetched, and recovers without a restart',
    async run({ start, token, handlersRun, issuer }) {
      const clock = createTestClock();
      const away = await createTestIssuer({ audience: issuer.audience, clock });
      away.misbehave('error');
      try {
        const app = await start({ options: { issuer: away.issuer, audience: away.audience, clock } });
        const good = await away.issueToken();
        const retryAfter = await expectUnavailable(await app.ask({ path: '/me', token: good }));
        await expectUnavailable(await app.ask({ path: '/optional', token: good }));
        await expectUnauthorized(await app.ask({ path: '/me' }));
        await expectUnauthorized(await app.ask({ path: '/me', token: await token() }), { error: 'invalid_token' });
        strictEqual(handlersRun(), 0);
        away.behave();
        clock.advance(retryAfter);
        strictEqual((await app.ask({ path: '/me', token: good })).status, 200);
      } finally {
        await away.close();
      }
    },
  },
  {
    name: 'rule 106: answers all invalid tokens alike',
    async run({ ask, token, issuer }) {
      const stranger = await createTestIssuer({ audience: issuer.audience });
      const bad = [
        'bad',
        await stranger.issueToken(),
        await stranger.issueToken({ claims: { iss: issuer.issuer } }),
        await stranger.issueToken({ claims: { iss: issuer.issuer }, header: { kid: (await issuer.signingKey()).kid } }),
        await token({ lifetimeSeconds: -3600 }),
        await token({ audience: 'https://other.example.test' }),
        await token({ header: { typ: 'logout+jwt' } }),
      ];
      await stranger.close();
      const answers = await Promise.all(bad.map((one) => ask({ path: '/orders', token: one })));
      for (const { status, body, headers } of answers) {
        deepStrictEqual([status, body, headers.get('www-authenticate')], [401, answers[0]!.body, answers[0]!.headers.get('www-authenticate')]);
      }
    },
  },
  {
    name: 'rule 107: adds no Cache-Control to a successful response',
    async run({ ask, token }) {
      const answer = await ask({ path: '/me', token: await token() });
      deepStrictEqual([answer.status, answer.headers.get('cache-control'), answer.headers.get('www-authenticate')], [200, null, null]);
    },
  },
  {
    name: 'rule 108: does not refuse a CORS preflight, and runs no handler of the route for it',
    async run({ ask, handlersRun }) {
      const answer = await ask({ method: 'OPTIONS', path: '/orders', headers: PREFLIGHT });
      ok(answer.status < 500 && answer.status !== 401 && answer.status !== 403, `status ${answer.status}`);
      strictEqual(answer.headers.get('www-authenticate'), null);
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 108: answers HEAD like GET, without the body',
    async run({ ask, token }) {
      const good = await token({ scopes: ['orders:read'] });
      for (const sent of [
        { path: '/orders' },
        { path: '/orders', token: 'bad' },
        { path: '/orders', token: await token() },
        { path: '/orders', token: good },
      ]) {
        const get = await ask(sent);
        const head = await ask({ ...sent, method: 'HEAD' });
        deepStrictEqual(
          [head.status, head.headers.get('www-authenticate'), head.headers.get('cache-control')],
          [get.status, get.headers.get('www-authenticate'), get.headers.get('cache-control')],
        );
        strictEqual(head.body, '');
      }
    },
  },
  {
    name: 'rule 109: sends one challenge for each accepted scheme, in a line of its own, with resource_metadata if it is configured',
    async run({ start, ask, issuer, joinsFieldLines }) {
      const linesOf = (answer: Received): readonly (readonly unknown[])[] =>
        challengesOf(answer, { joinsFieldLines }).map(({ scheme, parameters }) => [scheme, parameters['resource_metadata'], typeof parameters['algs']]);
      const both = ['Bearer', 'DPoP'];
      deepStrictEqual(linesOf(await ask({ path: '/me' })), [
        ['Bearer', undefined, 'undefined'],
        ['DPoP', undefined, 'string'],
      ]);
      const resourceMetadataUrl = 'https://api.example.test/.well-known/oauth-protected-resource';
      for (const { dpop, schemes } of [
        { dpop: {}, schemes: both },
        { dpop: false, schemes: ['Bearer'] },
      ] as const) {
        const app = await start({ options: { issuer: issuer.issuer, audience: issuer.audience, resourceMetadataUrl, dpop } });
        const answer = await app.ask({ path: '/me' });
        await expectUnauthorized(answer);
        deepStrictEqual(
          linesOf(answer).map(([scheme, url]) => [scheme, url]),
          schemes.map((scheme) => [scheme, resourceMetadataUrl]),
        );
      }
    },
  },
  {
    name: 'serves the next request of a keep-alive client after a refusal',
    async run({ ask, token }) {
      const agent = keepAliveAgent({ maxSockets: 1 });
      try {
        const json = { filler: 'x'.repeat(100_000) };
        for (let round = 0; round < 3; round++) {
          await expectUnauthorized(await ask({ method: 'POST', path: '/orders', json, agent }), { scopes: ['orders:write'] });
          strictEqual(
            (await ask({ method: 'POST', path: '/orders', json: { item: 'tea' }, token: await token({ scopes: ['orders:write'] }), agent })).status,
            201,
          );
        }
      } finally {
        agent.destroy();
      }
    },
  },
  {
    name: 'rule 150: refuses a 100 MB upload before its body arrives, and serves the next request',
    async run({ ask, token, handlersRun }) {
      const upload = { method: 'POST', path: '/orders', announcedBytes: 100 * 1024 * 1024 };
      const scopes = ['orders:write'];
      for (const headers of [[], [['expect', '100-continue'] as const]]) {
        await expectUnauthorized(await ask({ ...upload, headers }), { scopes });
        await expectUnauthorized(await ask({ ...upload, headers, token: 'bad' }), { error: 'invalid_token' });
        await expectForbidden(await ask({ ...upload, headers, token: await token() }), { scopes });
        strictEqual(handlersRun(), 0);
        const small = { method: 'POST', path: '/orders', headers, json: { filler: 'x'.repeat(90_000) } };
        strictEqual((await ask({ ...small, token: await token({ scopes }) })).status, 201);
        strictEqual(handlersRun(), 1);
      }
    },
  },
  {
    name: 'a step-up challenge lists all accepted acr values',
    async run(suite) {
      const app = await suite.start({ routes: [stepUpRoute()] });
      const token = await suite.token({ scopes: ['a'], claims: { acr: 'low' } });
      await expectUnauthorized(await app.ask({ path: '/guarded', token }), { error: 'insufficient_user_authentication', acrValues: 'mid high' });
    },
  },
];

function stepUpRoute(): SuiteRoute {
  return { method: 'GET', path: '/guarded', access: 'required', policies: [allOf(scope('a'), acr('mid', 'high'))], answer: () => ({ status: 200 }) };
}

function textOf({ body, headers }: Received): string {
  return `${body}${headers.get('www-authenticate')}`;
}
