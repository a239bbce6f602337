import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, request, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { GuardOptions } from '@tokenward/core';
import { asSigningKey, generatePrivateKey } from '@tokenward/testing';
import { beforeAll, afterAll, beforeEach, expect, test } from 'vitest';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const CERTIFICATE = fileURLToPath(new URL('self-signed/named-cert.pem', import.meta.url));
const ISSUER = 'https://login.example.test';
const PROXY_SECRET = 'planted-proxy-password';

let jwksUri: string | undefined;
let tls: ReturnType<typeof createTlsServer>;
let plain: Server;
let proxy: Server;
/** The requests that the proxy received, and how it answers. */
let asked: string[] = [];
let mode: 'forwards' | 'refuses' | 'hangs' = 'forwards';

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  const jwks = JSON.stringify({ keys: [asSigningKey('ES256', await generatePrivateKey('ES256'), 'key-1').publicJwk] });
  const key = readFileSync(new URL('self-signed/named-key.pem', import.meta.url));
  tls = createTlsServer({ key, cert: readFileSync(CERTIFICATE) }, (incoming, response) => {
    response.end(incoming.url!.endsWith('/keys') ? jwks : JSON.stringify({ issuer: ISSUER, jwks_uri: jwksUri ?? `${ISSUER}/keys` }));
  });
  plain = createHttpServer((incoming, response) => {
    const issuer = `http://${incoming.headers.host}/realms/shop`;
    response.end(incoming.url!.endsWith('/keys') ? jwks : JSON.stringify({ issuer, jwks_uri: `${issuer}/keys` }));
  });
  // a forward proxy: tunnels for https, absolute URLs for http
  proxy = createHttpServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url} ${String(incoming.headers['proxy-authorization'])}`);
    const { host, pathname } = new URL(incoming.url!);
    const onward = request({ port: portOf(plain), path: pathname, headers: { host } }, (answer) => answer.pipe(response));
    onward.end();
  });
  proxy.on('connect', (incoming, client) => {
    asked.push(`CONNECT ${incoming.url} ${String(incoming.headers['proxy-authorization'])}`);
    client.on('error', () => {});
    if (mode === 'hangs') return;
    if (mode === 'refuses') return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const onward = connect(portOf(tls), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    onward.on('error', () => client.destroy());
  });
  for (const server of [tls, plain, proxy]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => {
  for (const server of [tls, plain, proxy]) {
    server.closeAllConnections();
    server.close();
  }
});

beforeEach(() => {
  asked = [];
  mode = 'forwards';
  jwksUri = undefined;
});

/** Warms a guard in a separate process, since Node reads these variables when it starts. Returns `ready` or the error message. */
async function warm(options: GuardOptions, env: Record<string, string>): Promise<string> {
  const program = `
    import { createResourceGuard } from '@tokenward/core';
    const guard = createResourceGuard(${JSON.stringify({ audience: 'a', ...options })});
    console.log(await guard.warm().then(() => 'ready', (error) => error.message));
    await guard.close();
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: PACKAGE,
    timeout: 20_000,
    env: { PATH: process.env['PATH'], NODE_NO_WARNINGS: '1', ...env },
  });
  return stdout.trim();
}

const throughProxy = (more: Record<string, string> = {}) => {
  const url = `http://user:${PROXY_SECRET}@127.0.0.1:${portOf(proxy)}`;
  return { NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: url, HTTP_PROXY: url, NODE_EXTRA_CA_CERTS: CERTIFICATE, ...more };
};
const CREDENTIALS = `Basic ${Buffer.from(`user:${PROXY_SECRET}`).toString('base64')}`;

test('fetches keys through the configured proxy, and still checks certificates', async () => {
  expect(await warm({ issuer: ISSUER }, throughProxy())).toBe('ready');
  expect(asked).toEqual(Array.from({ length: 2 }, () => `CONNECT login.example.test:443 ${CREDENTIALS}`));
  for (const more of [{ NODE_EXTRA_CA_CERTS: '' }, { NODE_EXTRA_CA_CERTS: '', NODE_TLS_REJECT_UNAUTHORIZED: '0' }]) {
    const refused = await warm({ issuer: ISSUER }, throughProxy(more));
    expect(refused).toMatch(/self-signed certificate.*; if a private authority issued the certificate, set NODE_EXTRA_CA_CERTS to the file/);
  }
  expect(await warm({ issuer: 'https://other.example.test' }, throughProxy())).toMatch(/altnames/);
});

test('rule 173: uses the proxy for plain http to a listed host', async () => {
  const issuer = 'http://keycloak:8080/realms/shop';
  expect(await warm({ issuer, unsafeHttpHosts: ['keycloak'] }, throughProxy())).toBe('ready');
  expect(asked).toEqual([
    `GET ${issuer}/.well-known/openid-configuration ${CREDENTIALS}`,
    `GET ${issuer}/keys ${CREDENTIALS}`,
  ]); // prettier-ignore
});

test('rule 53: does not use the proxy for loopback, which would be another machine there', async () => {
  const issuer = `http://127.0.0.1:${portOf(plain)}/realms/shop`;
  expect(await warm({ issuer }, throughProxy())).toBe('ready');
  expect(asked).toEqual([]);
});

test('connects directly to a host in NO_PROXY', async () => {
  expect(await warm({ issuer: ISSUER }, throughProxy({ NO_PROXY: 'login.example.test' }))).toMatch(/ENOTFOUND|EAI_AGAIN/);
  expect(asked).toEqual([]);
});

test('does not use a proxy without NODE_USE_ENV_PROXY, and the error says how to enable it', async () => {
  const { NODE_USE_ENV_PROXY: _, ...env } = throughProxy();
  expect(await warm({ issuer: ISSUER }, env)).toMatch(/(ENOTFOUND|EAI_AGAIN).*; HTTPS_PROXY is set, but Node uses it only with NODE_USE_ENV_PROXY=1/);
  expect(asked).toEqual([]);
});

test('rule 142: the error for a proxy that refuses names HTTPS_PROXY, and does not show its password', async () => {
  mode = 'refuses';
  const refused = await warm({ issuer: ISSUER }, throughProxy());
  expect(refused).toMatch(/407.*; check the proxy in HTTPS_PROXY/);
  expect(refused).not.toContain(PROXY_SECRET);
  expect(refused).not.toContain(CREDENTIALS);
});

test('rule 56: applies the deadline to a proxy that hangs', async () => {
  mode = 'hangs';
  expect(await warm({ issuer: ISSUER, keyFetching: { timeoutSeconds: 0.5 } }, throughProxy())).toMatch(/no complete answer within 0\.5 s/);
});

test('rule 55: does not fetch from a private address in the metadata through a proxy, and lets the proxy resolve host names', async () => {
  for (const address of ['10.0.0.1', '[::1]', '169.254.169.254', '2130706433']) {
    asked = [];
    jwksUri = `https://${address}/keys`;
    expect(await warm({ issuer: ISSUER }, throughProxy())).toMatch(/private, loopback or link-local address/);
    expect(asked).toHaveLength(1);
  }
  jwksUri = 'https://keys.example.test/keys';
  expect(await warm({ issuer: ISSUER }, throughProxy())).toMatch(/altnames/);
  expect(asked.at(-1)).toBe(`CONNECT keys.example.test:443 ${CREDENTIALS}`);
});
