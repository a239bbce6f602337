import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { policy } from '@tokenward/core';
import type { SuiteMount, SuiteRoute } from './app.js';
import type { SuiteCase } from './suite-case.js';

/** What a DPoP proof names: the origin and the path that the client addressed (RFC 9449 s4.3). */
export const originCases: readonly SuiteCase[] = [
  {
    name: 'rule 154: the origin is the one that the client requested, whatever forwarded fields say',
    async run({ start, token }) {
      const { route, lastSeen } = watched();
      const app = await start({ routes: [route] });
      const { protocol, host } = new URL(app.origin);
      const headers = [
        ['x-forwarded-host', 'evil.example.test'],
        ['x-forwarded-proto', 'gopher'],
        ['forwarded', 'host=evil.example.test;proto=gopher'],
        ['origin', 'https://evil.example.test'],
      ] as const;
      for (const asked of [host, 'api.example.test:8080', 'API.example.test']) {
        strictEqual((await app.ask({ path: '/watched', token: await token(), headers: [['host', asked], ...headers] })).status, 200);
        strictEqual(lastSeen(), `${protocol}//${asked.toLowerCase()}`);
      }
    },
  },
  {
    name: 'rule 154: gives no origin for a malformed or a second Host',
    // over HTTP/2 Node refuses them
    over: 'HTTP/1.1',
    async run({ start, token, refusesMalformedHosts }) {
      const { route, lastSeen } = watched();
      const app = await start({ routes: [route] });
      for (const hosts of [
        ['user@api.example.test'],
        ['api.example.test/x'],
        ['a b'],
        ['a, b'],
        ['a,b'],
        [''],
        ['api.example.test', 'other.example.test'],
        ['api.example.test', 'api.example.test'],
      ]) {
        const { status } = await app.ask({ path: '/watched', token: await token(), headers: hosts.map((host) => ['host', host] as const) });
        if (!refusesMalformedHosts || status !== 400) strictEqual(status, 200);
        strictEqual(lastSeen(), undefined, hosts.join(' and '));
      }
    },
  },
  {
    name: 'rule 84: the origin has no default port, and keeps IPv6 literals and other ports',
    async run({ start, token, refusesMalformedHosts }) {
      const { route, lastSeen } = watched();
      const app = await start({ routes: [route] });
      const { protocol } = new URL(app.origin);
      const defaultPort = protocol === 'http:' ? 80 : 443;
      const good = await token();
      for (const [host, expected] of [
        [`api.example.test:${defaultPort}`, 'api.example.test'],
        [`api.example.test:${defaultPort + 1}`, `api.example.test:${defaultPort + 1}`],
        ['[2001:DB8:0:0::1]', '[2001:db8::1]'],
        ['[::1]:8443', '[::1]:8443'],
        [`[::1]:${defaultPort}`, '[::1]'],
      ] as const) {
        const { status } = await app.ask({ path: '/watched', token: good, headers: [['host', host]] });
        // such a server may take an unusual spelling for malformed
        if (refusesMalformedHosts && status === 400 && host !== host.toLowerCase()) continue;
        strictEqual(status, 200);
        strictEqual(lastSeen(), `${protocol}//${expected}`);
      }
    },
  },
];

/** An app that trusts the proxies on loopback, by the framework's own setting. */
export const proxiedCases: readonly SuiteCase[] = [
  {
    name: 'rule 85: with a trusted proxy the origin is the one that the proxy names, and Forwarded is not read',
    async run({ start, token }) {
      const { route, lastSeen } = watched();
      const app = await start({ routes: [route], trustsProxies: true });
      const { protocol } = new URL(app.origin);
      const good = await token();
      const see = async (...headers: readonly (readonly [string, string])[]): Promise<string | undefined> => {
        strictEqual((await app.ask({ path: '/watched', token: good, headers: [['host', 'inner.example.test'], ...headers] })).status, 200);
        return lastSeen();
      };
      strictEqual(await see(), `${protocol}//inner.example.test`);
      strictEqual(await see(['x-forwarded-proto', 'https']), 'https://inner.example.test');
      strictEqual(await see(['x-forwarded-proto', 'https'], ['x-forwarded-host', 'API.example.test:443']), 'https://api.example.test');
      strictEqual(await see(['x-forwarded-proto', 'https'], ['x-forwarded-host', 'api.example.test:8443']), 'https://api.example.test:8443');
      strictEqual(await see(['x-forwarded-proto', 'https'], ['x-forwarded-host', '[::1]:8443']), 'https://[::1]:8443');
      strictEqual(await see(['forwarded', 'host=evil.example.test;proto=gopher']), `${protocol}//inner.example.test`);
      strictEqual(await see(['x-forwarded-proto', 'gopher']), undefined);
      strictEqual(await see(['x-forwarded-host', 'api.example.test/x']), undefined);
    },
  },
];

/** Routes below a prefix: the framework may hand on only the rest of the path. */
export function mountedTargetCases(kinds: readonly SuiteMount['as'][]): SuiteCase[] {
  return kinds.map((as) => ({
    name: `rule 84: below a mounted ${as} the target is the one that the client addressed, prefix and query included`,
    async run({ start, token }) {
      const { route, lastTarget } = watched();
      const guard = { api: 'first', access: 'required', policies: [] } as const;
      const app = await start({ routes: [], mounts: [{ prefix: '/mounted', as, ...(as === 'app' && { guard }), routes: [route] }] });
      const good = await token();
      for (const path of ['/mounted/watched', '/mounted/watched?a=1&b=/watched']) {
        strictEqual((await app.ask({ path, token: good })).status, 200);
        deepStrictEqual(lastTarget(), path);
      }
    },
  }));
}

/** Returns a route whose policy sees the origin and the target of a request. */
function watched(): { readonly route: SuiteRoute; lastSeen(): string | undefined; lastTarget(): string | undefined } {
  let origin: string | undefined;
  let target: string | undefined;
  const watch = policy('watch', (_auth, request) => {
    ({ origin, target } = request ?? {});
    return true;
  });
  const route: SuiteRoute = { method: 'GET', path: '/watched', access: 'required', policies: [watch], answer: () => ({ status: 200 }) };
  return { route, lastSeen: () => origin, lastTarget: () => target };
}
