/**
 * Tests of the behaviour that every adapter must show, over real sockets. They need one function that starts an app, and the functions of a
 * test runner.
 *
 * @module
 */
import { actingCases } from './acting-cases.js';
import { authCases } from './auth-cases.js';
import { certificateHeaderCases } from './certificate-header-cases.js';
import { hostileCases } from './hostile-cases.js';
import { credentialCases } from './credential-cases.js';
import { dpopCases, dpopCorsCases, mountedDpopCases } from './dpop-cases.js';
import { exampleRoutes } from './example-routes.js';
import { exampleTable } from './example-table.js';
import { keepAliveAgent, send } from './exchange.js';
import { connectHttp2 } from './http2-exchange.js';
import { departureCases } from './departure-cases.js';
import { encryptionCases } from './encryption-cases.js';
import { guardMethodCases } from './guard-method-cases.js';
import { metadataCases } from './metadata-cases.js';
import { mtlsCases } from './mtls-cases.js';
import { oddCases } from './odd-cases.js';
import { mountedTargetCases, originCases, proxiedCases } from './origin-cases.js';
import { introspectionCases } from './introspection-cases.js';
import { onDeniedCases } from './on-denied-cases.js';
import { corsCases, mountedAppCases, pathCases, preflightCases } from './path-cases.js';
import { policyCases } from './policy-cases.js';
import { refuseByHandCases, refuseCases } from './refuse-cases.js';
import { responseCases } from './response-cases.js';
import { revocationCases } from './revocation-cases.js';
import { routingCases } from './routing-cases.js';
import { askedBodyCases, http1Cases, upgradeCases } from './server-cases.js';
import { sessionCases } from './session-cases.js';
import { severalGuardsCases } from './several-guards-cases.js';
import type { AppSetup, CorsPlace, OddDenial, OddWay, RunningApp, StartApp, SuiteCertificates, SuiteMount, SuiteRoute, SuiteRouter } from './app.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';
import { createTestIssuer, type TestIssuer } from '../issuer.js';

export type {
  AppSetup,
  AskAuth,
  CorsPlace,
  DenialAnswer,
  HandlerAnswer,
  HandlerInput,
  OddDenial,
  OddWay,
  OnDeniedAnswer,
  RunningApp,
  StartApp,
  SuiteCertificates,
  SuiteGuard,
  SuiteGuardMethods,
  SuiteIdentity,
  SuiteMount,
  SuitePolicy,
  SuiteReceivers,
  SuiteRoute,
  SuiteRouter,
  SuiteTls,
} from './app.js';
export type { Ask, Received, Sent } from './exchange.js';
export type { Suite, SuiteApp, SuiteCase } from './suite-case.js';
export { checkExample } from './check-example.js';

/** The functions of a test runner. vitest and jest have them under these names; `before` and `after` of node:test fit too. */
export interface TestRunner {
  test(name: string, run: () => Promise<void>): void;
  beforeAll(run: () => Promise<void>): void;
  afterAll(run: () => Promise<void>): void;
}

export interface SuiteOptions {
  /** All unusual ways in which code of an app can call the guard. The function that starts apps implements each of them. */
  readonly ways: readonly OddWay[];
  /** The apps speak HTTP/2: without TLS (prior knowledge) at an http origin, with any certificate at an https one. Default: HTTP/1.1. */
  readonly http2?: boolean | undefined;
  /** Whether a route can have several guards with different options. Default: true. */
  readonly severalGuards?: boolean | undefined;
  /** Whether the app declares public routes to the guard, as with a decorator, instead of leaving the guard out. Default: false. */
  readonly declaresPublicRoutes?: boolean | undefined;
  /** Whether the platform joins the lines of a field to one, as `Headers` of fetch does. Default: false. */
  readonly joinsFieldLines?: boolean | undefined;
  /**
   * Kinds of `onDenied` whose answer must be the only one when a handler does not wait for `refuse`. The function that starts apps implements each of them, and
   * routes that call `refuse`. Default: none.
   */
  readonly denials?: readonly OddDenial[] | undefined;
  /** All settings of the framework's router that decide which paths match. The function that starts apps implements each of them. Default: none. */
  readonly routers?: readonly SuiteRouter[] | undefined;
  /** Whether an app can be mounted in another app. Default: false. */
  readonly mountsApps?: boolean | undefined;
  /** Whether the function that starts apps can have the framework trust proxies. Default: false. */
  readonly trustsProxies?: boolean | undefined;
  /** Where the function that starts apps can put the CORS middleware. Default: nowhere. */
  readonly cors?: readonly CorsPlace[] | undefined;
  /** Whether the function that starts apps can handle `checkContinue`. Default: false. */
  readonly asksForBodies?: boolean | undefined;
  /** The certificates of clients and servers. The function that starts apps can serve TLS (`tls`). Default: none, and tokens that are bound to a certificate are not tested. */
  readonly certificates?: SuiteCertificates | undefined;
  /** With `http2` at an https origin: the server also speaks HTTP/1.1. Default: false. */
  readonly allowsHttp1?: boolean | undefined;
  /** Whether the framework's requests have a URL instead of a target, so that dot segments are resolved before anything sees the path. Default: false. */
  readonly resolvesDotSegments?: boolean | undefined;
  /** Whether the server itself answers a malformed `Host` with 400. Default: false. */
  readonly refusesMalformedHosts?: boolean | undefined;
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
export function adapterSuite({ test, beforeAll, afterAll }: TestRunner, startApp: StartApp, options: SuiteOptions): void {
  const {
    http2 = false,
    severalGuards = true,
    declaresPublicRoutes = false,
    joinsFieldLines = false,
    resolvesDotSegments = false,
    refusesMalformedHosts = false,
  } = options;
  let issuer: TestIssuer;
  let app: SuiteApp;
  let handlersRun = 0;

  beforeAll(async () => {
    // signs faster than RSA does
    issuer = await createTestIssuer({ algorithm: 'ES256' });
    app = await start();
  });

  afterAll(async () => {
    await app?.close();
    await issuer?.close();
  });

  async function start(setup: Partial<AppSetup> = {}): Promise<SuiteApp> {
    const { issuer: url, audience } = issuer;
    const mounts = setup.mounts?.map((mount): SuiteMount => ({ ...mount, routes: mount.routes.map(counted) }));
    const started = await startApp({ options: { issuer: url, audience }, ...setup, mounts, routes: (setup.routes ?? exampleRoutes).map(counted) });
    return http2 ? overHttp2(started) : overHttp1(started);
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
      joinsFieldLines,
      http2,
      resolvesDotSegments,
      refusesMalformedHosts,
      token: (wanted) => issuer.issueToken(wanted),
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
  const cases = casesFor(options);
  for (const suiteCase of cases) {
    const isShown = (suiteCase.over ?? version) === version && (severalGuards || !suiteCase.needsSeveralGuards);
    if (isShown) test(suiteCase.name, () => runCase(suiteCase));
  }
  for (const { name, run } of exampleTable) test(`example: ${name}`, () => run(app.ask, issuer));
}

function casesFor(options: SuiteOptions): SuiteCase[] {
  const { ways, denials = [], routers = [], mountsApps = false, trustsProxies = false, cors = [], asksForBodies = false } = options;
  const { allowsHttp1 = false, certificates } = options;
  return [
    ...credentialCases,
    ...authCases,
    ...actingCases,
    ...policyCases,
    ...responseCases,
    ...routingCases,
    ...originCases,
    ...(trustsProxies ? proxiedCases : []),
    ...revocationCases,
    ...hostileCases,
    ...onDeniedCases,
    ...severalGuardsCases,
    ...sessionCases,
    ...introspectionCases,
    ...dpopCases,
    ...encryptionCases,
    ...guardMethodCases,
    ...metadataCases,
    ...departureCases,
    ...preflightCases,
    ...upgradeCases,
    ...routers.flatMap(pathCases),
    ...(routers.length > 0 ? [...mountedTargetCases(['router']), ...mountedDpopCases(['router'])] : []),
    ...(mountsApps ? [...mountedAppCases, ...mountedTargetCases(['app']), ...mountedDpopCases(['app'])] : []),
    ...cors.flatMap(corsCases),
    ...(cors.includes('before') ? dpopCorsCases : []),
    ...(asksForBodies ? askedBodyCases : []),
    ...(certificates ? mtlsCases(certificates) : []),
    // both need an app that sees the connection
    ...(certificates || trustsProxies ? certificateHeaderCases : []),
    ...(allowsHttp1 ? http1Cases : []),
    ...ways.flatMap(oddCases),
    ...denials.flatMap((denial) => refuseCases(denial, ways)),
    ...(denials.length > 0 ? refuseByHandCases : []),
  ];
}

function overHttp1(app: RunningApp): SuiteApp {
  const agent = keepAliveAgent();
  return {
    ...app,
    ask: (sent) => send(app.origin, { agent, ...sent }),
    close() {
      agent.destroy();
      return app.close();
    },
  };
}

function overHttp2(app: RunningApp): SuiteApp {
  const connection = connectHttp2(app.origin);
  return {
    ...app,
    ask: connection.ask,
    close() {
      connection.close();
      return app.close();
    },
  };
}
