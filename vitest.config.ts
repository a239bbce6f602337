import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { makeRsaPrimes } from './scripts/keys/rsa-primes.mjs';

/**
 * Tests of packages that run on one version of Node only, since their results hardly depend on it: computation on text and claims, bounds on tenants, pages in a browser,
 * processes that share sessions, commands of the command line, what MCP tools require, claims of providers, apps on runtimes other than Node, the suites' own tests, what NestJS adds
 * to HTTP, further variants of an adapter, timers of sessions and stores, files with keys and secrets, and what the heap holds. Whatever is about Node's crypto, HTTP, streams or sockets stays
 * in `published`, and so does every adapter. The arbitrary tokens are here although they are signed: vectors, hostile tokens and keys of every algorithm run on
 * each version.
 */
const ONE_NODE = [
  'packages/core/test/{arbitrary-tokens,encrypted-provider,introspection-provider,json-texts,many-tenants,mtls-provider,parsers-end,published-keys,token-exchange-provider}.test.ts',
  'packages/core/test/{both-kinds,claims-schema,claims,demands,errors,explanations,fapi2,health,heap,hints,issuer-names,issuers,jwt-svid,key-labels}.test.ts',
  'packages/core/test/{lost-standing,monitoring,open-api,option-rows,planted-options,provider-claims,request-shapes,resolver,resource-metadata,revocations}.test.ts',
  'packages/core/test/{file-outages,key-files,sessions,shadow,shared-secrets,shared-signals,signals,tenants,tenants-in-trouble,token-cache}.test.ts',
  'packages/{express,fastify}/test/adapter-suite-*.test.ts',
  'packages/browser-session/test/{browser,fleet}/*.test.ts',
  'packages/browser-session/test/{flaky-network,log-in-as,login-parameters,origin-warnings,refresh,refresh-tokens-left,run-out,session-ends,step-up,wrong-clock}.test.ts',
  'packages/nestjs/test/{decorators-for-nothing,denial,gateway-lifetimes,graphql,inheritance,open-api,open-api-running,options,testing,wrappers}.test.ts',
  'packages/redis/test/{eviction,life,options,replays}.test.ts',
  'packages/mcp/test/protected-tools.test.ts',
  'packages/core/test/presets/*.test.ts',
  'packages/opentelemetry/test/{labels,metrics,monitoring-files}.test.ts',
  'packages/testing/test/{act-as,adapter-suite,providers}.test.ts',
  'packages/hono/test/runtimes/*.test.ts',
  'packages/tokenward/test/{attack,doctor,explain,init,issuer-options,option-values,routes,secret-values,token}.test.ts',
];

/**
 * These run on one version of Node too, and mostly wait: for Redis servers that fail, lose data or are promoted, for networks that fail, and
 * for the next attempt after a failure. That depends on the `redis` package and on timers. Every version tests how a store talks to Redis: by the suite of
 * each store, and by processes that must end.
 */
const WAITING = [
  'packages/core/test/readiness.test.ts',
  'packages/redis/test/{clients,foreign-entries,large-entries,late-replies,lost-data,network,outages,readiness,refusals,sessions,time,unreachable,unsent,written-back}.test.ts',
  'packages/redis/test/fleet/*.test.ts',
];

/** Packages whose tests the newest Node does not run. What they need of Node is old, and the oldest Node tests it. */
const NOT_ON_NEWEST = Number(process.versions.node.split('.')[0]) > 24 ? ['packages/{browser-session,opentelemetry,redis,testing,tokenward}/test/**'] : [];

/** The files that take longest, the longest first. If one of them starts last, the other cores wait for it. A clean clone has no times of an earlier run to sort by. */
const LONGEST = [
  'hono/test/runtimes/runtimes.test.ts',
  'core/test/many-tenants.test.ts',
  '/adapter-suite.test.ts',
  '/adapter-suite-express-4.test.ts',
  '/adapter-suite-variants.test.ts',
  'browser/one-framework.test.ts',
  'browser/malicious-site.test.ts',
  'browser/client.test.ts',
  'core/test/heap.test.ts',
  'core/test/arbitrary-tokens.test.ts',
  'core/test/published-keys.test.ts',
  'browser-session/test/frameworks.test.ts',
  'browser/callback.test.ts',
  'browser/logged-in.test.ts',
  'core/test/key-files.test.ts',
  'redis/test/store-suite.test.ts',
  'redis/test/life.test.ts',
];

const UNITS = ['packages/*/src/**/*.test.ts', 'bench/src/**/*.test.ts'];

// Test files share the process of their worker, since loading modules takes longer than most tests. These have a process of their own, because no other test
// may have loaded the modules that they replace, or changed the function that they import.
const REPLACE_MODULES = globSync(UNITS).filter((file) => readFileSync(file, 'utf8').includes('vi.mock('));
const NEED_UNTOUCHED_SWAGGER = ['packages/nestjs/test/open-api.test.ts'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((ending) => moduleId.endsWith(ending));
      return found < 0 ? LONGEST.length : found;
    };
    return (await super.sort(files)).toSorted((one, other) => place(one) - place(other));
  }
}

// `scripts` tests what builds and releases; `units` tests single files, next to the code; `published` sees a package as its users do, by its name and
// its built `dist`, and runs on every supported Node; the other `published-` projects do the same, on the Node that the workspace pins.
export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 20_000,
    sequence: { sequencer: LongestFirst },
    setupFiles: [fileURLToPath(new URL('scripts/keys/stock.mjs', import.meta.url))],
    provide: { rsaPrimes: await makeRsaPrimes() },
    // refusals are what most tests are about; those of the hints themselves switch them on
    env: { TOKENWARD_HINTS: '0' },
    projects: [
      { extends: true, test: { name: 'scripts', include: ['scripts/**/*.test.mjs'] } },
      { extends: true, test: { name: 'units', include: UNITS, exclude: REPLACE_MODULES, isolate: false } },
      { extends: true, test: { name: 'units-alone', include: REPLACE_MODULES } },
      {
        extends: true,
        test: { name: 'published', isolate: false, include: ['packages/*/test/**/*.test.ts'], exclude: [...ONE_NODE, ...WAITING, ...NOT_ON_NEWEST] },
      },
      { extends: true, test: { name: 'published-once', isolate: false, include: ONE_NODE, exclude: NEED_UNTOUCHED_SWAGGER } },
      { extends: true, test: { name: 'published-alone', include: NEED_UNTOUCHED_SWAGGER } },
      // after all others: more workers than cores
      { extends: true, test: { name: 'published-waiting', include: WAITING, maxWorkers: 4, sequence: { groupOrder: 1 } } },
    ],
  },
});

declare module 'vitest' {
  interface ProvidedContext {
    rsaPrimes: readonly string[];
  }
}
