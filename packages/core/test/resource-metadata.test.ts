import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createResourceGuard, scope, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { describe, expect, onTestFinished, test, vi } from 'vitest';

/** The algorithms of DPoP proofs by default. */
const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519', 'ES384', 'ES512', 'RS256', 'PS256', 'PS384', 'PS512'];

const WELL_KNOWN = '/.well-known/oauth-protected-resource';
/** Nothing is fetched from there. */
const jwksUri = 'https://login.example.com/jwks';
const one: GuardOptions = { issuer: 'https://login.example.com', audience: 'https://api.example.com' };

function create(options: GuardOptions): ResourceGuard {
  const guard = createResourceGuard(options);
  onTestFinished(() => guard.close());
  return guard;
}

function documentOf(guard: ResourceGuard, ...given: Parameters<ResourceGuard['metadata']>): Record<string, unknown> | undefined {
  const answer = guard.metadata(...given).answer({ method: 'GET', target: WELL_KNOWN, headers: {} });
  return answer && (JSON.parse(answer.body) as Record<string, unknown>);
}

describe('rule 110: the metadata of an API without a framework', () => {
  test('is served by a plain server, and its challenges lead there', async () => {
    const guard = create(one);
    const metadata = guard.metadata([scope('orders:read')]);
    const server = createServer((request, response) => {
      const { method, url, headers } = request as { method: string; url: string; headers: typeof request.headers };
      const answer = metadata.answer({ method, target: url, headers });
      if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
      else void Promise.resolve(guard.check({ method, target: url, headers })).then((decision) => response.writeHead(401, decision.headers).end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const refused = await fetch(`${origin}/orders`);
    const named = /resource_metadata="([^"]+)"/.exec(refused.headers.get('www-authenticate')!)![1]!;
    expect(named).toBe(`https://api.example.com${WELL_KNOWN}`);
    const found = await fetch(`${origin}${new URL(named).pathname}`);
    expect(await found.json()).toEqual({
      resource: 'https://api.example.com',
      authorization_servers: ['https://login.example.com'],
      scopes_supported: ['orders:read'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ALGORITHMS,
    });
  });

  test('rule 109: the options of DPoP say which proofs are accepted, and whether they are required', () => {
    const of = (options: GuardOptions) => documentOf(create({ ...one, ...options })) as Record<string, unknown>;
    expect(of({ dpop: { algorithms: ['ES256'] } })).toMatchObject({ dpop_signing_alg_values_supported: ['ES256'] });
    expect(of({ senderConstraint: 'dpop' })).toMatchObject({ dpop_signing_alg_values_supported: ALGORITHMS, dpop_bound_access_tokens_required: true });
    for (const options of [{ dpop: false }, { senderConstraint: 'mtls' }] as const) expect(of(options)).not.toHaveProperty('dpop_signing_alg_values_supported');
    for (const options of [{}, { senderConstraint: 'any' }] as const) expect(of(options)).not.toHaveProperty('dpop_bound_access_tokens_required');
  });

  test('only issuers in the options are authorization servers', () => {
    const issuers = [{ issuer: 'https://a.example.com', jwksUri }, { issuer: 'urn:example:b', jwksUri }, { issuer: 'https://c.example.com/{tenant}/v2', unsafeAcceptAnyTenant: true, jwksUri }]; // prettier-ignore
    const several = create({ issuers, audience: 'https://api.example.com' });
    expect(documentOf(several)).toMatchObject({ authorization_servers: ['https://a.example.com'] });
    const resolved = create({ issuers: () => undefined, audience: 'https://api.example.com' });
    expect(documentOf(resolved)).toEqual({
      resource: 'https://api.example.com',
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ALGORITHMS,
    });
    const told = create({
      issuers: () => undefined,
      audience: 'orders',
      publicOrigin: 'https://api.example.com',
      metadata: { authorizationServers: ['https://d.example.com'] },
    });
    expect(documentOf(told)).toMatchObject({ resource: 'https://api.example.com', authorization_servers: ['https://d.example.com'] });
  });

  test('the resource is an audience of the issuers if the guard itself has none', () => {
    const issuers = [{ issuer: 'https://a.example.com', jwksUri, audience: ['orders', 'https://api.example.com/a'] }, { issuer: 'https://b.example.com', jwksUri, audience: 'https://api.example.com/b' }]; // prettier-ignore
    expect(documentOf(create({ issuers }))).toMatchObject({ resource: 'https://api.example.com/a' });
  });

  test('the options add members, and replace the scopes of the routes', () => {
    const metadata = { scopes: ['a', 'b'], resourceName: 'Bestellungen "süß"', resourceDocumentation: 'https://docs.example.com', resourcePolicyUri: 'https://example.com/policy', resourceTosUri: 'https://example.com/terms' }; // prettier-ignore
    expect(documentOf(create({ ...one, metadata }), [scope('c')])).toEqual({
      resource: 'https://api.example.com',
      authorization_servers: ['https://login.example.com'],
      scopes_supported: ['a', 'b'],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ALGORITHMS,
      resource_name: 'Bestellungen "süß"',
      resource_documentation: 'https://docs.example.com',
      resource_policy_uri: 'https://example.com/policy',
      resource_tos_uri: 'https://example.com/terms',
    });
  });

  test('scopes that imply others are not offered: clients ask for what routes require', () => {
    const guard = create({ ...one, scopes: { 'orders:admin': ['orders:read'] } });
    expect(documentOf(guard, [scope('orders:read')])).toMatchObject({ scopes_supported: ['orders:read'] });
  });

  test('a function is asked for the policies again, since routes may be added later', () => {
    const policies = [scope('a')];
    const { answer } = create(one).metadata(() => policies);
    const ask = (): unknown => JSON.parse(answer({ method: 'GET', target: WELL_KNOWN, headers: {} })!.body);
    expect(ask()).toMatchObject({ scopes_supported: ['a'] });
    policies.push(scope('b'));
    expect(ask()).toMatchObject({ scopes_supported: ['a', 'b'] });
  });

  test('without a URL of the API nothing is served, with a warning', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const guard = create({ ...one, audience: 'orders' });
    const metadata = guard.metadata();
    expect(metadata).toMatchObject({ paths: [], url: undefined });
    expect(metadata.answer({ method: 'GET', target: WELL_KNOWN, headers: { host: 'api.example.com' } })).toBeUndefined();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('Set publicOrigin or metadata.resource'), { code: 'TOKENWARD_METADATA' });
  });

  test('a resource and an authorization server use https, or http on loopback or on a host in unsafeHttpHosts (RFC 9728 s1.2)', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    onTestFinished(() => warn.mockRestore());
    const of = (options: GuardOptions) => documentOf(create({ issuer: 'http://idp.internal', jwksUri, audience: 'http://api.internal/v1', ...options }));
    expect(of({})).toBeUndefined();
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('its audience is not an https URL'), { code: 'TOKENWARD_METADATA' });
    const secure = of({ publicOrigin: 'https://api.example.com' });
    expect(secure).toMatchObject({ resource: 'https://api.example.com' });
    expect(secure).not.toHaveProperty('authorization_servers');
    const listed = { resource: 'http://api.internal/v1', authorization_servers: ['http://idp.internal'] };
    expect(of({ unsafeHttpHosts: ['api.internal', 'idp.internal'] })).toMatchObject(listed);
    const ofIssuer = { issuer: 'http://idp.internal', jwksUri, audience: 'http://api.internal/v1', unsafeHttpHosts: ['api.internal', 'idp.internal'] };
    expect(documentOf(create({ issuers: [ofIssuer] }))).toMatchObject(listed);
    const loopback = { resource: 'http://127.0.0.1:3000', authorization_servers: ['http://localhost:8080'] };
    expect(of({ audience: 'http://127.0.0.1:3000', issuer: 'http://localhost:8080' })).toMatchObject(loopback);
  });

  test('the endpoint says which authorization servers it offers', () => {
    expect(create(one).metadata().authorizationServers).toEqual(['https://login.example.com']);
    expect(create({ issuers: () => undefined, audience: 'https://api.example.com' }).metadata().authorizationServers).toEqual([]);
    const metadata = { authorizationServers: ['https://d.example.com'] };
    expect(create({ ...one, metadata }).metadata().authorizationServers).toEqual(['https://d.example.com']);
  });

  test('a policy that is none is refused', () => {
    expect(() => create(one).metadata(['orders:read'] as never)).toThrow(expect.objectContaining({ name: 'ConfigurationError' }));
  });

  test.each([
    '*',
    `//evil.example${WELL_KNOWN}`,
    `https://evil.example${WELL_KNOWN}`,
    `${WELL_KNOWN}#x`,
    `${WELL_KNOWN}\\`,
    `${WELL_KNOWN} `,
    '',
    '?',
    '__proto__',
  ])('the target %j is another one', (target) => {
    expect(create(one).metadata().answer({ method: 'GET', target, headers: {} })).toBeUndefined();
  });
});
