import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { scope, type Policy } from '@tokenward/core';
import { expectUnauthorized } from '../expect-refusal.js';
import type { CorsPlace, SuiteGuard, SuiteMount, SuiteRoute, SuiteRouter } from './app.js';
import type { Received } from './exchange.js';
import type { SuiteCase } from './suite-case.js';

const ORIGIN = 'https://app.example.test';
const PREFLIGHT = [['origin', ORIGIN], ['access-control-request-method', 'DELETE']] as const; // prettier-ignore
const needsA: SuiteGuard = { api: 'first', access: 'required', policies: [scope('a')] };
const anyToken: SuiteGuard = { api: 'first', access: 'required', policies: [] };

/** Some routers match these paths to `/admin`, depending on their settings. */
const VARIANTS = ['/ADMIN', '/admin/', '//admin', '/admin;x=1'];

const PATHS = ['/admin', '/ADMIN/', '/%61dmin', '/admin;x', '/admin?x', '/of/a%2Fb', '/of//a', '/OF/a;b'].concat(
  ['/nested/inner', '/NESTED/INNER/', '/nested//inner', '//nested/inner'],
  VARIANTS,
);

/** Below a guard that is in front of a router. */
const BEHIND_A_GUARD = ['/area/inner', '/AREA/INNER', '/area/inner/', '/area//inner', '//area/inner'];

/** A guard matches the same paths as its route, whatever the settings of the router. */
export function pathCases({ name, alsoMatches }: SuiteRouter): SuiteCase[] {
  return [
    {
      name: `rules 151 and 152: a guard matches the same paths as its route, with ${name}`,
      async run({ start, token, handlersRun }) {
        const mounts: SuiteMount[] = [
          { prefix: '/nested', as: 'router', routes: [get('/inner', scope('a'))] },
          { prefix: '/area', as: 'router', guard: needsA, routes: [open('/inner')] },
        ];
        const app = await start({ router: name, routes: [get('/admin'), get('/of/:id', scope('a'))], mounts });
        const good = await token({ scopes: ['a'] });
        const matched: string[] = [];
        for (const path of [...PATHS, ...BEHIND_A_GUARD]) {
          const refused = (await app.ask({ path })).status;
          strictEqual(handlersRun(), 0, path);
          const { status } = await app.ask({ path, token: good });
          if (status === 200) matched.push(path);
          strictEqual(handlersRun(), status === 200 ? 1 : 0, path);
          // where no route matches, a guard in front of a router may run all the same
          if (status === 404 && BEHIND_A_GUARD.includes(path)) ok(refused === 401 || refused === 404, `${path}: ${refused}`);
          else deepStrictEqual([refused, status], status === 200 ? [401, 200] : [404, 404], path);
        }
        for (const path of ['/admin', '/of/a%2Fb', '/nested/inner', '/area/inner']) ok(matched.includes(path), path);
        deepStrictEqual(VARIANTS.filter((path) => matched.includes(path)), alsoMatches); // prettier-ignore
      },
    },
  ];
}

/** A guard of an app that is mounted in another app. */
export const mountedAppCases: readonly SuiteCase[] = [
  {
    name: 'rule 152: a guard in a mounted app protects all paths under its prefix, and none beside it',
    async run({ start, token, handlersRun }) {
      const app = await start({ routes: [open('/'), open('/administration')], mounts: [{ prefix: '/admin', as: 'app', guard: needsA, routes: [open('/x')] }] });
      const good = await token({ scopes: ['a'] });
      for (const path of ['/admin', '/admin/', '/admin/x', '/admin//x', '/admin/%2e', '/admin/nowhere']) {
        await expectUnauthorized(await app.ask({ path }), { scopes: ['a'] });
        const { status } = await app.ask({ path, token: good });
        ok(status === 200 || status === 404, `${path}: ${status}`);
      }
      // a router may take it for the same prefix, or for none
      const { status } = await app.ask({ path: '/ADMIN/x' });
      ok(status === 401 || status === 404, `/ADMIN/x: ${status}`);
      handlersRun();
      strictEqual((await app.ask({ path: '/admin/x', token: good })).status, 200);
      for (const path of ['/', '/administration']) strictEqual((await app.ask({ path })).status, 200);
      strictEqual(handlersRun(), 3);
    },
  },
];

/** Preflights of a browser, which carry no token. */
export const preflightCases: readonly SuiteCase[] = [
  {
    name: 'rule 108: a preflight passes the guard of an app, and reaches no handler of a route for all methods',
    needsSeveralGuards: true,
    async run({ start, handlersRun }) {
      const all: SuiteRoute = { ...get('/purge', scope('a')), method: 'ALL' };
      const options: SuiteRoute = { ...open('/x'), method: 'OPTIONS', answer: () => ({ status: 204 }) };
      for (const appGuards of [[], [anyToken]]) {
        const app = await start({ routes: [all, options], appGuards });
        strictEqual((await app.ask({ path: '/purge', method: 'OPTIONS', headers: PREFLIGHT })).status, 401);
        strictEqual(handlersRun(), 0);
        strictEqual((await app.ask({ path: '/x', method: 'OPTIONS', headers: PREFLIGHT })).status, 204);
        strictEqual((await app.ask({ path: '/x', method: 'OPTIONS' })).status, appGuards.length === 0 ? 204 : 401);
        handlersRun();
      }
    },
  },
];

/** Pages of another origin can call the app, with the CORS middleware of the framework before or after the guard of the app. */
export function corsCases(place: CorsPlace): SuiteCase[] {
  return [
    {
      name: `rule 108: with CORS ${place} the guard of the app, preflights are answered${place === 'before' ? ', and refusals are readable across origins' : ''}`,
      async run({ start, handlersRun }) {
        const app = await start({ routes: [get('/x')], appGuards: [anyToken], cors: place });
        const preflight = await app.ask({ path: '/x', method: 'OPTIONS', headers: [PREFLIGHT[0], ['access-control-request-method', 'GET']] });
        strictEqual(preflight.status, 204);
        expectReadable(preflight);
        const refused = await app.ask({ path: '/x', headers: [PREFLIGHT[0]] });
        await expectUnauthorized(refused);
        strictEqual(handlersRun(), 0);
        if (place === 'after') return;
        expectReadable(refused);
        deepStrictEqual(exposedBy(refused), ['www-authenticate', 'dpop-nonce']);
      },
    },
  ];
}

function expectReadable({ headers }: Received): void {
  strictEqual(headers.get('access-control-allow-origin'), ORIGIN);
}

function exposedBy({ headers }: Received): readonly string[] | undefined {
  return headers.get('access-control-expose-headers')?.toLowerCase().split(/, ?/);
}

function get(path: string, ...policies: readonly Policy[]): SuiteRoute {
  return { method: 'GET', path, access: 'required', policies, answer: () => ({ status: 200, body: { ok: true } }) };
}

/** A route without a guard of its own. */
function open(path: string): SuiteRoute {
  return { ...get(path), access: 'public' };
}
