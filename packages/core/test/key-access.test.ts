import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nodeTls from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createResourceGuard, type GuardOptions, type KeyFetchingOptions } from '@tokenward/core';
import { createTokenExchange } from '@tokenward/core/token-exchange';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { ask, verdictOf } from './guarded.js';

const CERTIFICATE = fileURLToPath(new URL('self-signed/cert.pem', import.meta.url));
const tls = { cert: readFileSync(CERTIFICATE), key: readFileSync(new URL('self-signed/key.pem', import.meta.url)) };
const folder = mkdtempSync(join(tmpdir(), 'key-access-'));
const TOKEN_FILE = join(folder, 'token');
const signer = await createTestIssuer();
const token = await signer.issueToken();
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await signer.close();
});

/** A server with a certificate that Node does not trust. `seen` lists the path and the credentials of each request. */
async function serve(answer: (origin: string) => RequestListener): Promise<{ origin: string; seen: [string | undefined, string | undefined][] }> {
  const seen: [string | undefined, string | undefined][] = [];
  const server = createServer(tls, (request, response) => {
    seen.push([request.url, request.headers.authorization]);
    answer(origin)(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  onTestFinished(() => void server.close());
  return { origin, seen };
}

/** Serves the keys to those who show a token. */
const keysFor =
  (wanted: string): RequestListener =>
  ({ headers }, response) =>
    response.writeHead(headers.authorization === `Bearer ${wanted}` ? 200 : 401).end(JSON.stringify(signer.jwks));

const pem = (name: string): string => readFileSync(new URL(`self-signed/${name}.pem`, import.meta.url), 'utf8');

function trustByDefault(authority: string): void {
  const before = nodeTls.getCACertificates();
  nodeTls.setDefaultCACertificates([...before, authority]);
  onTestFinished(() => nodeTls.setDefaultCACertificates(before));
}

function guardWith(options: GuardOptions, keyFetching: KeyFetchingOptions = { caFile: CERTIFICATE, bearerTokenFile: TOKEN_FILE }) {
  const guard = createResourceGuard({ issuer: signer.issuer, audience: signer.audience, ...options, keyFetching });
  onTestFinished(() => guard.close());
  return guard;
}

describe('rule 280: fetches of keys show a token, and trust authorities, from files', () => {
  test('reads both files at each fetch, so that they may change', async () => {
    let wanted = 'first';
    const { origin } = await serve(() => (request, response) => keysFor(wanted)(request, response));
    writeFileSync(TOKEN_FILE, 'first\n');
    const guard = guardWith({ jwksUri: `${origin}/keys` });
    await guard.warm();
    expect(verdictOf(await ask(guard, token))).toBe('allow');
    wanted = 'second';
    await expect(guard.warm()).rejects.toThrow('answered with status 401');
    writeFileSync(TOKEN_FILE, 'second');
    await guard.warm();
  });

  test('trusts nobody else than the authorities of caFile', async () => {
    const { origin, seen } = await serve(() => keysFor('first'));
    writeFileSync(TOKEN_FILE, 'first');
    await expect(guardWith({ jwksUri: `${origin}/keys` }, { bearerTokenFile: TOKEN_FILE }).warm()).rejects.toThrow('self-signed certificate');
    expect(seen).toEqual([]);
    const other = fileURLToPath(new URL('self-signed/named-cert.pem', import.meta.url));
    await expect(guardWith({ jwksUri: `${origin}/keys` }, { caFile: other, bearerTokenFile: TOKEN_FILE }).warm()).rejects.toThrow('self-signed certificate');
    expect(seen).toEqual([]);
  });

  test('sends the token to the origin of the metadata, and to no other that the metadata name', async () => {
    writeFileSync(TOKEN_FILE, 'first');
    const other = await serve(() => keysFor('first'));
    const own = await serve((origin) => (request, response) => {
      if (request.url === '/jwks') return keysFor('first')(request, response);
      const jwksUri = `${request.url === '/away' ? other.origin : origin}/jwks`;
      response.end(JSON.stringify({ issuer: signer.issuer, jwks_uri: jwksUri }));
    });
    await guardWith({ metadataUrl: `${own.origin}/here` }).warm();
    await expect(guardWith({ metadataUrl: `${own.origin}/away` }).warm()).rejects.toThrow('status 401');
    expect(own.seen).toEqual([['/here', 'Bearer first'], ['/jwks', 'Bearer first'], ['/away', 'Bearer first']]); // prettier-ignore
    expect(other.seen).toEqual([['/jwks', undefined]]);
  });

  test('so does the look-up of an introspection endpoint in the metadata', async () => {
    writeFileSync(TOKEN_FILE, 'first');
    const endpoint = 'https://login.example.test/introspect';
    const { origin, seen } = await serve(() => ({ headers }, response) => {
      const document = { issuer: signer.issuer, introspection_endpoint: endpoint };
      response.writeHead(headers.authorization === 'Bearer first' ? 200 : 401).end(JSON.stringify(document));
    });
    const options: GuardOptions = { jwksUri: undefined, metadataUrl: `${origin}/here`, introspection: { clientId: 'api', clientSecret: 'secret' } };
    const found = async (keyFetching: KeyFetchingOptions): Promise<string | undefined> => {
      const guard = guardWith(options, keyFetching);
      // these metadata name no keys
      await expect(guard.warm()).rejects.toThrow();
      return guard.health().introspection?.[0]?.endpoint;
    };
    expect(await found({ caFile: CERTIFICATE, bearerTokenFile: TOKEN_FILE })).toBe(endpoint);
    expect(await found({ ca: readFileSync(CERTIFICATE, 'utf8'), bearerTokenFile: TOKEN_FILE })).toBe(endpoint);
    expect(seen).toEqual(Array.from({ length: 4 }, () => ['/here', 'Bearer first']));
    expect(await found({ bearerTokenFile: TOKEN_FILE })).toBeUndefined();
    expect(await found({ caFile: CERTIFICATE })).toBeUndefined();
  });

  test('trusts the authorities of Node, too, where it only looks for an introspection endpoint, and shows no token', async () => {
    writeFileSync(TOKEN_FILE, 'first');
    trustByDefault(pem('cert'));
    const endpoint = 'https://login.example.test/introspect';
    const { origin: issuer, seen } = await serve((origin) => (_request, response) => {
      response.end(JSON.stringify({ issuer: origin, introspection_endpoint: endpoint }));
    });
    const found = async (jwksUri: string | undefined): Promise<string | undefined> => {
      const caFile = fileURLToPath(new URL('self-signed/named-cert.pem', import.meta.url));
      const options = { issuer, jwksUri, introspection: { clientId: 'api', clientSecret: 'secret' } };
      const guard = guardWith(options, { caFile, bearerTokenFile: TOKEN_FILE });
      // no keys are there
      await expect(guard.warm()).rejects.toThrow();
      return guard.health().introspection?.[0]?.endpoint;
    };
    expect(await found('https://127.0.0.1:1/keys')).toBe(endpoint);
    expect(seen).toEqual([['/.well-known/openid-configuration', undefined]]);
    // the same token goes to the server of the metadata
    expect(await found(undefined)).toBeUndefined();
    expect(seen).toHaveLength(1);
  });

  test('follows no redirect, not even on the same origin', async () => {
    writeFileSync(TOKEN_FILE, 'first');
    const other = await serve(() => keysFor('first'));
    const own = await serve((origin) => ({ url }, response) => {
      response.writeHead(302, { location: url === '/away' ? `${other.origin}/jwks` : `${origin}/jwks` }).end();
    });
    for (const path of ['/away', '/home']) await expect(guardWith({ jwksUri: `${own.origin}${path}` }).warm()).rejects.toThrow('redirects are not followed');
    expect([own.seen.map(([url]) => url), other.seen]).toEqual([['/away', '/home'], []]);
  });

  test('passes the token to a fetch of your own, and shows nothing of its errors', async () => {
    writeFileSync(TOKEN_FILE, 'first');
    const fetch = vi.fn<typeof globalThis.fetch>(async () => Response.json(signer.jwks));
    await guardWith({ fetch, jwksUri: 'https://keys.example.test/jwks' }, { bearerTokenFile: TOKEN_FILE }).warm();
    expect(fetch.mock.calls[0]![1]).toMatchObject({ method: 'GET', redirect: 'manual', headers: { authorization: 'Bearer first' } });
    fetch.mockRejectedValueOnce(new Error('GET with Bearer first failed'));
    const failure = await guardWith({ fetch, jwksUri: 'https://keys.example.test/jwks' }, { bearerTokenFile: TOKEN_FILE }).warm().catch(String);
    expect(failure).toContain('the given fetch failed');
    expect(failure).not.toContain('first');
  });

  test.each<[string, string, KeyFetchingOptions, RegExp]>([
    ['an empty file', '', { bearerTokenFile: TOKEN_FILE }, /bearerTokenFile does not contain a token/],
    ['a file with two tokens', 'geheim-1\ngeheim-2', { bearerTokenFile: TOKEN_FILE }, /bearerTokenFile does not contain a token/],
    ['a header smuggled into the file', 'geheim-1\r\nx-admin: 1', { bearerTokenFile: TOKEN_FILE }, /bearerTokenFile does not contain a token/],
    ['a token where the authorities should be', 'geheim-1', { caFile: TOKEN_FILE }, /caFile contains no certificate in PEM/],
    ['broken PEM', '-----BEGIN CERTIFICATE-----\ngeheim-1\n-----END CERTIFICATE-----', { caFile: TOKEN_FILE }, /keys/],
    ['no file', 'geheim-1', { bearerTokenFile: join(folder, 'none') }, /none: there is no such file \(ENOENT\)/],
    ['a folder', 'geheim-1', { bearerTokenFile: folder }, /it is a directory \(EISDIR\)/],
  ])('does not fetch, and shows no secret, with %s', async (_name, text, keyFetching, problem) => {
    writeFileSync(TOKEN_FILE, text);
    const { origin, seen } = await serve(() => keysFor('first'));
    const guard = guardWith({ jwksUri: `${origin}/keys` }, keyFetching);
    const failure = await guard.warm().catch(String);
    expect(failure).toMatch(problem);
    expect(failure).not.toContain('geheim');
    expect(verdictOf(await ask(guard, token))).toBe('keys_unavailable');
    expect(seen).toEqual([]);
  });

  test.each<[GuardOptions, RegExp]>([
    [{ jwksUri: 'http://localhost:1/keys', keyFetching: { bearerTokenFile: 'x' } }, /keyFetching.bearerTokenFile: would be sent in the clear/],
    [
      { metadataUrl: 'http://sso/m', unsafeHttpHosts: ['sso'], keyFetching: { bearerTokenFile: 'x' } },
      /keyFetching.bearerTokenFile: would be sent in the clear/,
    ],
    [{ fetch, keyFetching: { caFile: 'x' } }, /keyFetching.caFile: cannot be combined with fetch/],
    [{ keyFetching: { caFile: '' } }, /keyFetching.caFile: must be a non-empty string/],
    [{ keyFetching: { bearerTokenFile: 7 as never } }, /keyFetching.bearerTokenFile: must be a non-empty string/],
  ])('refuses the options %o', (options, problem) => {
    expect(() => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', ...options })).toThrow(problem);
  });

  test('never shows the token of one issuer to others', () => {
    const problem = /keyFetching.bearerTokenFile: cannot be combined with issuers/;
    const keyFetching = { bearerTokenFile: 'x' };
    expect(() => createResourceGuard({ audience: 'a', keyFetching, issuers: [{ issuer: 'https://a.example.test' }] })).toThrow(problem);
    expect(() => createResourceGuard({ audience: 'a', keyFetching, issuers: (issuer) => ({ issuer }) })).toThrow(problem);
  });
});

describe('a token exchange with tls.ca finds the token endpoint in metadata', () => {
  const endpoint = 'https://login.example.test/token';

  async function findWith(ca: string | undefined): Promise<string | undefined> {
    const { origin } = await serve(() => (_request, response) => {
      response.end(JSON.stringify({ issuer: signer.issuer, token_endpoint: endpoint }));
    });
    const exchange = createTokenExchange({
      issuer: signer.issuer,
      metadataUrl: `${origin}/here`,
      clientId: 'orders-api',
      tls: { cert: pem('named-cert'), key: pem('named-key'), ca },
      audiences: { billing: { origins: ['https://billing.example.test'] } },
    });
    onTestFinished(() => exchange.close());
    await exchange.warm();
    return exchange.health().endpoint;
  }

  test('of a server with a certificate of these authorities', async () => {
    expect(await findWith(pem('cert'))).toBe(endpoint);
    for (const other of [undefined, pem('named-cert')]) await expect(findWith(other)).rejects.toThrow('self-signed certificate');
  });

  test('of a server with a certificate that Node trusts', async () => {
    trustByDefault(pem('cert'));
    expect(await findWith(pem('named-cert'))).toBe(endpoint);
  });

  test('of a server with a certificate that NODE_EXTRA_CA_CERTS has Node trust, in versions of Node that cannot list the authorities', async () => {
    const { getCACertificates } = nodeTls;
    Object.assign(nodeTls, { getCACertificates: undefined });
    onTestFinished(() => {
      Object.assign(nodeTls, { getCACertificates });
      vi.unstubAllEnvs();
    });
    vi.stubEnv('NODE_EXTRA_CA_CERTS', join(folder, 'missing.pem'));
    await expect(findWith(pem('named-cert'))).rejects.toThrow('self-signed certificate');
    expect(await findWith(pem('cert'))).toBe(endpoint);
    vi.stubEnv('NODE_EXTRA_CA_CERTS', CERTIFICATE);
    expect(await findWith(pem('named-cert'))).toBe(endpoint);
  });
});
