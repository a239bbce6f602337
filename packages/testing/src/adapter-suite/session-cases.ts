import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import { Readable } from 'node:stream';
import { scope, type Auth, type Deny } from '@tokenward/core';
import { expectBadRequest, expectForbidden, expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import type { AppSetup, SuiteRoute } from './app.js';
import { createCookieSession, linesOf, type CookieSession } from './cookie-session.js';
import { keepAliveAgent, type Received } from './exchange.js';
import { exampleRoutes } from './example-routes.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

const SCOPE = 'orders:read';
const DELETED = /^__Host-session=; Max-Age=0; Path=\/; Secure; HttpOnly; SameSite=Strict$/;

/** The headers by which an answer could tell something about a request, besides its status and its body. */
const ANSWER_FIELDS = ['content-type', 'content-length', 'etag', 'cache-control', 'vary', 'set-cookie', 'www-authenticate'];

/** Requests with the cookie of a browser session: the guard's option `session`. */
export const sessionCases: readonly SuiteCase[] = [
  {
    name: 'a session cookie gives the same Auth as its token in the header, whether the session answers at once or later',
    async run(suite) {
      for (const isWaiting of [false, true]) {
        const seen: Auth[] = [];
        const session = createCookieSession({ isWaiting });
        const app = await startWith(suite, session, { routes: [seeing(seen)] });
        const token = await suite.token({ scopes: [SCOPE], roles: ['admin'], claims: { sid: 'session-1', jti: 'token-1' } });
        strictEqual((await app.ask({ path: '/see', headers: session.add({ token }) })).status, 200);
        strictEqual((await app.ask({ path: '/see', token })).status, 200);
        const [first, second] = seen.map((auth) => ({ ...auth }));
        deepStrictEqual(first, second);
        ok(!seen[0]!.signal.aborted);
        strictEqual(session.asked(), 1);
      }
    },
  },
  {
    name: 'the policies, the revocations and the limits of tokens apply to the token of a session',
    async run(suite) {
      const session = createCookieSession();
      const app = await startWith(suite, session);
      const cookies = session.add({ token: await suite.token({ claims: { sid: 'session-1' } }) });
      strictEqual((await app.ask({ path: '/me', headers: cookies })).status, 200);
      await expectForbidden(await app.ask({ path: '/orders', headers: cookies }), { scopes: [SCOPE] });
      await app.guard.revocations.revoke({ sessionId: 'session-1' });
      await expectUnauthorized(await app.ask({ path: '/me', headers: cookies }), { error: 'invalid_token' });
      suite.handlersRun();
      const bad = [await suite.token({ lifetimeSeconds: -3600 }), await suite.token({ audience: 'https://other.example.test' }), 'x'.repeat(20_000), '..'];
      for (const token of bad) {
        const headers = session.add({ token });
        for (const path of ['/me', '/optional']) await expectUnauthorized(await app.ask({ path, headers }), { error: 'invalid_token' });
      }
      await expectBadRequest(await app.ask({ path: '/me?access_token=x', headers: session.add({ token: await suite.token() }) }));
      strictEqual(suite.handlersRun(), 0);
    },
  },
  {
    name: 'rule 4: an Authorization header next to a session cookie decides alone, and a bad one is refused although the session is valid',
    async run(suite) {
      const session = createCookieSession();
      const app = await startWith(suite, session);
      const cookies = session.add({ token: await suite.token({ subject: 'of-the-session' }) });
      strictEqual(subjectOf(await app.ask({ path: '/me', headers: cookies, token: await suite.token({ subject: 'of-the-header' }) })), 'of-the-header');
      suite.handlersRun();
      for (const path of ['/me', '/optional']) {
        await expectUnauthorized(await app.ask({ path, headers: cookies, token: 'bad' }), { error: 'invalid_token' });
        await expectBadRequest(await app.ask({ path, headers: [...cookies, ['authorization', 'Bearer']] }));
      }
      await expectUnauthorized(await app.ask({ path: '/me', headers: [...cookies, ['authorization', 'Basic dTpw']] }));
      strictEqual(session.asked(), 0);
      strictEqual(suite.handlersRun(), 0);
    },
  },
  {
    name: 'rules 4 and 129: a session cookie without the custom header gets a 403 that names the reason and the header',
    async run(suite) {
      const session = createCookieSession();
      const app = await startWith(suite, session);
      const [cookie] = session.add({ token: await suite.token() });
      for (const path of ['/me', '/orders']) {
        const answer = await app.ask({ path, headers: [cookie!] });
        strictEqual(answer.status, 403);
        const { detail, ...body } = answer.json() as Record<string, string>;
        deepStrictEqual(body, { type: 'about:blank', title: 'Forbidden', status: 403, error: 'cross_site_request', reason: 'cross_site_request' });
        match(detail!, /x-tokenward-csrf: 1/);
        match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
        strictEqual(answer.headers.get('cache-control'), 'no-store');
        deepStrictEqual([...answer.lines('www-authenticate'), ...answer.lines('set-cookie')], []);
      }
      strictEqual(suite.handlersRun(), 0);
      strictEqual((await app.ask({ path: '/me', headers: [cookie!], token: await suite.token() })).status, 200);
    },
  },
  {
    name: 'rule 189: where credentials are optional, a session cookie without the custom header changes nothing of the answer',
    async run(suite) {
      for (const isWaiting of [false, true]) {
        const session = createCookieSession({ isWaiting });
        const app = await startWith(suite, session);
        const [cookie, proof] = session.add({ token: await suite.token({ subject: 'of-the-session' }), newCookies: 2 });
        const seen = async (headers: readonly (readonly [string, string])[]): Promise<unknown> => {
          const answer = await app.ask({ path: '/optional', headers });
          return [answer.status, answer.body, ...ANSWER_FIELDS.map((name) => answer.lines(name))];
        };
        deepStrictEqual(await seen([cookie!]), await seen([]));
        strictEqual(subjectOf(await app.ask({ path: '/optional', headers: [cookie!] })), null);
        strictEqual(subjectOf(await app.ask({ path: '/optional', headers: [cookie!, proof!] })), 'of-the-session');
      }
    },
  },
  {
    name: 'rule 129: the custom header of one request does not count for the next on its connection, even if both ask for an upgrade',
    over: 'HTTP/1.1',
    async run(suite) {
      const session = createCookieSession();
      const app = await startWith(suite, session);
      const [cookie, proof] = session.add({ token: await suite.token() });
      const upgrade = [['connection', 'upgrade'], ['upgrade', 'h2c']] as const; // prettier-ignore
      const agent = keepAliveAgent({ maxSockets: 1 });
      const statuses: number[] = [];
      for (const headers of [[cookie!, proof!], [cookie!], [cookie!, proof!]]) {
        statuses.push((await app.ask({ path: '/me', headers: [...headers, ...upgrade], agent })).status);
      }
      agent.destroy();
      deepStrictEqual(statuses, [200, 403, 200]);
    },
  },
  {
    name: 'an ended session is refused as a request without credentials, is anonymous where they are optional, and its cookie is deleted',
    async run(suite) {
      const session = createCookieSession();
      const app = await startWith(suite, session);
      const cookies = session.add({ token: await suite.token() });
      session.end(cookies);
      const refused = await app.ask({ path: '/orders', headers: cookies });
      await expectUnauthorized(refused, { scopes: [SCOPE] });
      strictEqual(suite.handlersRun(), 0);
      const anonymous = await app.ask({ path: '/optional', headers: cookies });
      deepStrictEqual([anonymous.status, subjectOf(anonymous)], [200, null]);
      for (const answer of [refused, anonymous]) match(onlyCookie(answer), DELETED);
      const others = await app.ask({ path: '/optional', headers: [['cookie', 'theme=dark; session=1']] });
      deepStrictEqual([others.status, subjectOf(others), others.lines('set-cookie')], [200, null, []]);
      await expectUnauthorized(await app.ask({ path: '/me', headers: [['cookie', '']] }));
    },
  },
  {
    name: 'answers 503 with Retry-After while the session is unavailable, admits nobody, and recovers',
    async run(suite) {
      for (const isWaiting of [false, true]) {
        const session = createCookieSession({ isWaiting });
        const app = await startWith(suite, session);
        const cookies = session.add({ token: await suite.token() });
        session.fail(true);
        suite.handlersRun();
        for (const path of ['/me', '/optional']) {
          const answer = await app.ask({ path, headers: cookies });
          await expectUnavailable(answer);
          ok(!answer.body.includes('id-1'));
        }
        strictEqual(suite.handlersRun(), 0);
        session.fail(false);
        strictEqual((await app.ask({ path: '/me', headers: cookies })).status, 200);
      }
    },
  },
  {
    name: 'sets all cookies of a session on an admitted answer, in addition to those of the app, and once',
    async run(suite) {
      for (const isWaiting of [false, true]) {
        const session = createCookieSession({ isWaiting });
        const route: SuiteRoute = {
          method: 'GET',
          path: '/both',
          access: 'required',
          policies: [],
          answer: () => ({ status: 200, body: {}, cookies: ['a=1', 'b=2'] }),
        };
        const app = await startWith(suite, session, { routes: [route] });
        const answer = await app.ask({ path: '/both', headers: session.add({ token: await suite.token(), newCookies: 3 }) });
        strictEqual(answer.status, 200);
        deepStrictEqual(answer.lines('set-cookie').toSorted(), ['a=1', 'b=2', ...linesOf('id-1', 3)].toSorted());
        strictEqual(answer.headers.get('cache-control'), 'no-store');
        const unchanged = await app.ask({ path: '/both', headers: session.add({ token: await suite.token() }) });
        deepStrictEqual(unchanged.lines('set-cookie').toSorted(), ['a=1', 'b=2']);
      }
    },
  },
  {
    name: 'rule 195: no cache keeps the cookie of a session, whatever a handler says about its answer, whole or streamed',
    async run(suite) {
      for (const isWaiting of [false, true]) {
        const session = createCookieSession({ isWaiting });
        const headers = { 'cache-control': 'public, max-age=600', 'cdn-cache-control': 'max-age=600', 'x-mine': '1' };
        const route = (path: string, sent: () => object): SuiteRoute => ({
          method: 'GET',
          path,
          access: 'required',
          policies: [],
          answer: () => ({ status: 200, headers, ...sent() }),
        });
        const routes = [route('/whole', () => ({ body: {} })), route('/streamed', () => ({ stream: Readable.from(['data: 1\n\n']) }))];
        const app = await startWith(suite, session, { routes });
        const token = await suite.token();
        const [fresh, known] = [session.add({ token, newCookies: 2 }), session.add({ token })];
        for (const { path } of routes) {
          const answer = await app.ask({ path, headers: fresh });
          deepStrictEqual(answer.lines('set-cookie'), linesOf('id-1', 2));
          deepStrictEqual(shownTo(answer), ['no-store', null, '1']);
          deepStrictEqual(shownTo(await app.ask({ path, headers: known })), Object.values(headers));
        }
      }
    },
  },
  {
    name: 'streaming answers: the cookies of a session go with the headers of a streamed answer',
    async run(suite) {
      const session = createCookieSession({ isWaiting: true });
      const route: SuiteRoute = {
        method: 'GET',
        path: '/events',
        access: 'required',
        policies: [],
        answer: () => ({ status: 200, stream: Readable.from(['data: 1\n\n', 'data: 2\n\n']) }),
      };
      const app = await startWith(suite, session, { routes: [route] });
      const answer = await app.ask({ path: '/events', headers: session.add({ token: await suite.token(), newCookies: 2 }) });
      deepStrictEqual([answer.status, answer.body], [200, 'data: 1\n\ndata: 2\n\n']);
      deepStrictEqual(answer.lines('set-cookie'), linesOf('id-1', 2));
    },
  },
  {
    name: 'sets the cookies of a session on a refusal: its own, that of onDenied, and that of guard.refuse',
    async run(suite) {
      const session = createCookieSession();
      const asked = (): ReturnType<CookieSession['add']> => session.add({ token, newCookies: 2 });
      const token = await suite.token();
      const own = await startWith(suite, session);
      const refused = await own.ask({ path: '/orders', headers: asked() });
      await expectForbidden(refused, { scopes: [SCOPE] });
      deepStrictEqual(refused.lines('set-cookie'), linesOf('id-1', 2));

      const ways: AppSetup['onDenied'][] = [
        ({ status }) => ({ status, body: {}, cookies: ['a=1'] }),
        async ({ status }) => ({ status, body: {}, cookies: ['a=1'] }),
      ];
      for (const [index, onDenied] of ways.entries()) {
        const app = await startWith(suite, session, { onDenied });
        const answer = await app.ask({ path: '/orders', headers: asked() });
        strictEqual(answer.status, 403);
        deepStrictEqual(answer.lines('set-cookie').toSorted(), ['a=1', ...linesOf(`id-${index + 2}`, 2)].toSorted());
      }

      for (const onDenied of [undefined, ways[0]]) {
        const app = await startWith(suite, session, { onDenied, routes: [refusing()] });
        const answer = await app.ask({ path: '/refusing', headers: asked() });
        strictEqual(answer.status, 403);
        deepStrictEqual(
          answer.lines('set-cookie').filter((line) => !line.startsWith('a=')),
          linesOf(onDenied ? 'id-5' : 'id-4', 2),
        );
      }
    },
  },
  {
    name: 'an onDenied that sets all headers of the decision loses no cookie, neither of the session nor of the app',
    async run(suite) {
      const session = createCookieSession();
      const app = await startWith(suite, session, {
        onDenied: (decision) => ({ status: decision.status, body: { mine: true }, cookies: ['a=1', 'b=2'], withHeadersOf: decision }),
      });
      const answer = await app.ask({ path: '/orders', headers: session.add({ token: await suite.token(), newCookies: 2 }) });
      strictEqual(answer.status, 403);
      deepStrictEqual(answer.json(), { mine: true });
      deepStrictEqual(answer.lines('set-cookie').toSorted(), ['a=1', 'b=2', ...linesOf('id-1', 2)].toSorted());
      match(answer.lines('www-authenticate').join(), /insufficient_scope/);
      deepStrictEqual(answer.lines('cache-control'), ['no-store']);
    },
  },
  {
    name: 'an error of the handler does not lose the cookies of a session',
    async run(suite) {
      const session = createCookieSession();
      const route: SuiteRoute = {
        method: 'GET',
        path: '/broken',
        access: 'required',
        policies: [],
        answer() {
          throw new Error('out of order');
        },
      };
      const app = await startWith(suite, session, { routes: [route] });
      const answer = await app.ask({ path: '/broken', headers: session.add({ token: await suite.token(), newCookies: 2 }) });
      strictEqual(answer.status, 500);
      deepStrictEqual(answer.lines('set-cookie'), linesOf('id-1', 2));
    },
  },
  {
    name: 'several guards on one request ask the session once, find the same Auth, and set its cookies once',
    needsSeveralGuards: true,
    async run(suite) {
      for (const isWaiting of [false, true]) {
        const session = createCookieSession({ isWaiting });
        const { issuer, audience } = suite.issuer;
        const options = { issuer, audience, session };
        const guard = (api: 'first' | 'second') => ({ api, access: 'required', policies: [] }) as const;
        const route: SuiteRoute = {
          method: 'GET',
          path: '/several',
          access: 'required',
          policies: [],
          guards: [guard('second'), { ...guard('first'), policies: [scope(SCOPE)] }],
          answer: ({ properties }) => ({ status: 200, body: [properties!.first!.subject, properties!.second!.subject] }),
        };
        const app = await suite.start({ options, secondApi: { ...options, property: 'second' }, appGuards: [guard('first')], routes: [route] });
        const headers = session.add({ token: await suite.token({ scopes: [SCOPE] }), newCookies: 2 });
        const answer = await app.ask({ path: '/several', headers });
        deepStrictEqual(answer.json(), ['user-1', 'user-1']);
        deepStrictEqual(answer.lines('set-cookie'), linesOf('id-1', 2));
        const refused = await app.ask({ path: '/several', headers: session.add({ token: await suite.token(), newCookies: 2 }) });
        await expectForbidden(refused, { scopes: [SCOPE] });
        deepStrictEqual(refused.lines('set-cookie'), linesOf('id-2', 2));
        strictEqual(session.asked(), 2);
      }
    },
  },
  {
    name: 'guard.check decides on a session and returns its cookies, and answers nothing',
    over: 'HTTP/1.1',
    async run(suite) {
      const session = createCookieSession();
      const app = await startWith(suite, session);
      const checked: unknown[] = [];
      app.server.prependListener('request', (request: object) => {
        checked.push(app.guard.check(request, scope(SCOPE)));
      });
      const headers = session.add({ token: await suite.token({ scopes: [SCOPE] }), newCookies: 1 });
      await app.ask({ path: '/public', headers });
      await app.ask({ path: '/public', headers: [headers[0]!] });
      const [allowed, denied] = (await Promise.all(checked)) as { outcome: string; auth?: Auth; reason?: string; headers: object }[];
      deepStrictEqual([allowed!.outcome, allowed!.auth!.subject], ['allow', 'user-1']);
      deepStrictEqual(allowed!.headers, { 'cache-control': 'no-store', 'set-cookie': linesOf('id-1', 1) });
      deepStrictEqual([denied!.outcome, denied!.reason], ['deny', 'cross_site_request']);
    },
  },
  {
    name: 'a large upload of an ended session is refused before its body is read, and its cookie is deleted',
    async run(suite) {
      const session = createCookieSession({ isWaiting: true });
      const app = await startWith(suite, session);
      const cookies = session.add({ token: await suite.token({ scopes: ['orders:write'] }), newCookies: 1 });
      const large = { note: 'x'.repeat(40_000) };
      const admitted = await app.ask({ method: 'POST', path: '/orders', headers: cookies, json: large });
      strictEqual(admitted.status, 201);
      deepStrictEqual(admitted.lines('set-cookie'), linesOf('id-1', 1));
      session.end(cookies);
      suite.handlersRun();
      const refused = await app.ask({ method: 'POST', path: '/orders', headers: cookies, announcedBytes: 1_000_000 });
      strictEqual(refused.status, 401);
      match(onlyCookie(refused), DELETED);
      strictEqual(suite.handlersRun(), 0);
    },
  },
];

async function startWith({ start, issuer }: Suite, session: CookieSession, setup: Partial<AppSetup> = {}): Promise<SuiteApp> {
  return start({ options: { issuer: issuer.issuer, audience: issuer.audience, session }, routes: exampleRoutes, ...setup });
}

function seeing(seen: Auth[]): SuiteRoute {
  return {
    method: 'GET',
    path: '/see',
    access: 'required',
    policies: [],
    answer({ auth }) {
      seen.push(auth!);
      return { status: 200 };
    },
  };
}

/** A route whose handler refuses with one more policy. */
function refusing(): SuiteRoute {
  return {
    method: 'GET',
    path: '/refusing',
    access: 'required',
    policies: [],
    answer: ({ auth, permit }) => ({ status: 200, refusal: permit!(auth!, scope('never')) as Deny }),
  };
}

function subjectOf(answer: Received): unknown {
  return (answer.json() as { subject: unknown }).subject;
}

function onlyCookie(answer: Received): string {
  const lines = answer.lines('set-cookie');
  strictEqual(lines.length, 1);
  return lines[0]!;
}

/** Returns the fields that caches obey, and one more that the handler sets. */
function shownTo({ headers }: Received): (string | null)[] {
  return ['cache-control', 'cdn-cache-control', 'x-mine'].map((name) => headers.get(name));
}
