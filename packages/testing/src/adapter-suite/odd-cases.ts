import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { scope } from '@tokenward/core';
import { expectForbidden, expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import type { TestIssuer } from '../issuer.js';
import { asSigningKey, generatePrivateKey } from '../signing-key.js';
import type { AppSetup, OddWay, SuiteRoute } from './app.js';
import { createCookieSession, linesOf } from './cookie-session.js';
import type { Received } from './exchange.js';
import { SECRET_ANSWER, showsSecret } from './secret-answer.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

const PREFLIGHT = [
  ['origin', 'https://app.example.test'],
  ['access-control-request-method', 'GET'],
] as const;

/** How late the keys arrive. A caller that does not wait for the guard has answered by then. */
const LATE_MS = 15;

/** A guard that code of the app calls, in any way, refuses or throws. It never admits an unauthorized request and never ends the process. */
export function oddCases({ name, isAwaited }: OddWay): SuiteCase[] {
  const route: SuiteRoute = {
    method: 'GET',
    path: '/odd',
    access: 'required',
    policies: [scope('a')],
    way: name,
    answer: () => SECRET_ANSWER,
  };
  /** A route whose guard the framework calls, and one whose handler calls the same guard itself. */
  const shared: SuiteRoute[] = [
    { ...route, path: '/mounted', way: undefined },
    { ...route, path: '/shared', guardOf: '/mounted' },
  ];

  function start(suite: Suite, setup: Partial<AppSetup> = {}): Promise<SuiteApp> {
    const { issuer, audience } = suite.issuer;
    return suite.start({ options: { issuer, audience, fetch: fetchLate }, routes: [route], ...setup });
  }

  /** Expects an answer without anything from the handler. If the caller waits for the guard, expects that no handler ran. */
  function expectNothing(suite: Suite, answer: Received, what: string): void {
    ok(answer.status >= 400 && !showsSecret(answer), `${what}: ${answer.status} ${answer.body}`);
    const ran = suite.handlersRun();
    if (isAwaited) strictEqual(ran, 0, `${what}: a handler ran`);
  }

  async function expectRefusal(suite: Suite, answer: Received, { what, token }: UnauthorizedRequest): Promise<void> {
    expectNothing(suite, answer, what);
    await (what === 'missing scope' ? expectForbidden(answer, { scopes: ['a'] }) : expectUnauthorized(answer, challengeFor(token)));
  }

  async function expectGood(suite: Suite, app: SuiteApp, token: string): Promise<void> {
    suite.handlersRun();
    const answer = await app.ask({ path: '/odd', token });
    deepStrictEqual([answer.status, answer.json(), answer.headers.get('x-secret')], [200, SECRET_ANSWER.body, SECRET_ANSWER.headers!['x-secret']]);
    if (isAwaited) strictEqual(suite.handlersRun(), 1);
  }

  return [
    {
      name: `rule 157: ${name}: refuses unauthorized requests while keys are fetched and afterwards, tells onRefused, and admits a good token`,
      async run(suite) {
        const reasons: string[] = [];
        const app = await start(suite, { onRefused: ({ reason }) => void reasons.push(reason) });
        const all = await unauthorizedOf(suite);
        const good = await suite.token({ scopes: ['a'] });
        for (const [request, answer] of await askAtOnce(app, '/odd', all)) await expectRefusal(suite, answer, request);
        ok(new Set(reasons).size === all.length, `onRefused saw only ${reasons.join()}`);
        for (const request of all) {
          const before = reasons.length;
          await expectRefusal(suite, await app.ask({ path: '/odd', token: request.token }), request);
          ok(reasons.length > before, `onRefused did not see it: ${request.what}`);
          await expectGood(suite, app, good);
        }
      },
    },
    {
      name: `rule 178: ${name}: refuses unauthorized requests if the framework calls the same guard on another route`,
      async run(suite) {
        const app = await start(suite, { routes: shared });
        const all = await unauthorizedOf(suite);
        // the first round while keys are fetched, the second afterwards
        for (let round = 0; round < 2; round++) {
          for (const [{ what }, answer] of await askAtOnce(app, '/shared', all)) {
            expectNothing(suite, answer, what);
            ok(answer.status === 401 || answer.status === 403, `${what}: ${answer.status}`);
          }
        }
        const preflight = await app.ask({ path: '/shared', method: 'OPTIONS', headers: PREFLIGHT });
        ok(!showsSecret(preflight), `a preflight: ${preflight.body}`);
        await expectForbidden(await app.ask({ path: '/mounted', token: await suite.token({ scopes: ['b'] }) }), { scopes: ['a'] });
        strictEqual((await app.ask({ path: '/mounted', token: await suite.token({ scopes: ['a'] }) })).status, 200);
      },
    },
    {
      name: `rule 157: ${name}: decides on the session of a request, and the answer has its cookies`,
      async run(suite) {
        const { issuer, audience } = suite.issuer;
        const session = createCookieSession({ isWaiting: true });
        const app = await start(suite, { options: { issuer, audience, session } });
        const [cookie, proof] = session.add({ token: await suite.token({ scopes: ['a'] }), newCookies: 2 });
        const bad = session.add({ token: await suite.token(), newCookies: 2 });
        const admitted = await app.ask({ path: '/odd', headers: [cookie!, proof!] });
        if (isAwaited) deepStrictEqual([admitted.status, admitted.json()], [200, SECRET_ANSWER.body]);
        suite.handlersRun();
        const crossSite = await app.ask({ path: '/odd', headers: [cookie!] });
        expectNothing(suite, crossSite, 'without the custom header');
        strictEqual(crossSite.status, 403);
        const refused = await app.ask({ path: '/odd', headers: bad });
        if (isAwaited) strictEqual(suite.handlersRun(), 0);
        await expectForbidden(refused, { scopes: ['a'] });
        deepStrictEqual(refused.lines('set-cookie'), linesOf('id-2', 2));
      },
    },
    {
      name: `rule 157: ${name}: answers a good token that arrives before the keys`,
      async run(suite) {
        const app = await start(suite);
        const answer = await app.ask({ path: '/odd', token: await suite.token({ scopes: ['a'] }) });
        // a caller that does not wait may have been too early to be served
        if (isAwaited) deepStrictEqual([answer.status, answer.json()], [200, SECRET_ANSWER.body]);
        else ok(answer.status < 600);
        await expectGood(suite, app, await suite.token({ scopes: ['a'] }));
      },
    },
    {
      name: `rule 157: ${name}: answers 503 if the keys cannot be fetched`,
      async run(suite) {
        const { issuer, audience } = suite.issuer;
        const app = await start(suite, { options: { issuer, audience, fetch: failLate } });
        const answer = await app.ask({ path: '/odd', token: await suite.token({ scopes: ['a'] }) });
        expectNothing(suite, answer, 'keys out of reach');
        await expectUnavailable(answer);
      },
    },
    {
      name: `rule 157: ${name}: only onDenied answers, at once or later`,
      async run(suite) {
        const askAll = async (isLater: boolean): Promise<void> => {
          const onDenied: AppSetup['onDenied'] = ({ status, reason }) => {
            const answer = { status, body: { mine: reason } };
            return isLater ? new Promise((resolve) => setTimeout(() => resolve(answer), LATE_MS)) : answer;
          };
          const app = await start(suite, { onDenied, routes: [route, ...shared] });
          for (const [{ what }, answer] of await askTwice(app, await unauthorizedOf(suite))) {
            expectNothing(suite, answer, what);
            ok('mine' in (answer.json() as object), `${what}: ${answer.body}`);
          }
        };
        await Promise.all([askAll(false), askAll(true)]);
      },
    },
    {
      name: `rule 157: ${name}: refuses if onDenied throws, at once or later`,
      async run(suite) {
        const askAll = async (onDenied: AppSetup['onDenied']): Promise<void> => {
          const app = await start(suite, { onDenied, routes: [route, ...shared] });
          for (const [{ what }, answer] of await askTwice(app, await unauthorizedOf(suite))) expectNothing(suite, answer, what);
        };
        await Promise.all([askAll(throwing), askAll(rejecting)]);
      },
    },
  ];
}

/** A request that must be refused. */
interface UnauthorizedRequest {
  /** Why it must be refused. */
  readonly what: string;
  readonly token: string | undefined;
}

const known = new WeakMap<TestIssuer, Promise<readonly UnauthorizedRequest[]>>();

function unauthorizedOf(suite: Suite): Promise<readonly UnauthorizedRequest[]> {
  const made = known.get(suite.issuer) ?? makeUnauthorized(suite);
  known.set(suite.issuer, made);
  return made;
}

async function makeUnauthorized({ token }: Suite): Promise<readonly UnauthorizedRequest[]> {
  const ownKey = asSigningKey('ES256', await generatePrivateKey('ES256'), 'unknown-kid');
  return [
    { what: 'no token', token: undefined },
    { what: 'no JWT', token: 'bad' },
    { what: 'expired', token: await token({ scopes: ['a'], lifetimeSeconds: -3600 }) },
    { what: 'unknown key', token: await token({ scopes: ['a'], key: ownKey }) },
    { what: 'missing scope', token: await token({ scopes: ['b'] }) },
  ];
}

/** Sends all requests at the same time. */
function askAtOnce(app: SuiteApp, path: string, requests: readonly UnauthorizedRequest[]): Promise<(readonly [UnauthorizedRequest, Received])[]> {
  return Promise.all(requests.map(async (request) => [request, await app.ask({ path, token: request.token })] as const));
}

/** Sends the requests while keys are fetched, and once more afterwards. The last one goes to the shared guard, too. */
async function askTwice(app: SuiteApp, requests: readonly UnauthorizedRequest[]): Promise<(readonly [UnauthorizedRequest, Received])[]> {
  const answers: (readonly [UnauthorizedRequest, Received])[] = [];
  for (let round = 0; round < 2; round++) {
    const both = await Promise.all([askAtOnce(app, '/odd', requests), askAtOnce(app, '/shared', requests.slice(-1))]);
    answers.push(...both.flat());
  }
  return answers;
}

function challengeFor(token: string | undefined): Parameters<typeof expectUnauthorized>[1] {
  return token === undefined ? { scopes: ['a'] } : { error: 'invalid_token' };
}

function throwing(): never {
  throw new Error('out of order');
}

function rejecting(): Promise<never> {
  return Promise.reject(new Error('out of order'));
}

async function fetchLate(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : input);
  // the metadata arrives late, and so do the keys
  if (url.pathname.includes('/.well-known/')) await new Promise((resolve) => setTimeout(resolve, LATE_MS));
  return fetch(input, init);
}

async function failLate(): Promise<never> {
  await new Promise((resolve) => setTimeout(resolve, LATE_MS));
  throw new TypeError('fetch failed');
}
