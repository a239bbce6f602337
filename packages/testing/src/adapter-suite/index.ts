/**
 * The behaviour that every adapter shows, over real sockets: give it one function that starts an app, and a test runner's functions.
 *
 * @module
 */
import { hostileCases } from './hostile-cases.js';
import { credentialCases } from './credential-cases.js';
import { exampleRoutes } from './example-routes.js';
import { exampleTable } from './example-table.js';
import { send } from './exchange.js';
import { policyCases } from './policy-cases.js';
import { responseCases } from './response-cases.js';
import { routingCases } from './routing-cases.js';
import type { AppSetup, RunningApp, StartApp, SuiteRoute } from './app.js';
import type { Suite, SuiteCase } from './suite-case.js';
import { createTestIssuer, type TestIssuer } from '../issuer.js';

export type { AppSetup, HandlerAnswer, HandlerInput, RunningApp, StartApp, SuiteRoute } from './app.js';
export type { Suite, SuiteCase } from './suite-case.js';
export { exampleTable, type ExampleCase } from './example-table.js';
export { checkExample } from './check-example.js';

/** What is needed of a test runner: vitest, jest and node:test have all of it, under these names or next to them. */
export interface TestRunner {
  test(name: string, run: () => Promise<void>): void;
  beforeAll(run: () => Promise<void>): void;
  afterAll(run: () => Promise<void>): void;
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
 * });
 */
export function adapterSuite({ test, beforeAll, afterAll }: TestRunner, startApp: StartApp): void {
  let issuer: TestIssuer;
  let app: RunningApp;
  let handlersRun = 0;

  beforeAll(async () => {
    issuer = await createTestIssuer();
    app = await start();
  });

  afterAll(async () => {
    await app?.close();
    await issuer?.close();
  });

  function start(setup: Partial<AppSetup> = {}): Promise<RunningApp> {
    const { issuer: url, audience } = issuer;
    return startApp({ options: { issuer: url, audience }, ...setup, routes: (setup.routes ?? exampleRoutes).map(counted) });
  }

  function counted(route: SuiteRoute): SuiteRoute {
    function answer(given: Parameters<SuiteRoute['answer']>[0]): ReturnType<SuiteRoute['answer']> {
      handlersRun++;
      return route.answer(given);
    }

    return { ...route, answer };
  }

  async function runCase({ run }: SuiteCase): Promise<void> {
    const started: RunningApp[] = [];
    handlersRun = 0;
    const suite: Suite = {
      issuer,
      app,
      token: (wishes) => issuer.issueToken(wishes),
      ask: (sent) => send(app.origin, sent),
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

  for (const suiteCase of [...credentialCases, ...policyCases, ...responseCases, ...routingCases, ...hostileCases]) {
    test(suiteCase.name, () => runCase(suiteCase));
  }
  for (const { name, run } of exampleTable) test(`example: ${name}`, () => run(app.origin, issuer));
}
