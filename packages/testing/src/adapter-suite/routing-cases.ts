import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { claim, policy, scope, type Auth } from '@tokenward/core';
import { expectUnauthorized } from '../expect-refusal.js';
import type { SuiteRoute } from './app.js';
import { sendRaw } from './exchange.js';
import type { SuiteCase } from './suite-case.js';

/** Section O, as far as it applies to every framework, and what holds for every guard. */
export const routingCases: readonly SuiteCase[] = [
  {
    name: 'rule 151: runs no handler without a token, however the path is written',
    async run({ ask, token, handlersRun }) {
      const variants = [
        '//me',
        '/me/',
        '/ME',
        '/Me/',
        '/me;x',
        '/me;x=1',
        '/%6de',
        '/%6D%65',
        '/./me',
        '/public/../me',
        '/public/..%2fme',
        '/me%2f',
        '/me%00',
        '/me%20',
        '/me?',
        '/me?x=/public',
        '/me#/public',
        '//x/me',
        '/me//',
        '/\\me',
        '/%2e/me',
      ];
      for (const path of variants) {
        const { status } = await ask({ path });
        ok(status >= 400 && status < 500, `${path} without a token: ${status}`);
      }
      strictEqual(handlersRun(), 0);
      strictEqual((await ask({ path: '/me?x=1', token: await token() })).status, 200);
    },
  },
  {
    name: 'rule 151: runs no handler without a token for a request target that is not a path',
    over: 'HTTP/1.1',
    async run({ app, handlersRun }) {
      for (const target of ['\\me', 'me', '*', 'http://a/me', 'http://127.0.0.1//me', '?/me']) {
        const status = await sendRaw(app.origin, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
        ok(status !== undefined && status >= 400 && status < 500, `${target} without a token: ${status}`);
      }
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 111: a method override field does not bypass the guard',
    async run({ ask, handlersRun }) {
      const overrides = ['x-http-method-override', 'x-http-method', 'x-method-override'];
      for (const name of overrides) {
        for (const path of ['/orders', '/orders?_method=GET']) {
          await expectUnauthorized(await ask({ method: 'POST', path, headers: [[name, 'OPTIONS'], ['origin', 'https://a.test'], ['access-control-request-method', 'GET']], json: {} }), { scopes: ['orders:write'] }); // prettier-ignore
        }
      }
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 159: predicates get the decoded route parameters and a normalized path',
    async run({ start, token, handlersRun }) {
      const seen: unknown[] = [];
      const own = claim('tenant', (tenant, _auth, request) => {
        seen.push(request?.path);
        return request?.params?.['tenant'] === tenant;
      });
      const app = await start({ routes: [{ method: 'GET', path: '/tenants/:tenant', access: 'required', policies: [own], answer: () => ({ status: 200 }) }] });
      const acme = await token({ claims: { tenant: 'acme' } });
      for (const path of ['/tenants/acme', '/tenants/%61cme', '/tenants/acme?x=/tenants/globex', '/tenants/%61%63me?tenant=globex']) {
        strictEqual((await app.ask({ path, token: acme })).status, 200, path);
      }
      deepStrictEqual(seen, ['/tenants/acme', '/tenants/acme', '/tenants/acme', '/tenants/acme']);
      strictEqual(handlersRun(), 4);
      for (const path of ['/tenants/globex', '/tenants/ACME', '/tenants/%67lobex', '/tenants/acme%20', '/tenants/acme%2f']) {
        const { status } = await app.ask({ path, token: acme });
        ok(status === 403 || status === 404, `${path}: ${status}`);
      }
      strictEqual(handlersRun(), 0);
    },
  },
  {
    name: 'rule 159: refuses dot segments, however they are written, if a predicate reads the parameters, the target or the path',
    async run({ start, token, handlersRun }) {
      const policies = {
        params: policy('params', (_auth, request) => request?.params?.['tenant'] === 'acme'),
        target: policy('target', (_auth, request) => request?.target.startsWith('/tenants/acme/') === true),
        path: policy('path', (_auth, request) => request?.path?.startsWith('/tenants/acme/') === true),
      };
      const app = await start({
        routes: Object.entries(policies).map(([name, demand]) => ({
          method: 'GET',
          path: `/tenants/:tenant/${name}/:file`,
          access: 'required',
          policies: [demand],
          answer: () => ({ status: 200 }),
        })),
      });
      const good = await token();
      for (const name of Object.keys(policies)) {
        const harmless = ['a.b..c', 'a%2fb', 'a;v=1'];
        for (const file of harmless) strictEqual((await app.ask({ path: `/tenants/acme/${name}/${file}`, token: good })).status, 200, `${name} ${file}`);
        strictEqual(handlersRun(), harmless.length);
        for (const file of DOTS) {
          const { status } = await app.ask({ path: `/tenants/acme/${name}/${file}`, token: good });
          // a router that cannot decode the path fails first
          ok(status >= 400, `${name} ${file}: ${status}`);
        }
        strictEqual(handlersRun(), 0);
      }
    },
  },
  {
    name: 'rule 71: a handler that tries to change its Auth does not affect the next request',
    async run({ start, token }) {
      let tried = 0;
      const spoiler: SuiteRoute = {
        method: 'GET',
        path: '/spoil',
        access: 'required',
        policies: [],
        answer({ auth }) {
          for (const spoil of [
            (of: Auth) => (of.roles as string[]).push('admin'),
            (of: Auth) => Object.assign(of, { subject: 'root' }),
            (of: Auth) => Object.assign(of.claims, { sub: 'root' }),
          ]) {
            try {
              spoil(auth!);
            } catch {
              tried++;
            }
          }
          return { status: 200, body: { subject: auth!.subject, roles: auth!.roles } };
        },
      };
      const app = await start({ routes: [spoiler] });
      const good = await token({ subject: 'ada', roles: ['user'] });
      for (let round = 0; round < 2; round++) deepStrictEqual((await app.ask({ path: '/spoil', token: good })).json(), { subject: 'ada', roles: ['user'] });
      strictEqual(tried, 6);
    },
  },
  {
    name: 'stores the Auth under the configured property',
    async run({ start, token }) {
      const app = await start({ property: 'caller' });
      deepStrictEqual((await app.ask({ path: '/optional', token: await token({ subject: 'ada' }) })).json(), { subject: 'ada' });
      strictEqual((await app.ask({ path: '/me', token: await token() })).status, 200);
    },
  },
  {
    name: 'keeps concurrent requests apart',
    async run({ ask, token }) {
      const subjects = Array.from({ length: 60 }, (_, index) => `user-${index}`);
      const answers = await Promise.all(
        subjects.map(async (subject, index) => {
          const answer = await ask({ path: '/me', token: index % 3 === 0 ? await token({ subject, lifetimeSeconds: -3600 }) : await token({ subject }) });
          return index % 3 === 0 ? answer.status : (answer.json() as { subject: string }).subject;
        }),
      );
      deepStrictEqual(answers, subjects.map((subject, index) => (index % 3 === 0 ? 401 : subject))); // prettier-ignore
    },
  },
  {
    name: 'leaves a public route open next to a protected one',
    async run({ start }) {
      const open: SuiteRoute = { method: 'GET', path: '/open', access: 'public', policies: [], answer: () => ({ status: 200, body: { open: true } }) };
      const closed: SuiteRoute = { method: 'GET', path: '/open/closed', access: 'required', policies: [scope('a')], answer: () => ({ status: 200 }) };
      const app = await start({ routes: [open, closed] });
      strictEqual((await app.ask({ path: '/open' })).status, 200);
      await expectUnauthorized(await app.ask({ path: '/open/closed' }), { scopes: ['a'] });
    },
  },
];

/** Dot segments for some reader: a second decoding, servlet containers, URL parsers, C strings, lenient UTF-8 decoders. */
const DOTS = [
  '..%2f..%2fglobex',
  '%2e%2e%2fglobex',
  '..%5cglobex',
  '..%255cglobex',
  '%252e%252e%252fglobex',
  '%25%32%65%25%32%65',
  '%2e%2e',

  '..;x%2fy',
  '..;',
  '..%253b',
  '..%3fx',
  '..%23x',
  '.%09.',
  '..%20',
  '..%00',
  'a%00.png',
  '%c0%ae%c0%ae',
  '..%c0%afx',
  '%u002e%u002e',
  '%ef%bc%8e%ef%bc%8e',
];
