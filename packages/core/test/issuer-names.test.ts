import dns from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIssuerClient, createResourceGuard, type GuardOptions, type IssuerOptions } from '@tokenward/core';
import { keycloak } from '@tokenward/core/presets';
import { createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, configurationErrorOf, verdictOf } from './guarded.js';
import { spyOnNetwork } from './network-spy.js';

async function openIssuer(): Promise<TestIssuer> {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  return issuer;
}

function guardOf(options: GuardOptions) {
  const guard = createResourceGuard(options);
  onTestFinished(() => guard.close());
  return guard;
}

const problemOf = (options: GuardOptions): string | undefined => configurationErrorOf(() => createResourceGuard({ audience: 'a', ...options }))?.message;

/** Resolves names to loopback until the test ends, as a compose network resolves names to its containers. */
function nameHosts(...names: string[]): void {
  const { lookup } = dns;
  const own = (name: string, ...rest: unknown[]): void => (lookup as (...all: unknown[]) => void)(names.includes(name) ? '127.0.0.1' : name, ...rest);
  dns.lookup = own as typeof lookup;
  onTestFinished(() => void (dns.lookup = lookup));
}

/** Starts an authorization server with the given metadata and keys. */
async function serve(documentOf: (port: number) => object, keys: object): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.host!.split(':')[0]} ${request.url}`);
    response.end(request.url!.endsWith('/keys') ? JSON.stringify(keys) : JSON.stringify(documentOf((server.address() as AddressInfo).port)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, asked };
}

describe('rule 173: an issuer whose keys are given can be any string', () => {
  const NAMES = ['accounts.google.com', 'kubernetes/serviceaccount', 'urn:example:issuer', 'http://adfs.example.com/adfs/services/trust', 'my-issuer'];

  test.each(NAMES)('accepts %s if keys are given, and compares it exactly', async (iss) => {
    const server = await openIssuer();
    const folder = mkdtempSync(join(tmpdir(), 'tokenward-names-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const jwksFile = join(folder, 'keys.json');
    writeFileSync(jwksFile, JSON.stringify(server.jwks));
    const ways: Partial<IssuerOptions>[] = [{ jwksUri: server.jwksUri }, { jwks: server.jwks }, { jwksFile }];
    const token = await server.issueToken({ claims: { iss } });
    for (const way of ways) {
      const one: IssuerOptions = { issuer: iss, audience: server.audience, ...way };
      for (const options of [one, { issuers: [one] }, { issuers: () => one }]) {
        const guard = guardOf(options);
        expect(verdictOf(await ask(guard, token))).toBe('allow');
        expect(verdictOf(await ask(guard, await server.issueToken({ claims: { iss: `${iss}/` } })))).toBe('issuer_mismatch');
      }
    }
    expect(server.requests.metadata).toBe(0);
  });

  test('accepts my-issuer with a shared secret', async () => {
    const server = await createTestIssuer({ algorithm: 'HS256' });
    onTestFinished(() => server.close());
    const guard = guardOf({ issuer: 'my-issuer', audience: server.audience, sharedSecrets: Buffer.from(server.sharedSecrets[0]!) });
    expect(verdictOf(await ask(guard, await server.issueToken({ claims: { iss: 'my-issuer' } })))).toBe('allow');
  });

  test.each(NAMES.filter((name) => !name.includes(':')))('reports %s without keys as an invalid option, with the remedy', (issuer) => {
    expect(problemOf({ issuer })).toMatch(/issuer: is not an absolute URL. Use one, or set jwksUri, jwks, jwksFile or sharedSecrets/);
  });
});

describe('rule 173: metadataUrl changes only where metadata is fetched', () => {
  test('fetches metadata from metadataUrl instead of the issuer, and keys from its jwks_uri', async () => {
    const issuer = 'https://login.example.test/realms/shop';
    const server = await openIssuer();
    const { port, asked } = await serve((own) => ({ issuer, jwks_uri: `http://127.0.0.1:${own}/keys` }), server.jwks);
    const guard = guardOf({ issuer, audience: server.audience, metadataUrl: `http://127.0.0.1:${port}/internal/metadata` });
    expect(verdictOf(await ask(guard, await server.issueToken({ claims: { iss: issuer } })))).toBe('allow');
    expect(asked).toEqual(['GET 127.0.0.1 /internal/metadata', 'GET 127.0.0.1 /keys']);
  });

  test('rule 51: refuses metadata of another issuer from metadataUrl', async () => {
    const { port, asked } = await serve((own) => ({ issuer: `http://127.0.0.1:${own}`, jwks_uri: `http://127.0.0.1:${own}/keys` }), {});
    const guard = guardOf({ issuer: 'https://login.example.test', audience: 'a', metadataUrl: `http://127.0.0.1:${port}/metadata` });
    await expect(guard.warm()).rejects.toThrow(
      /but the option issuer is "https:\/\/login\.example\.test"; both must be exactly equal. metadataUrl changes only where/,
    );
    expect(asked).toHaveLength(1);
  });

  test('uses metadata only for its own tenant, and needs {tenant} in both metadataUrl and issuer or in neither', async () => {
    const server = await openIssuer();
    const { port } = await serve(() => ({ issuer: 'https://login.example.test/acme', jwks_uri: server.jwksUri }), server.jwks);
    const options = { issuer: 'https://login.example.test/{tenant}', tenants: ['acme', 'globex'], audience: server.audience };
    const guard = guardOf({ ...options, metadataUrl: `http://127.0.0.1:${port}/{tenant}/metadata` });
    const tokenOf = (tid: string) => server.issueToken({ claims: { iss: `https://login.example.test/${tid}`, tid } });
    expect(verdictOf(await ask(guard, await tokenOf('acme')))).toBe('allow');
    expect(verdictOf(await ask(guard, await tokenOf('globex')))).toBe('keys_unavailable');
    expect(problemOf({ ...options, metadataUrl: `http://127.0.0.1:${port}/metadata` })).toMatch(/metadataUrl: needs \{tenant\}, as in issuer/);
    expect(problemOf({ issuer: 'https://a.example', metadataUrl: 'https://b.example/{tenant}' })).toMatch(
      /metadataUrl: contains \{tenant\}, but the issuer does not/,
    );
  });

  test.each<[GuardOptions, RegExp]>([
    [{ metadataUrl: 'http://keycloak:8080/metadata' }, /metadataUrl: must use https, .* Use https, or list the host "keycloak" in unsafeHttpHosts/],
    [{ metadataUrl: 'metadata' }, /metadataUrl: is not an absolute URL/],
    [{ metadataUrl: 7 as never }, /metadataUrl: must be a string/],
    [{ metadataUrl: 'https://a.example/m', jwksUri: 'https://a.example/k' }, /jwksUri: cannot be combined with metadataUrl. Set only one of them/],
    [{ metadataUrl: 'https://a.example/m', issuers: [{ issuer: 'https://b.example' }] }, /metadataUrl: cannot be combined with issuers/],
  ])('reports %j as invalid options', (options, problem) => {
    expect(problemOf({ ...(!options.issuers && { issuer: 'https://login.example.test' }), ...options })).toMatch(problem);
  });
});

describe('rule 173: unsafeHttpHosts allows plain http for the listed hosts', () => {
  const unsafeHttpHosts = ['keycloak', 'keys'];

  test.each(['keycloak', 'keys'])('allows http for the issuer, and for keys on the host %s', async (keysHost) => {
    nameHosts('keycloak', 'keys');
    const server = await openIssuer();
    const issuerOf = (port: number): string => `http://keycloak:${port}/realms/shop`;
    const { port, asked } = await serve((own) => ({ issuer: issuerOf(own), jwks_uri: `http://${keysHost}:${own}/keys` }), server.jwks);
    const issuer = issuerOf(port);
    const token = await server.issueToken({ claims: { iss: issuer } });
    const audience = server.audience;
    const keyFetching = { jwksHosts: ['keys'] };
    const all: GuardOptions[] = [
      { issuer, audience, unsafeHttpHosts, keyFetching },
      { issuers: [{ issuer, audience }], unsafeHttpHosts, keyFetching },
      { issuers: (iss) => ({ issuer: iss, audience, unsafeHttpHosts, keyFetching }) },
      { issuers: (iss) => ({ issuer: iss, audience, keyFetching }), unsafeHttpHosts },
      { issuer, audience, metadataUrl: `http://keys:${port}/metadata`, unsafeHttpHosts },
      { issuer, audience, jwksUri: `http://keys:${port}/keys`, unsafeHttpHosts },
    ];
    for (const options of all) expect(verdictOf(await ask(guardOf(options), token))).toBe('allow');
    expect(new Set(asked.map((line) => line.split(' ')[1]))).toEqual(new Set(['keycloak', 'keys']));
    expect(verdictOf(await ask(guardOf({ issuers: (iss) => ({ issuer: iss, audience }) }), token))).toBe('issuer_unavailable');
  });

  test('applies to the keycloak preset', async () => {
    nameHosts('keycloak');
    const server = await openIssuer();
    const { port } = await serve((own) => ({ issuer: `http://keycloak:${own}/realms/shop`, jwks_uri: `http://keycloak:${own}/keys` }), server.jwks);
    const options = { url: `http://keycloak:${port}`, realm: 'shop', audience: 'a' };
    await guardOf(keycloak({ ...options, unsafeHttpHosts: ['keycloak'] })).warm();
    expect(() => keycloak(options)).toThrow(/url: must use https, .* list the host "keycloak" in unsafeHttpHosts/);
  });

  test('refuses http addresses in metadata on a host that is not listed, with the remedy', async () => {
    nameHosts('keycloak');
    const { port, asked } = await serve(
      (own) => ({ issuer: `http://keycloak:${own}`, jwks_uri: `http://other:${own}/keys`, revocation_endpoint: `http://other:${own}/revoke` }),
      {},
    );
    const issuer = `http://keycloak:${port}`;
    await expect(guardOf({ issuer, audience: 'a', unsafeHttpHosts: ['keycloak'] }).warm()).rejects.toThrow(
      /its jwks_uri, .*, must use https, .* list the host "other" in unsafeHttpHosts/,
    );
    const client = createIssuerClient({ issuer, clientId: 'c', clientSecret: 's', unsafeHttpHosts: ['keycloak'] });
    await expect(client.revokeAtIssuer('t')).rejects.toThrow(/its revocation_endpoint, .*, must use https, .* list the host "other" in unsafeHttpHosts/);
    expect(asked).toHaveLength(2);
  });

  test('rule 182: does not add a host that keys may come from', async () => {
    nameHosts('keycloak');
    const server = await openIssuer();
    const { port, asked } = await serve(
      (own) => ({ issuer: `http://keycloak:${own}`, jwks_uri: `http://127.0.0.1:${own}/keys`, revocation_endpoint: `http://127.0.0.1:${own}/revoke` }),
      server.jwks,
    );
    const issuer = `http://keycloak:${port}`;
    const listed = ['keycloak', '127.0.0.1'];
    const warm = (keyFetching: GuardOptions['keyFetching']): Promise<unknown> =>
      guardOf({ issuer, audience: 'a', unsafeHttpHosts: listed, keyFetching }).warm();
    await expect(warm({})).rejects.toThrow(/the host 127\.0\.0\.1 has a private, loopback or link-local address, and only the issuer's metadata names it/);
    await expect(warm({ jwksHosts: ['elsewhere'] })).rejects.toThrow(
      /names the host 127\.0\.0\.1 for its keys, which is neither the issuer's own nor in keyFetching\.jwksHosts/,
    );
    const client = createIssuerClient({ issuer, clientId: 'c', clientSecret: 's', unsafeHttpHosts: listed });
    await expect(client.revokeAtIssuer('t')).rejects.toThrow(/names a revocation endpoint on a private address/);
    expect(asked.filter((line) => line.includes(' 127.0.0.1 '))).toEqual([]);
    await warm({ jwksHosts: ['127.0.0.1'] });
    expect(asked.filter((line) => line.includes(' 127.0.0.1 '))).toEqual(['GET 127.0.0.1 /keys']);
  });

  test('applies to createIssuerClient', async () => {
    nameHosts('keycloak');
    const { port, asked } = await serve((own) => ({ issuer: `http://keycloak:${own}`, revocation_endpoint: `http://keycloak:${own}/revoke` }), {});
    const options = { issuer: `http://keycloak:${port}`, clientId: 'c', clientSecret: 's' };
    await createIssuerClient({ ...options, unsafeHttpHosts: ['keycloak'] }).revokeAtIssuer('t');
    await createIssuerClient({ ...options, metadataUrl: `http://127.0.0.1:${port}/m`, unsafeHttpHosts: ['keycloak'] }).revokeAtIssuer('t');
    expect(asked).toEqual(['GET keycloak /.well-known/openid-configuration', 'POST keycloak /revoke', 'GET 127.0.0.1 /m', 'POST keycloak /revoke']);
    expect(() => createIssuerClient(options)).toThrow(/issuer: must use https, .* list the host "keycloak" in unsafeHttpHosts/);
    expect(() => createIssuerClient({ ...options, unsafeHttpHosts: ['keycloak'], revocationEndpoint: 'http://other/revoke' })).toThrow(
      /revocationEndpoint: must use https/,
    );
  });

  test.each(['http://keycloak', 'KEYCLOAK', 'keycloak:8080', '*.internal', 'keycloak/', '', '010.0.0.1'])('reports the host %j as invalid', (host) => {
    expect(problemOf({ issuer: 'https://login.example.test', unsafeHttpHosts: [host] })).toMatch(/unsafeHttpHosts: /);
  });

  test('reports an issuer on a host that is not listed, with the remedy', () => {
    expect(problemOf({ issuer: 'http://192.168.1.20:8080', unsafeHttpHosts: ['192.168.1.21'] })).toMatch(
      /issuer: must use https, since anybody on the network path can forge answers over http. Use https, or list the host "192\.168\.1\.20" in unsafeHttpHosts/,
    );
  });
});

test('rule 53: connects to loopback for a name under localhost, whatever DNS answers', async () => {
  const { lookup } = dns;
  // a name server that resolves such names elsewhere
  const astray = (name: string, ...rest: unknown[]): void =>
    (lookup as (...all: unknown[]) => void)(name.endsWith('.localhost') ? 'nobody.invalid' : name, ...rest);
  dns.lookup = astray as typeof lookup;
  onTestFinished(() => void (dns.lookup = lookup));
  const server = await openIssuer();
  const { port, asked } = await serve((own) => ({ issuer: `http://auth.localhost:${own}`, jwks_uri: `http://auth.localhost:${own}/keys` }), server.jwks);
  const issuer = `http://auth.localhost:${port}`;
  const guard = guardOf({ issuer, audience: server.audience });
  expect(verdictOf(await ask(guard, await server.issueToken({ claims: { iss: issuer } })))).toBe('allow');
  expect(asked).toEqual(['GET auth.localhost /.well-known/openid-configuration', 'GET auth.localhost /keys']);
});

describe('rule 175: an issuer URL must be canonical', () => {
  const ASTRAY = [
    'https://login.example.test/realms/../uploads/mallory',
    'https://login.example.test/realms/%2e%2e/uploads/mallory',
    'https://login.example.test/realms/x\\..\\..\\uploads\\mallory',
    'https://login.example.test/realms/./shop',
    'https://login.example.test/realms/%252e%252e/uploads/mallory',
    'https://login.example.test/realms/..;/uploads/mallory',
    'https://login.example.test/realms/a%2f..%2f..%2fuploads/mallory',
    'https://login.example.test/realms/..%5cuploads/mallory',
    'https://login.example.test/realms/%c0%ae%c0%ae/uploads/mallory',
    'https://login.example.test/realms/..%00/uploads/mallory',
  ];

  test.each(ASTRAY)('refuses %s before a resolver can compare its prefix', async (iss) => {
    const server = await openIssuer();
    let asked = 0;
    const guard = guardOf({
      issuers(issuer) {
        asked++;
        return issuer.startsWith('https://login.example.test/realms/') ? { issuer, audience: server.audience } : undefined;
      },
    });
    const network = spyOnNetwork();
    expect(verdictOf(await ask(guard, await server.issueToken({ claims: { iss } })))).toBe('issuer_mismatch');
    expect([asked, network.count]).toEqual([0, 0]);
  });

  test.each([
    'https://LOGIN.example.test/realms/a',
    'https://login.example.test:443/realms/a',
    'HTTPS://login.example.test/realms/a',
    'https://login.example.test/?a=b',
    'https://login.example.test/a?',
    'https://login.example.test/#a',
    'https://login.example.test/{a}',
    'https://login.example.test/{tenant}',
    'https://{a}.example.test',
    'a{b}',
    'a?b',
    'https://u:p@login.example.test/',
    'https:login.example.test',
    'https://',
    'https://login.example.test/a\tb',
    '\thttps://login.example.test/',
    'https://login.example.test/a b',
    'https://login.example.test/\u00e9',
    ' ',
    '\u0000',
    '\n',
    'https://login.example.test/"a"',
    'https://login.example.test/<a>',
    'https://login.example.test/.well-known/openid-configuration',
    'https://a|b/',
    'https://login.example.test/%252e%252e/a',
    'https://login.example.test/a%2f..%2fb',
    'https://login.example.test/..;/a',
    'https://login.example.test/a%5cb',
    'https://login.example.test/%c0%ae%c0%ae/a',
    'https://login.example.test/a%00',
    `https://login.example.test/${'a'.repeat(1024)}`,
  ])('rule 183: answers 401 for the iss %j without a network request, even if a resolver accepts every issuer', async (iss) => {
    const server = await openIssuer();
    const audience = server.audience;
    const network = spyOnNetwork();
    const token = await server.issueToken({ claims: { iss } });
    const all: GuardOptions[] = [
      { issuers: (issuer) => ({ issuer, audience }) },
      { issuers: async (issuer) => ({ issuer, audience }) },
      { issuer: 'https://login.example.test/{tenant}', tenants: ['a', 'b'], audience },
      { issuer: 'https://login.example.test/', audience },
      {
        issuers: [
          { issuer: 'https://login.example.test/', audience },
          { issuer: 'https://login.example.test/{tenant}', tenants: ['a'], audience },
        ],
      },
    ];
    for (const options of all) {
      const guard = guardOf(options);
      const before = network.count;
      expect(await ask(guard, token)).toMatchObject({ outcome: 'deny', status: 401, reason: 'issuer_mismatch' });
      expect([network.count - before, guard.health().issuers.some(({ issuer }) => issuer === iss)]).toEqual([0, false]);
    }
  });

  test.each(['http://login.example.test', 'login.example.test', 'urn:example:issuer'])(
    'rule 183: answers issuer_unavailable for the iss %s if the resolver accepts it without keys',
    async (iss) => {
      const server = await openIssuer();
      const guard = guardOf({ issuers: (issuer) => ({ issuer, audience: server.audience }) });
      const network = spyOnNetwork();
      expect(verdictOf(await ask(guard, await server.issueToken({ claims: { iss } })))).toBe('issuer_unavailable');
      expect(network.count).toBe(0);
    },
  );

  test.each([...ASTRAY, 'https://LOGIN.example.test', 'https://login.example.test:443/a'])('reports %s as an invalid issuer, wherever it is set', (url) => {
    expect(problemOf({ issuer: url })).toMatch(
      /issuer: (has a backslash or a dot segment|is not the canonical form of the URL. Write "https:\/\/login\.example\.test\/)/,
    );
    expect(problemOf({ issuer: `${url}/{tenant}`, tenants: ['a'] })).toMatch(/issuer: /);
    expect(problemOf({ issuers: [{ issuer: url }] })).toMatch(/issuers\[0\]\.issuer: /);
    expect(() => createIssuerClient({ issuer: url, clientId: 'c', clientSecret: 's' })).toThrow(/issuer: /);
  });

  test.each(ASTRAY)('reports %s as an invalid address of metadata, keys or an endpoint', (url) => {
    const issuer = 'https://login.example.test';
    for (const options of [{ metadataUrl: url }, { jwksUri: url }]) expect(problemOf({ issuer, ...options })).toMatch(/has a backslash or a dot segment/);
    expect(problemOf({ issuer: url, jwksUri: 'https://login.example.test/keys' })).toMatch(/has a backslash or a dot segment/);
    expect(() => createIssuerClient({ issuer, clientId: 'c', clientSecret: 's', revocationEndpoint: url })).toThrow(/has a backslash or a dot segment/);
  });
});

describe('a discovery error names the addresses and the options that help', () => {
  test('names both addresses if neither has metadata', async () => {
    const server = await openIssuer();
    const issuer = `${server.issuer}/realms/mistyped`;
    await expect(guardOf({ issuer, audience: 'a' }).warm()).rejects.toThrow(
      `${issuer}/.well-known/openid-configuration: answered with status 404; ` +
        `${server.issuer}/.well-known/oauth-authorization-server/realms/mistyped: answered with status 404. ` +
        'If the metadata is at another address, set metadataUrl or jwksUri',
    );
    await expect(createIssuerClient({ issuer, clientId: 'c', clientSecret: 's' }).revokeAtIssuer('t')).rejects.toThrow(
      /openid-configuration: .* 404; .*oauth-authorization-server\/realms\/mistyped: .* 404\. If .* set metadataUrl or revocationEndpoint/,
    );
  });

  test('names the address that could not be reached', async () => {
    const server = await createTestIssuer();
    await server.close();
    await expect(guardOf({ issuer: server.issuer, audience: 'a' }).warm()).rejects.toThrow(
      /openid-configuration: .*ECONNREFUSED.*; no server listens there \(in a container, localhost is the container itself\)\. If .* set metadataUrl or jwksUri/,
    );
    await expect(guardOf({ issuer: 'https://x.example', audience: 'a', metadataUrl: `${server.issuer}/m` }).warm()).rejects.toThrow(
      /\/m: .*ECONNREFUSED.*correct metadataUrl, or set jwksUri instead/,
    );
  });
});
