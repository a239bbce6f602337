/**
 * The behaviour that every adapter shows, over real sockets: give it one function that starts an app, and a test runner's functions.
 *
 * @module
 */
import { authCases } from './auth-cases.js';
import { hostileCases } from './hostile-cases.js';
import { credentialCases } from './credential-cases.js';
import { exampleRoutes } from './example-routes.js';
import { exampleTable } from './example-table.js';
import { send } from './exchange.js';
import { connectHttp2 } from './http2-exchange.js';
import { oddCases } from './odd-cases.js';
import { policyCases } from './policy-cases.js';
import { responseCases } from './response-cases.js';
import { revocationCases } from './revocation-cases.js';
import { routingCases } from './routing-cases.js';
import type { AppSetup, OddWay, RunningApp, StartApp, SuiteRoute } from './app.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';
import { createTestIssuer, type TestIssuer } from '../issuer.js';

export type { AppSetup, AskAuth, HandlerAnswer, HandlerInput, OddWay, RunningApp, StartApp, SuiteReceivers, SuiteRoute } from './app.js';
export type { Ask, Received, Sent } from './exchange.js';
export type { Suite, SuiteApp, SuiteCase } from './suite-case.js';
export { checkExample } from './check-example.js';

/** What is needed of a test runner: vitest, jest and node:test have all of it, under these names or next to them. */
export interface TestRunner {
  test(name: string, run: () => Promise<void>): void;
  beforeAll(run: () => Promise<void>): void;
  afterAll(run: () => Promise<void>): void;
}

export interface SuiteOptions {
  /** Every way in which the guard can be called other than by the framework itself; the function that starts apps implements each. */
  readonly ways: readonly OddWay[];
  /** The apps speak HTTP/2: at an http origin by prior knowledge, at an https one with any certificate. Default: HTTP/1.1, over http. */
  readonly http2?: boolean | undefined;
  /** The app declares public routes to the guard, as by a decorator, instead of leaving the guard out. Default: false. */
  readonly declaresPublicRoutes?: boolean | undefined;
}

/**
 * Declares the suite's tests.
 *
 * @example
 * import { afterAll, beforeAll, test } from 'vitest';
 * adapterSuite({ test, beforeAll, afterAll }, async ({ options, routes }) => {
 *   const app = express();
 *   // ... put each route behind your guard, then listen on 127.0.0.1
 *   return { origin, close };
 * }, { ways: [] });
 */
export function adapterSuite(
  { test, beforeAll, afterAll }: TestRunner,
  startApp: StartApp,
  { http2 = false, ways, declaresPublicRoutes = false }: SuiteOptions,
): void {
  let issuer: TestIssuer;
  let app: SuiteApp;
  let handlersRun = 0;

  beforeAll(async () => {
    issuer = await createTestIssuer();
    app = await start();
  });

  afterAll(async () => {
    await app?.close();
    await issuer?.close();
  });

  async function start(setup: Partial<AppSetup> = {}): Promise<SuiteApp> {
    const { issuer: url, audience } = issuer;
    const started = await startApp({ options: { issuer: url, audience }, ...setup, routes: (setup.routes ?? exampleRoutes).map(counted) });
    return http2 ? overHttp2(started) : { ...started, ask: (sent) => send(started.origin, sent) };
  }

  function counted(route: SuiteRoute): SuiteRoute {
    function answer(given: Parameters<SuiteRoute['answer']>[0]): ReturnType<SuiteRoute['answer']> {
      handlersRun++;
      return route.answer(given);
    }

    return { ...route, answer };
  }

  async function runCase({ run }: SuiteCase): Promise<void> {
    const started: SuiteApp[] = [];
    handlersRun = 0;
    const suite: Suite = {
      issuer,
      app,
      declaresPublicRoutes,
      token: (wishes) => issuer.issueToken(wishes),
      ask: app.ask,
      async start(setup) {
        const another = await start(setup);
        started.push(another);
        return another;
      },
      handlersRun() {
        const count = handlersRun;
        handlersRun = 0;
        return count;
      },
    };
    try {
      await run(suite);
    } finally {
      for (const another of started) await another.close();
    }
  }

  const version = http2 ? 'HTTP/2' : 'HTTP/1.1';
  for (const suiteCase of [
    ...credentialCases,
    ...authCases,
    ...policyCases,
    ...responseCases,
    ...routingCases,
    ...revocationCases,
    ...hostileCases,
    ...ways.flatMap(oddCases),
  ]) {
    if ((suiteCase.over ?? version) === version) test(suiteCase.name, () => runCase(suiteCase));
  }
  for (const { name, run } of exampleTable) test(`example: ${name}`, () => run(app.ask, issuer));
}

function overHttp2(app: RunningApp): SuiteApp {
  const connection = connectHttp2(app.origin);
  return {
    origin: app.origin,
    ask: connection.ask,
    close() {
      connection.close();
      return app.close();
    },
  };
}
