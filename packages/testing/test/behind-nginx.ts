import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import { connect as connectHttp2 } from 'node:http2';
import type { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { policy } from '@tokenward/core';
import { createDpopClient, createTestIssuer, type TestIssuer } from '@tokenward/testing';
import type { StartApp, SuiteMount, SuiteRoute } from '@tokenward/testing/adapter-suite';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from './free-port.js';
import { startNginx } from './nginx.js';

const CERTIFICATES = fileURLToPath(new URL('../../core/test/self-signed', import.meta.url));
/** What a client adds to look as if it had asked for another host. */
const FORGED = {
  'x-forwarded-host': 'evil.example.test',
  'x-forwarded-proto': 'http',
  'x-forwarded-port': '1',
  'x-forwarded-for': '203.0.113.1',
  'x-original-host': 'evil.example.test',
  forwarded: 'host=evil.example.test;proto=http',
};

/** What the app saw of a request. */
interface Seen {
  readonly origin: string | undefined;
  readonly target: string | undefined;
}

/** How an app learns the origin that clients use: by the forwarded headers of a proxy that its framework trusts, or by the guard's options. */
type OriginBy = 'trusted proxy' | 'publicOrigin';

/** Declares tests of a framework behind a real nginx that terminates TLS and speaks HTTP/1.1 and HTTP/2. */
export function testBehindNginx(startApp: StartApp, mounts: readonly SuiteMount['as'][] = [], originBy: OriginBy = 'trusted proxy'): void {
  test('rules 84 and 85: behind nginx, a proof names what the client addressed, prefix included, and a client cannot forge it', async () => {
    const issuer = await closing(await createTestIssuer());
    const client = await createDpopClient();
    const token = await issuer.issueToken({ claims: client.claims });
    const { route, last } = watched();
    const { app, https } = await startBehindNginx(startApp, issuer, [route], mounts, originBy);
    const origin = `https://localhost:${https}`;
    for (const target of ['/watched?a=1', ...mounts.map((as) => `/${as}/watched?a=1`)]) {
      for (const ask of [overHttp1, overHttp2]) {
        for (const forged of [{}, FORGED]) {
          const url = origin + target;
          expect(await ask(url, { ...client.authorizationHeaders({ url }, token), ...forged })).toBe(200);
          expect(last()).toEqual({ origin: originBy === 'trusted proxy' ? origin : expect.anything(), target });
          for (const wrong of [app.origin + target, `http://evil.example.test${target}`, `${origin}/other`]) {
            expect(await ask(url, { ...client.authorizationHeaders({ url: wrong }, token), ...forged })).toBe(401);
          }
        }
      }
    }
  });
}

async function closing<T extends { close(): Promise<void> }>(thing: T): Promise<T> {
  onTestFinished(() => thing.close());
  return thing;
}

/** Starts an app, and nginx in front of it, for one test. */
async function startBehindNginx(
  startApp: StartApp,
  { issuer, audience }: TestIssuer,
  routes: readonly SuiteRoute[],
  kinds: readonly SuiteMount['as'][],
  originBy: OriginBy,
) {
  const guard = { api: 'first', access: 'required', policies: [] } as const;
  const mounts = kinds.map((as): SuiteMount => ({ prefix: `/${as}`, as, ...(as === 'app' && { guard }), routes }));
  const https = await freePort();
  const known = originBy === 'publicOrigin' ? { publicOrigin: `https://localhost:${https}` } : {};
  const app = await closing(await startApp({ options: { issuer, audience, ...known }, routes, mounts, trustsProxies: originBy === 'trusted proxy' }));
  await startNginx(
    `server {
      listen 127.0.0.1:${https} ssl http2;
      ssl_certificate ${CERTIFICATES}/cert.pem;
      ssl_certificate_key ${CERTIFICATES}/key.pem;
      location / {
        proxy_pass ${app.origin};
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-For $remote_addr;
      }
    }`,
    https,
  );
  return { app, https };
}

function watched(): { readonly route: SuiteRoute; last(): Seen } {
  let seen: Seen = { origin: undefined, target: undefined };
  const watch = policy('watch', (_auth, request) => {
    seen = { origin: request?.origin, target: request?.target };
    return true;
  });
  return { route: { method: 'GET', path: '/watched', access: 'required', policies: [watch], answer: () => ({ status: 200 }) }, last: () => seen };
}

async function overHttp1(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const asked = httpsRequest(url, { headers, rejectUnauthorized: false, agent: false, timeout: 10_000 }).end();
  asked.on('timeout', () => asked.destroy(new Error('no answer within 10 s')));
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  await text(response);
  return response.statusCode!;
}

async function overHttp2(url: string, headers: Readonly<Record<string, string>>): Promise<number> {
  const { origin, pathname, search, host } = new URL(url);
  const session = connectHttp2(origin, { rejectUnauthorized: false });
  try {
    const stream = session.request({ ':path': pathname + search, ':authority': host, ...headers });
    stream.setTimeout(10_000, () => stream.destroy(new Error('no answer within 10 s')));
    const [fields] = (await once(stream, 'response')) as [{ ':status': number }];
    await text(stream);
    return fields[':status'];
  } finally {
    session.destroy();
  }
}
