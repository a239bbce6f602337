import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { allOf, anyOf, anyScope, authorizationDetails, not, role, scope, type GuardOptions, type Policy } from '@tokenward/core';
import { expectForbidden, expectUnauthorized } from '../expect-refusal.js';
import type { AppSetup, SuiteGuard, SuiteRoute } from './app.js';
import type { Received } from './exchange.js';
import type { Suite, SuiteApp, SuiteCase } from './suite-case.js';

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
const API = 'https://api.example.test';
const anyToken: SuiteGuard = { api: 'first', access: 'required', policies: [] };

/** The metadata of an API (RFC 9728). */
export const metadataCases: readonly SuiteCase[] = [
  {
    name: 'rule 110: serves the metadata from the options and from the policies of the routes, whatever the client says about the host',
    async run(suite) {
      const routes = [
        route('/a', scope('orders:read')),
        route('/b', allOf(scope('orders:write', 'orders:read'), role('admin'))),
        route('/c', anyOf(scope('reports:read'), anyScope('x', 'y')), not(scope('suspended'))),
        // openid and offline_access are for the authorization server
        route(
          '/d',
          anyScope('openid', 'offline_access', 'z'),
          authorizationDetails('payment', () => true),
        ),
      ];
      const expected = {
        resource: `${API}/api/v1`,
        authorization_servers: [suite.issuer.issuer],
        scopes_supported: ['orders:read', 'orders:write', 'reports:read', 'x', 'y', 'z'],
        bearer_methods_supported: ['header'],
        dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'RS256', 'PS256', 'PS384', 'PS512'],
        authorization_details_types_supported: ['payment'],
      };
      const app = await start(suite, { audience: `${API}/api/v1` }, { routes });
      const forged = ['forwarded', 'x-forwarded-host', 'x-original-host', 'x-forwarded-prefix', 'x-forwarded-proto'].map(
        (name) => [name, 'evil.example'] as const,
      );
      const hosts = [[], [['host', 'evil.example'] as const, ...forged], forged];
      for (const headers of hosts) {
        const answer = await app.ask({ path: `${WELL_KNOWN}/api/v1`, headers });
        strictEqual(answer.status, 200);
        deepStrictEqual(answer.json(), expected);
        ok(answer.headers.get('content-type')?.startsWith('application/json'));
        strictEqual(answer.headers.get('access-control-allow-origin'), '*');
        strictEqual(answer.headers.get('cache-control'), 'public, max-age=300');
        strictEqual(answer.lines('set-cookie').length, 0);
      }
      deepStrictEqual((await app.ask({ path: WELL_KNOWN })).json(), expected);
      deepStrictEqual((await app.ask({ path: `${WELL_KNOWN}/api/v1?x=1` })).json(), expected);
    },
  },
  {
    name: 'rule 110: serves the metadata at its own path in its own spelling only',
    async run(suite) {
      const app = await start(suite, { audience: `${API}/api/v1` });
      const others = [
        `${WELL_KNOWN}/api`,
        `${WELL_KNOWN}/api/v1/x`,
        `${WELL_KNOWN}/api/v1/..`,
        `${WELL_KNOWN}/api/v2/../v1`,
        `${WELL_KNOWN}/api/v1%2e`,
        `${WELL_KNOWN}/api%2Fv1`,
        `${WELL_KNOWN}/%61pi/v1`,
        `${WELL_KNOWN}//api/v1`,
        `${WELL_KNOWN}/API/v1`,
        `${WELL_KNOWN};x`,
        `${WELL_KNOWN}x`,
        `/${WELL_KNOWN}`,
        `/api/v1${WELL_KNOWN}`,
        '/.WELL-KNOWN/oauth-protected-resource',
        '/.well-known/oauth%2Dprotected-resource',
        '/.well-known%2Foauth-protected-resource',
        '/.well-known/../.well-known/oauth-protected-resource',
        '/.well-known/oauth-authorization-server',
        '/.well-known',
      ];
      for (const path of others) {
        const isOwn = suite.resolvesDotSegments && path.includes('/../') && !path.endsWith('/..');
        if (!isOwn) expectNoMetadata(await app.ask({ path }), path);
      }
    },
  },
  {
    name: 'rule 110: anybody may read the metadata by GET and HEAD, with any credentials, and by no other method',
    async run(suite) {
      for (const metadata of ['before', 'after'] as const) {
        const app = await start(suite, {}, { metadata, appGuards: [anyToken] });
        const whole = await app.ask({ path: WELL_KNOWN });
        strictEqual(whole.status, 200);
        const credentials = ['Bearer not.a.token', `Bearer ${await suite.token({ lifetimeSeconds: -3600 })}`, `Bearer ${await suite.token()}`, 'Basic eDp5', '']; // prettier-ignore
        for (const value of credentials)
          deepStrictEqual((await app.ask({ path: WELL_KNOWN, headers: [['authorization', value]] })).json(), whole.json(), value);
        const head = await app.ask({ method: 'HEAD', path: WELL_KNOWN });
        strictEqual(head.status, 200);
        strictEqual(head.body, '');
        strictEqual(head.headers.get('content-type'), whole.headers.get('content-type'));
        for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expectNoMetadata(await app.ask({ method, path: WELL_KNOWN }), method);
        // pages of any origin send headers of their own
        const preflight = [['origin', 'https://page.example.test'], ['access-control-request-method', 'GET'], ['access-control-request-headers', 'mcp-protocol-version']] as const; // prettier-ignore
        const allowed = await app.ask({ method: 'OPTIONS', path: WELL_KNOWN, headers: preflight });
        strictEqual(allowed.status, 204);
        deepStrictEqual([allowed.headers.get('access-control-allow-origin'), allowed.headers.get('access-control-allow-headers')], ['*', '*']);
      }
    },
  },
  {
    name: 'rule 110: a guard in front of everything refuses all but the metadata',
    async run(suite) {
      const other = route('/.well-known/other');
      const routes: SuiteRoute[] = [suite.declaresPublicRoutes ? other : { ...other, access: 'public' }];
      for (const metadata of ['before', 'after'] as const) {
        const app = await start(suite, {}, { metadata, appGuards: [anyToken], routes });
        suite.handlersRun();
        strictEqual((await app.ask({ path: WELL_KNOWN })).status, 200);
        await expectUnauthorized(await app.ask({ path: '/.well-known/other' }));
        await expectUnauthorized(await app.ask({ path: `/.well-known/other?${WELL_KNOWN}` }));
        strictEqual(suite.handlersRun(), 0);
      }
    },
  },
  {
    name: 'rule 109: challenges name the address of the metadata if it is served',
    async run(suite) {
      const routes = [route('/guarded', scope('a'))];
      for (const [options, url] of [
        [{ audience: API }, `${API}${WELL_KNOWN}`],
        [{ audience: `${API}/` }, `${API}${WELL_KNOWN}`],
        [{ audience: `${API}/v1/` }, `${API}${WELL_KNOWN}/v1/`],
        [{ audience: `${API}/v1`, publicOrigin: 'https://public.example.test' }, `https://public.example.test${WELL_KNOWN}/v1`],
        [{ audience: ['orders', `${API}/v2`] }, `${API}${WELL_KNOWN}/v2`],
        [{ audience: 'orders', publicOrigin: 'https://public.example.test' }, `https://public.example.test${WELL_KNOWN}`],
        [{ audience: 'orders', metadata: { resource: `${API}/v3` } }, `${API}${WELL_KNOWN}/v3`],
        [{ audience: API, resourceMetadataUrl: 'https://docs.example.test/metadata' }, 'https://docs.example.test/metadata'],
      ] as [Partial<GuardOptions>, string][]) {
        const app = await start(suite, options, { routes });
        const absent = await expectUnauthorized(await app.ask({ path: '/guarded' }), { scopes: ['a'] });
        strictEqual(absent.parameters['resource_metadata'], url);
        const wrong = await expectUnauthorized(await app.ask({ path: '/guarded', token: 'not.a.token' }), { error: 'invalid_token' });
        strictEqual(wrong.parameters['resource_metadata'], url);
        if (options.resourceMetadataUrl === undefined) strictEqual((await app.ask({ path: new URL(url).pathname })).status, 200);
      }
      const app = await start(suite, { audience: suite.issuer.audience }, { routes: [route('/guarded', scope('a', 'b'))] });
      const forbidden = await expectForbidden(await app.ask({ path: '/guarded', token: await suite.token({ scopes: ['a'] }) }), { scopes: ['a', 'b'] });
      strictEqual(forbidden.parameters['resource_metadata'], `${new URL(suite.issuer.audience).origin}${WELL_KNOWN}`);
    },
  },
  {
    name: 'rule 110: serves no metadata unless the app asks for it and an option names the URL of the API',
    async run(suite) {
      for (const [options, metadata] of [
        [{ audience: API }, undefined],
        [{ audience: 'orders' }, 'before'],
      ] as const) {
        const app = await start(suite, options, { metadata });
        for (const path of [WELL_KNOWN, `${WELL_KNOWN}/`]) expectNoMetadata(await app.ask({ path }), path);
        const { parameters } = await expectUnauthorized(await app.ask({ path: '/guarded' }), { scopes: ['a'] });
        strictEqual(parameters['resource_metadata'], undefined);
      }
    },
  },
];

function route(path: string, ...policies: readonly Policy[]): SuiteRoute {
  return { method: 'GET', path, access: 'required', policies, answer: () => ({ status: 200 }) };
}

function start({ issuer, start: startApp }: Suite, options: Partial<GuardOptions>, setup: Partial<AppSetup> = {}): Promise<SuiteApp> {
  const all = { issuer: issuer.issuer, audience: issuer.audience, ...options };
  return startApp({ metadata: 'before', routes: [route('/guarded', scope('a'))], ...setup, options: all });
}

function expectNoMetadata({ status, body }: Received, what: string): void {
  ok(status >= 400 || status === 204, `${what}: ${status}`);
  ok(!body.includes('authorization_servers'), what);
}
