import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { scope } from '@tokenward/core';
import { expectForbidden, expectUnauthorized, expectUnavailable } from '../expect-refusal.js';
import { createTestIssuer, type TestIssuer } from '../issuer.js';
import type { AppSetup, OddWay, SuiteRoute } from './app.js';
import type { Received } from './exchange.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

/** What no stranger may see. */
const SECRET = 'what the handler answers';

const PREFLIGHT = [
  ['origin', 'https://app.example.test'],
  ['access-control-request-method', 'GET'],
] as const;

/** So late the keys arrive, where they are not there yet: whoever does not wait is done by then. */
const LATE_MS = 15;

/** A guard that is called by hand, in whatever way, refuses or throws: it never admits, and never ends the process. */
export function oddCases({ name, isAwaited }: OddWay): SuiteCase[] {
  const route: SuiteRoute = {
    method: 'GET',
    path: '/odd',
    access: 'required',
    policies: [scope('a')],
    way: name,
    answer: () => ({ status: 200, body: { secret: SECRET } }),
  };

  function start(suite: Suite, setup: Partial<AppSetup> = {}): Promise<SuiteApp> {
    const { issuer, audience } = suite.issuer;
    return suite.start({ options: { issuer, audience, fetch: fetchLate }, routes: [route], ...setup });
  }

  /** That nothing of the handler got out, and that it did not run where the call is waited for. */
  function expectNothing(suite: Suite, answer: Received, what: string): void {
    ok(answer.status >= 400 && !allOf(answer).includes(SECRET), `${what}: ${answer.status} ${answer.body}`);
    const ran = suite.handlersRun();
    if (isAwaited) strictEqual(ran, 0, `${what}: a handler ran`);
  }

  const cases: SuiteCase[] = [
    {
      name: `rule 157: ${name}: refuses whoever may not be, once the keys are there, and admits whoever may`,
      async run(suite) {
        const app = await start(suite);
        await warm(suite, app);
        for (const [what, token] of await strangers(suite)) {
          const answer = await app.ask({ path: '/odd', token });
          expectNothing(suite, answer, what);
          await (what === 'missing scope' ? expectForbidden(answer, { scope: 'a' }) : expectUnauthorized(answer, whatIsTold(token)));
          await expectGood(suite, app);
        }
      },
    },
    {
      name: `rule 157: ${name}: refuses whoever may not be while the keys are still on their way`,
      async run(suite) {
        const askCold = async ([what, token]: Stranger): Promise<void> => {
          const app = await start(suite);
          const answer = await app.ask({ path: '/odd', token });
          expectNothing(suite, answer, what);
          await (what === 'missing scope' ? expectForbidden(answer, { scope: 'a' }) : expectUnauthorized(answer, whatIsTold(token)));
        };
        await Promise.all((await strangers(suite)).map(askCold));
      },
    },
    {
      name: `rule 178: ${name}: refuses where the same guard is also mounted elsewhere`,
      async run(suite) {
        const mounted: SuiteRoute = { ...route, path: '/mounted', way: undefined };
        const app = await start(suite, { routes: [mounted, { ...route, guardOf: '/mounted' }] });
        const all = await strangers(suite);
        // the last one while the keys are on their way, and all once they are there
        for (const [what, token] of [...all.slice(-1), ...all]) {
          const answer = await app.ask({ path: '/odd', token });
          expectNothing(suite, answer, what);
          ok(answer.status === 401 || answer.status === 403, `${what}: ${answer.status}`);
        }
        const preflight = await app.ask({ path: '/odd', method: 'OPTIONS', headers: PREFLIGHT });
        ok(!allOf(preflight).includes(SECRET), `a preflight: ${preflight.body}`);
        await expectForbidden(await app.ask({ path: '/mounted', token: await suite.token({ scope: 'b' }) }), { scope: 'a' });
        strictEqual((await app.ask({ path: '/mounted', token: await suite.token({ scope: 'a' }) })).status, 200);
      },
    },
    {
      name: `rule 157: ${name}: a good token that comes ahead of the keys is answered`,
      async run(suite) {
        const app = await start(suite);
        const answer = await app.ask({ path: '/odd', token: await suite.token({ scope: 'a' }) });
        // whoever did not wait may have been too early to be served
        if (isAwaited) deepStrictEqual([answer.status, answer.json()], [200, { secret: SECRET }]);
        else ok(answer.status < 600);
        await expectGood(suite, app);
      },
    },
    {
      name: `rule 157: ${name}: keys out of reach are 503`,
      async run(suite) {
        const away = await createTestIssuer({ audience: suite.issuer.audience, algorithm: 'ES256' });
        away.misbehave('error');
        try {
          const app = await start(suite, { options: { issuer: away.issuer, audience: away.audience, fetch: fetchLate } });
          const answer = await app.ask({ path: '/odd', token: await away.issueToken({ scope: 'a' }) });
          expectNothing(suite, answer, 'keys out of reach');
          await expectUnavailable(answer);
        } finally {
          await away.close();
        }
      },
    },
    {
      name: `rule 157: ${name}: an onDenied answers, at once or later, and nobody else does`,
      async run(suite) {
        const askAll = async ({ isLater, isCold }: { isLater: boolean; isCold: boolean }): Promise<void> => {
          const onDenied: AppSetup['onDenied'] = ({ status, reason }) => {
            const answer = { status, body: { mine: reason } };
            return isLater ? new Promise((resolve) => setTimeout(() => resolve(answer), LATE_MS)) : answer;
          };
          const warmApp = isCold ? undefined : await start(suite, { onDenied });
          if (warmApp) await warm(suite, warmApp);
          const askOne = async ([what, token]: Stranger): Promise<void> => {
            const app = warmApp ?? (await start(suite, { onDenied }));
            const answer = await app.ask({ path: '/odd', token });
            expectNothing(suite, answer, what);
            ok('mine' in (answer.json() as object), `${what}: ${answer.body}`);
          };
          await Promise.all((await strangers(suite)).map(askOne));
        };
        for (const isLater of [false, true]) for (const isCold of [true, false]) await askAll({ isLater, isCold });
      },
    },
    {
      name: `rule 157: ${name}: an onDenied that throws, at once or later, is no way in`,
      async run(suite) {
        for (const thrown of [
          () => {
            throw new Error('out of order');
          },
          () => Promise.reject(new Error('out of order')),
        ]) {
          // prettier-ignore
          const app = await start(suite, { onDenied: thrown });
          for (const [what, token] of await strangers(suite)) expectNothing(suite, await app.ask({ path: '/odd', token }), what);
        }
      },
    },
  ];
  return cases;

  async function warm(suite: Suite, app: SuiteApp): Promise<void> {
    await app.ask({ path: '/odd', token: await suite.token() });
    suite.handlersRun();
  }

  async function expectGood(suite: Suite, app: SuiteApp): Promise<void> {
    suite.handlersRun();
    const answer = await app.ask({ path: '/odd', token: await suite.token({ scope: 'a' }) });
    deepStrictEqual([answer.status, answer.json()], [200, { secret: SECRET }]);
    if (isAwaited) strictEqual(suite.handlersRun(), 1);
  }
}

type Stranger = readonly [what: string, token: string | undefined];
type Strangers = readonly Stranger[];

const known = new WeakMap<TestIssuer, Promise<Strangers>>();

/** Whoever may not be there, by what is wrong. */
function strangers(suite: Suite): Promise<Strangers> {
  const made = known.get(suite.issuer) ?? makeStrangers(suite);
  known.set(suite.issuer, made);
  return made;
}

async function makeStrangers({ issuer, token }: Suite): Promise<Strangers> {
  return [
    ['no token', undefined],
    ['no JWT', 'bad'],
    ['expired', await token({ scope: 'a', lifetimeSeconds: -3600 })],
    ['unknown key', await forged(issuer)],
    ['missing scope', await token({ scope: 'b' })],
  ];
}

/** A token of somebody who knows the issuer's name, and has a key of their own. */
async function forged({ issuer, audience }: TestIssuer): Promise<string> {
  const stranger = await createTestIssuer({ audience });
  try {
    return await stranger.issueToken({ scope: 'a', claims: { iss: issuer }, header: { kid: 'nobody-knows' } });
  } finally {
    await stranger.close();
  }
}

function whatIsTold(token: string | undefined): Parameters<typeof expectUnauthorized>[1] {
  return token === undefined ? { scope: 'a' } : { error: 'invalid_token' };
}

function allOf({ body, headers }: Received): string {
  return `${body}${headers.get('x-secret')}`;
}

async function fetchLate(...given: Parameters<typeof fetch>): ReturnType<typeof fetch> {
  await new Promise((resolve) => setTimeout(resolve, LATE_MS));
  return fetch(...given);
}
