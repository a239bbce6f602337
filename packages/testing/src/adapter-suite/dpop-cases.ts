import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { scope, type Auth, type Deny, type Policy } from '@tokenward/core';
import { createTestClock, type TestClock } from '../clock.js';
import { createDpopClient, type DpopClient, type ProvenRequest } from '../dpop.js';
import { expectBadRequest, expectForbidden, expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import type { TokenOptions } from '../issuer.js';
import type { AppSetup, SuiteMount, SuiteRoute } from './app.js';
import { sendRaw, type Received, type Sent } from './exchange.js';
import { challengesOf } from './received-challenges.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

const SCOPE = 'orders:read';
const SECRET = 'a secret for nonces that has more than 32 bytes';
const OTHER_SECRET = SECRET.replace('a secret', 'another secret');
const INVALID_PROOF = { scheme: 'DPoP', error: 'invalid_dpop_proof' } as const;

/** Tokens that are bound to a key of their client (DPoP, RFC 9449). */
export const dpopCases: readonly SuiteCase[] = [
  {
    name: 'rule 87: a bound token with its proof gives the same Auth as an unbound one, and policies apply to it',
    async run(suite) {
      const seen: Auth[] = [];
      const refusals: Deny[] = [];
      const see: SuiteRoute = {
        ...route('/see', scope(SCOPE)),
        answer({ auth }) {
          seen.push(auth!);
          return { status: 204 };
        },
      };
      const app = await suite.start({ routes: [see], onRefused: (decision) => refusals.push(decision) });
      const wanted = { subject: 'ada', scopes: [SCOPE], claims: { jti: 'token-1', sid: 'session-1' } };
      const caller = await callerOf(suite, wanted);
      // the second time the token is known
      for (let round = 0; round < 2; round++) strictEqual((await app.ask(caller.sent(app, { path: '/see' }))).status, 204);
      strictEqual((await app.ask({ path: '/see', token: await suite.token(wanted) })).status, 204);
      const [first, second, unbound] = seen.map((auth) => Object.assign({}, auth, { claims: undefined, issuedAt: undefined, expiresAt: undefined }));
      deepStrictEqual(first, unbound);
      deepStrictEqual(second, unbound);
      const poor = await callerOf(suite);
      await expectForbidden(await app.ask(poor.sent(app, { path: '/see' })), { scheme: 'DPoP', scopes: [SCOPE] });
      deepStrictEqual(
        refusals.map(({ reason }) => reason),
        ['insufficient_scope'],
      );
    },
  },
  {
    name: 'rule 80: a bound token without proof, or with two, gets 401 and runs no handler, also where credentials are optional',
    async run(suite) {
      const { app, handlersRun } = suite;
      const caller = await callerOf(suite);
      const authorization = ['authorization', `DPoP ${caller.token}`] as const;
      for (const path of ['/me', '/optional']) {
        const proof = (): readonly ['dpop', string] => ['dpop', caller.proof(app, { path })];
        const joined = ['dpop', `${caller.proof(app, { path })}, ${caller.proof(app, { path })}`] as const;
        for (const fields of [[], [['dpop', '']], [['dpop', 'x']], [proof(), proof()], [joined]] as const) {
          await expectUnauthorized(await app.ask({ path, headers: [authorization, ...fields] }), INVALID_PROOF);
        }
        strictEqual(handlersRun(), 0);
        strictEqual((await app.ask({ path, headers: [authorization, proof()] })).status, 200);
        strictEqual(handlersRun(), 1);
      }
    },
  },
  {
    name: 'rules 81 to 87: a proof that does not hold gets 401, and operators get the reason',
    async run(suite) {
      const refusals: Deny[] = [];
      const app = await suite.start({ onRefused: (decision) => refusals.push(decision) });
      const caller = await callerOf(suite);
      const proofs = wrongProofs(app, caller, await createDpopClient());
      for (const [what, proof] of proofs) {
        const answer = await app.ask({ path: '/me', headers: headersWith(caller.token, proof) });
        await expectUnauthorized(answer, INVALID_PROOF).catch((error: Error) => {
          throw new Error(`${what}: ${error.message}`);
        });
        ok(!JSON.stringify([answer.body, answer.lines('www-authenticate')]).includes('PLANTED'), `${what} is quoted`);
      }
      strictEqual(suite.handlersRun(), 0);
      deepStrictEqual([refusals.length, ...new Set(refusals.map(({ reason }) => reason))], [proofs.length, 'invalid_proof']);
    },
  },
  {
    name: 'rule 88: refuses a bound token with the scheme Bearer, and an unbound token with the scheme DPoP',
    async run(suite) {
      const refusals: string[] = [];
      const app = await suite.start({ onRefused: ({ reason }) => refusals.push(reason) });
      const caller = await callerOf(suite);
      const unbound = await suite.token();
      for (const path of ['/me', '/optional']) {
        const proof = (token = caller.token): readonly [string, string] => ['dpop', caller.proof(app, { path }, token)];
        await expectUnauthorized(await app.ask({ path, token: caller.token }), { error: 'invalid_token' });
        await expectUnauthorized(await app.ask({ path, token: caller.token, headers: [proof()] }), { error: 'invalid_token' });
        await expectUnauthorized(await app.ask({ path, headers: [['authorization', `DPoP ${unbound}`], proof(unbound)] }), {
          scheme: 'DPoP',
          error: 'invalid_token',
        });
        await expectBadRequest(await app.ask({ path, token: unbound, headers: [proof(unbound)] }));
      }
      strictEqual(suite.handlersRun(), 0);
      const expected = ['bound_token_as_bearer', 'bound_token_as_bearer', 'unbound_token', 'bearer_with_proof'];
      deepStrictEqual(refusals, [...expected, ...expected]);
      strictEqual((await app.ask({ path: '/me', token: unbound })).status, 200);
    },
  },
  {
    name: 'rule 83: HEAD needs a proof for HEAD, and POST one for POST',
    async run(suite) {
      const { app } = suite;
      const caller = await callerOf(suite, { scopes: ['orders:write'] });
      for (const [method, path, status, json] of [
        ['HEAD', '/me', 200, undefined],
        ['POST', '/orders', 201, { item: 'tea' }],
      ] as const) {
        for (const htm of ['GET', method.toLowerCase()]) {
          const answer = await app.ask({ method, path, json, headers: headersWith(caller.token, caller.proof(app, { path, method: htm })) });
          strictEqual(answer.status, 401);
          strictEqual(challengesOf(answer, suite)[0]!.parameters['error'], 'invalid_dpop_proof');
        }
        strictEqual(suite.handlersRun(), 0);
        strictEqual((await app.ask({ ...caller.sent(app, { method, path }), json })).status, status);
        strictEqual(suite.handlersRun(), 1);
      }
    },
  },
  {
    name: 'rule 84: htu is compared without query and fragment, in its normal form, and with the origin that the client addressed',
    async run(suite) {
      const app = await suite.start({ routes: [route('/orders/:id')] });
      const caller = await callerOf(suite);
      const { protocol, host } = new URL(app.origin);
      const ask = async (path: string, url: string, asked = host): Promise<number> => {
        const headers = [...headersWith(caller.token, caller.client.createProof({ url, claims: { htu: url } }, caller.token)), ['host', asked] as const];
        return (await app.ask({ path, headers })).status;
      };
      const defaultPort = protocol === 'http:' ? 80 : 443;
      for (const [path, htu, asked = host] of [
        ['/orders/a~b?x=1', `${app.origin}/orders/a~b`],
        ['/orders/a~b?x=1', `${app.origin}/orders/a%7eb?y=2#z`],
        ['/orders/a~b', `${app.origin}/x/../orders/./a~b`],
        ['/orders/%c3%a9', `${app.origin}/orders/%C3%A9`],
        ['/orders/1', `${protocol.toUpperCase()}//API.example.TEST:${defaultPort}/orders/1`, 'api.example.test'],
        ['/orders/1', `${protocol}//[::1]:8443/orders/1`, '[::1]:8443'],
      ] as const) {
        strictEqual(await ask(path, htu, asked), 200, `${path} with ${htu}`);
      }
      suite.handlersRun();
      for (const [path, htu, asked = host] of [
        ['/orders/1', `${app.origin}/orders/2`],
        ['/orders/1', `${app.origin}/orders`],
        ['/orders/1', `${app.origin}/ORDERS/1`],
        ['/orders/1', `${app.origin}/orders/1/`],
        ['/orders/a%2fb', `${app.origin}/orders/a/b`],
        ['/orders/1', '/orders/1'],
        ['/orders/1', `${protocol === 'http:' ? 'https' : 'http'}://${host}/orders/1`],
        ['/orders/1', `${app.origin}/orders/1`, 'evil.example.test'],
        ['/orders/1', `${protocol}//user@${host}/orders/1`],
      ] as const) {
        strictEqual(await ask(path, htu, asked), 401, `${path} with ${htu} at ${asked}`);
      }
      strictEqual(suite.handlersRun(), 0);
    },
  },
  {
    name: 'rule 85: publicOrigin alone decides, and forged fields change nothing',
    async run(suite) {
      const publicOrigin = 'https://api.example.test';
      const forged = [
        ['x-forwarded-host', 'evil.example.test'],
        ['x-forwarded-proto', 'https'],
        ['forwarded', 'host=evil.example.test;proto=https'],
      ] as const;
      const caller = await callerOf(suite);
      const ask = async (app: SuiteApp, origin: string, ...fields: readonly (readonly [string, string])[]): Promise<number> => {
        const proof = caller.client.createProof({ url: `${origin}/me` }, caller.token);
        return (await app.ask({ path: '/me', headers: [...headersWith(caller.token, proof), ...fields] })).status;
      };
      const app = await startWith(suite, { publicOrigin });
      deepStrictEqual([await ask(app, publicOrigin, ...forged), await ask(app, publicOrigin, ['host', 'evil.example.test'])], [200, 200]);
      strictEqual(await ask(app, app.origin), 401);
      for (const at of [app, suite.app]) strictEqual(await ask(at, 'https://evil.example.test', ...forged), 401);
      strictEqual(await ask(app, 'https://evil.example.test', ['host', 'evil.example.test']), 401);
    },
  },
  {
    name: 'rule 89: a proof is accepted once, also of parallel requests',
    async run(suite) {
      const refusals: string[] = [];
      const app = await suite.start({ onRefused: ({ reason }) => refusals.push(reason) });
      const caller = await callerOf(suite);
      const sent = caller.sent(app, { path: '/me' });
      const answers = await Promise.all(Array.from({ length: 5 }, () => app.ask(sent)));
      deepStrictEqual(
        answers.map(({ status }) => status).sort((a, b) => a - b),
        [200, 401, 401, 401, 401],
      );
      await expectUnauthorized(await app.ask(sent), INVALID_PROOF);
      strictEqual(suite.handlersRun(), 1);
      deepStrictEqual([refusals.length, ...new Set(refusals)], [5, 'replayed_proof']);
      // another token of the same key does not bring it back
      const other = await suite.token({ claims: caller.client.claims });
      const reused = caller.client.createProof({ url: `${app.origin}/me`, claims: { jti: 'one' } }, caller.token);
      const again = caller.client.createProof({ url: `${app.origin}/me`, claims: { jti: 'one' } }, other);
      strictEqual((await app.ask({ path: '/me', headers: headersWith(caller.token, reused) })).status, 200);
      await expectUnauthorized(await app.ask({ path: '/me', headers: headersWith(other, again) }), INVALID_PROOF);
    },
  },
  {
    name: 'rule 89: answers 503 with Retry-After if the store of replays is full or fails, and still accepts tokens without proof',
    async run(suite) {
      const caller = await callerOf(suite);
      const failures = [
        () => 'full' as const,
        () => Promise.reject(new Error('PLANTED')),
        () => {
          throw new Error('PLANTED');
        },
        () => undefined as never,
      ];
      for (const add of failures) {
        const refusals: Deny[] = [];
        const app = await startWith(suite, { dpop: { replays: { add } } }, { onRefused: (decision) => refusals.push(decision) });
        for (const path of ['/me', '/optional']) {
          const answer = await app.ask(caller.sent(app, { path }));
          await expectUnavailable(answer);
          ok(!answer.body.includes('PLANTED'));
        }
        strictEqual(suite.handlersRun(), 0);
        deepStrictEqual([...new Set(refusals.map(({ reason }) => reason))], ['replays_unavailable']);
        strictEqual((await app.ask({ path: '/me', token: await suite.token() })).status, 200);
        suite.handlersRun();
      }
    },
  },
  {
    name: 'rule 89: one request uses its proof once, however many guards it passes',
    needsSeveralGuards: true,
    async run(suite) {
      const guard = { api: 'first', access: 'required', policies: [] } as const;
      const app = await suite.start({
        routes: [{ ...route('/x', scope(SCOPE)), guards: [guard, { ...guard, policies: [scope(SCOPE)] }] }],
        appGuards: [guard],
      });
      const caller = await callerOf(suite, { scopes: [SCOPE] });
      const sent = caller.sent(app, { path: '/x' });
      strictEqual((await app.ask(sent)).status, 200);
      await expectUnauthorized(await app.ask(sent), INVALID_PROOF);
    },
  },
  {
    name: 'rule 90: with nonceSecret, each proof needs a nonce of the fleet, and the answer to an old one contains the next',
    async run(suite) {
      const clock = createTestClock();
      const caller = await callerOf(suite, { lifetimeSeconds: 3600 }, clock);
      const startAs = (nonceSecret: string): Promise<SuiteApp> => startWith(suite, { clock, dpop: { nonceSecret, nonceLifetimeSeconds: 10 } });
      const [app, another, stranger] = [await startAs(SECRET), await startAs(SECRET), await startAs(OTHER_SECRET)];
      const wanted = async (at: SuiteApp, path: string, nonce?: string): Promise<string> => {
        const answer = await at.ask(caller.sent(at, { path, nonce }));
        await expectUnauthorized(answer, { scheme: 'DPoP', error: 'use_dpop_nonce' });
        strictEqual(answer.lines('dpop-nonce').length, 1);
        return answer.lines('dpop-nonce')[0]!;
      };
      const admitted = async (at: SuiteApp, path: string, nonce: string): Promise<string | null> => {
        const answer = await at.ask(caller.sent(at, { path, nonce }));
        strictEqual(answer.status, 200);
        strictEqual(answer.headers.get('cache-control'), answer.headers.get('dpop-nonce') === null ? null : 'no-store');
        return answer.headers.get('dpop-nonce');
      };
      for (const path of ['/me', '/optional']) for (const nonce of [undefined, 'x'.repeat(22), await wanted(stranger, '/me')]) await wanted(app, path, nonce);
      strictEqual(suite.handlersRun(), 0);
      const first = await wanted(app, '/me');
      deepStrictEqual([await admitted(app, '/me', first), await admitted(another, '/optional', first)], [null, null]);
      clock.advance(10);
      const next = await admitted(app, '/me', first);
      strictEqual(await wanted(another, '/me'), next);
      strictEqual((await app.ask(caller.sent(app, { path: '/orders', nonce: first }))).headers.get('dpop-nonce'), next);
      clock.advance(10);
      await wanted(app, '/me', first);
      strictEqual((await app.ask({ path: '/me', token: await suite.token() })).status, 200);
    },
  },
  {
    name: 'rule 109: a refusal has a challenge for each accepted scheme, in a line of its own: first the one that the request used, with the error',
    async run(suite) {
      const { app } = suite;
      const caller = await callerOf(suite);
      const seenIn = (answer: Received): unknown[] =>
        challengesOf(answer, suite).map(({ scheme, parameters }) => [scheme, parameters['error'], parameters['algs']?.split(' ').includes('ES256')]);
      deepStrictEqual(seenIn(await app.ask({ path: '/me', headers: [['authorization', `DPoP ${caller.token}`]] })), [
        ['DPoP', 'invalid_dpop_proof', true],
        ['Bearer', undefined, undefined],
      ]);
      deepStrictEqual(seenIn(await app.ask({ path: '/me', token: caller.token })), [
        ['Bearer', 'invalid_token', undefined],
        ['DPoP', undefined, true],
      ]);
      deepStrictEqual(seenIn(await app.ask({ path: '/me' })), [
        ['Bearer', undefined, undefined],
        ['DPoP', undefined, true],
      ]);
    },
  },
  {
    name: "rule 88: with senderConstraint 'dpop' every token needs its proof, and only DPoP is offered; with dpop false no bound token is accepted",
    async run(suite) {
      const caller = await callerOf(suite);
      const bound = await startWith(suite, { senderConstraint: 'dpop' });
      strictEqual((await bound.ask(caller.sent(bound, { path: '/me' }))).status, 200);
      await expectUnauthorized(await bound.ask({ path: '/me', token: await suite.token() }), { scheme: 'DPoP', error: 'invalid_token' });
      for (const sent of [{}, { token: caller.token }]) {
        const challenges = challengesOf(await bound.ask({ path: '/me', ...sent }), suite);
        deepStrictEqual(
          challenges.map(({ scheme }) => scheme),
          ['DPoP'],
        );
      }
      suite.handlersRun();
      const off = await startWith(suite, { dpop: false });
      await expectUnauthorized(await off.ask(caller.sent(off, { path: '/me' })));
      await expectUnauthorized(await off.ask({ path: '/me', token: caller.token }), { error: 'invalid_token' });
      strictEqual(suite.handlersRun(), 0);
      strictEqual((await off.ask({ path: '/me', token: await suite.token() })).status, 200);
    },
  },
  {
    name: 'rule 66: a bound token that was revoked is refused, though its proof holds',
    async run(suite) {
      const app = await suite.start();
      const caller = await callerOf(suite, { claims: { sid: 'session-of-dpop' } });
      strictEqual((await app.ask(caller.sent(app, { path: '/me' }))).status, 200);
      await app.guard.revocations.revoke({ sessionId: 'session-of-dpop' });
      await expectUnauthorized(await app.ask(caller.sent(app, { path: '/me' })), { scheme: 'DPoP', error: 'invalid_token' });
    },
  },
  {
    name: 'rule 89: check() decides on an upgrade request with a proof, once',
    over: 'HTTP/1.1',
    async run(suite) {
      const { server, guard, origin } = await suite.start();
      server.on('upgrade', (upgrade: IncomingMessage, socket: NodeJS.WritableStream) => {
        void (async () => {
          // twice, as with a guard of the server and one of the socket
          await guard.check(upgrade);
          const decision = await guard.check(upgrade);
          socket.end(`HTTP/1.1 ${decision.outcome === 'allow' ? 101 : decision.status} x\r\nConnection: close\r\n\r\n`);
        })();
      });
      const { token, client } = await callerOf(suite);
      const upgrade = (proof: string): Promise<number | undefined> => {
        const credentials = `Authorization: DPoP ${token}\r\nDPoP: ${proof}\r\n`;
        return sendRaw(origin, `GET /feed HTTP/1.1\r\nHost: ${new URL(origin).host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${credentials}\r\n`);
      };
      const proof = client.createProof({ url: `${origin}/feed` }, token);
      const statuses = [await upgrade(proof), await upgrade(proof), await upgrade(client.createProof({ url: `${origin}/other` }, token))];
      deepStrictEqual(statuses, [101, 401, 401]);
    },
  },
];

/** Pages of another origin use tokens that are bound to a key, with the CORS middleware of the framework before the guard. */
export const dpopCorsCases: readonly SuiteCase[] = [
  {
    name: 'rule 90: with CORS before the guard, pages of another origin can read the nonce of a refusal',
    async run(suite) {
      const app = await startWith(suite, { dpop: { nonceSecret: SECRET } }, { cors: 'before' });
      const caller = await callerOf(suite);
      const proven = headersWith(caller.token, caller.proof(app, { path: '/me' }));
      const answer = await app.ask({ path: '/me', headers: [...proven, ['origin', 'https://app.example.test']] });
      await expectUnauthorized(answer, { scheme: 'DPoP', error: 'use_dpop_nonce' });
      strictEqual(answer.lines('dpop-nonce').length, 1);
      deepStrictEqual(answer.headers.get('access-control-expose-headers')?.toLowerCase().split(/, ?/), ['www-authenticate', 'dpop-nonce']);
      strictEqual(answer.headers.get('access-control-allow-origin'), 'https://app.example.test');
    },
  },
];

/** Routes below a prefix, where the framework may hand on only the rest of the path. */
export function mountedDpopCases(kinds: readonly SuiteMount['as'][]): SuiteCase[] {
  return kinds.map((as) => ({
    name: `rule 84: below a mounted ${as}, htu has the prefix`,
    async run(suite) {
      const guard = { api: 'first', access: 'required', policies: [] } as const;
      const app = await suite.start({ routes: [], mounts: [{ prefix: '/mounted', as, ...(as === 'app' && { guard }), routes: [route('/orders')] }] });
      const caller = await callerOf(suite);
      for (const path of ['/mounted/orders', '/mounted/orders?a=1']) strictEqual((await app.ask(caller.sent(app, { path }))).status, 200);
      const proof = caller.proof(app, { path: '/orders' });
      await expectUnauthorized(await app.ask({ path: '/mounted/orders', headers: headersWith(caller.token, proof) }), INVALID_PROOF);
    },
  }));
}

/** A client with a token that is bound to its key. */
interface Caller {
  readonly client: DpopClient;
  readonly token: string;
  /** Creates a proof for a request to an app. */
  proof(app: SuiteApp, request: ForProof, token?: string): string;
  /** Returns a request with the token and a new proof. */
  sent(app: SuiteApp, request: ForProof): Sent;
}

type ForProof = Omit<ProvenRequest, 'url'> & { readonly path: string };

async function callerOf(suite: Suite, wanted: TokenOptions = {}, clock?: TestClock): Promise<Caller> {
  const client = await createDpopClient({ clock });
  const token = await suite.token({ ...wanted, claims: { ...wanted.claims, ...client.claims } });
  const proof: Caller['proof'] = (app, { path, ...request }, of = token) => client.createProof({ ...request, url: app.origin + path }, of);
  return {
    client,
    token,
    proof,
    sent: (app, request) => ({ method: request.method, path: request.path, headers: headersWith(token, proof(app, request)) }),
  };
}

function headersWith(token: string, proof: string): readonly (readonly [string, string])[] {
  return [
    ['authorization', `DPoP ${token}`],
    ['dpop', proof],
  ];
}

function route(path: string, ...policies: readonly Policy[]): SuiteRoute {
  return { method: 'GET', path, access: 'required', policies, answer: () => ({ status: 200 }) };
}

function startWith({ issuer, start }: Suite, options: Partial<AppSetup['options']>, setup: Partial<AppSetup> = {}): Promise<SuiteApp> {
  return start({ options: { issuer: issuer.issuer, audience: issuer.audience, ...options }, ...setup });
}

/** Returns proofs for `GET /me`, each with one fault (RFC 9449 s4.3). */
function wrongProofs(app: SuiteApp, caller: Caller, stranger: DpopClient): readonly (readonly [what: string, proof: string])[] {
  const now = Math.floor(Date.now() / 1000);
  const { publicJwk } = caller.client;
  const make = (parts: Partial<ProvenRequest>, by = caller.client): string => by.createProof({ url: `${app.origin}/me`, ...parts }, caller.token);
  const good = make({});
  const other = make({});
  const [head, body, signature] = good.split('.') as [string, string, string];
  return [
    ['another signature', `${head}.${body}.${other.split('.')[2]}`],
    ['no signature', `${head}.${body}.`],
    ['a fourth part', `${good}.${signature}`],
    ['padding', `${good}=`],
    ['text that is not a proof', 'PLANTED'],
    ['the access token', caller.token],
    ['alg none', make({ header: { alg: 'none' } })],
    ['a symmetric alg', make({ header: { alg: 'HS256' } })],
    ['another alg than that of the key', make({ header: { alg: 'ES384' } })],
    ['another typ', make({ header: { typ: 'JWT' } })],
    ['no typ', make({ header: { typ: undefined } })],
    ['no jwk', make({ header: { jwk: undefined } })],
    ['a private jwk', make({ header: { jwk: { ...publicJwk, d: 'PLANTED' } } })],
    ['a symmetric jwk', make({ header: { jwk: { kty: 'oct', k: 'UExBTlRFRA' } } })],
    ['the jwk of a stranger', make({ header: { jwk: stranger.publicJwk } })],
    ['a stranger', make({}, stranger)],
    ['a critical extension', make({ header: { crit: ['PLANTED'], PLANTED: 1 } })],
    ['no jti', make({ claims: { jti: undefined } })],
    ['a jti that is not a text', make({ claims: { jti: 1 } })],
    ['another method', make({ claims: { htm: 'POST' } })],
    ['a method in lower case', make({ claims: { htm: 'get' } })],
    ['no method', make({ claims: { htm: undefined } })],
    ['another address', make({ url: `${app.origin}/PLANTED` })],
    ['no address', make({ claims: { htu: undefined } })],
    ['a list of addresses', make({ claims: { htu: [`${app.origin}/me`] } })],
    ['no time', make({ claims: { iat: undefined } })],
    ['a time that is text', make({ claims: { iat: String(now) } })],
    ['an old time', make({ claims: { iat: now - 3600 } })],
    ['a time to come', make({ claims: { iat: now + 3600 } })],
    ['no ath', make({ claims: { ath: undefined } })],
    ['the ath of another token', make({ claims: { ath: 'PLANTED' } })],
  ];
}
