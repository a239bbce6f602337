import { describe, expect, test } from 'vitest';
import { OptionReader } from '../lib/option-reader.js';
import { isResourceUrl, metadataPlace, offeredScopes, readPublicOrigin, readResourceMetadata, WELL_KNOWN } from './resource-metadata.js';

function problemsOf(options: object): readonly string[] {
  const reader = new OptionReader(options, Object.keys(options));
  readResourceMetadata(reader, 'metadata');
  readPublicOrigin(reader, 'publicOrigin');
  return reader.problems.map(({ path, message }) => `${path} ${message}`);
}

describe('where metadata is served (RFC 9728 s3.1)', () => {
  test.each([
    ['https://api.example.com', [WELL_KNOWN], `https://api.example.com${WELL_KNOWN}`],
    ['https://api.example.com/', [WELL_KNOWN], `https://api.example.com${WELL_KNOWN}`],
    ['https://api.example.com/v1', [`${WELL_KNOWN}/v1`, WELL_KNOWN], `https://api.example.com${WELL_KNOWN}/v1`],
    ['https://api.example.com:8443/v1/', [`${WELL_KNOWN}/v1/`, `${WELL_KNOWN}/v1`, WELL_KNOWN], `https://api.example.com:8443${WELL_KNOWN}/v1/`],
    ['https://api.example.com/caf%C3%A9', [`${WELL_KNOWN}/caf%C3%A9`, WELL_KNOWN], `https://api.example.com${WELL_KNOWN}/caf%C3%A9`],
  ])('%s', (resource, paths, url) => {
    expect(metadataPlace(resource)).toEqual({ paths, url });
  });

  test('the public origin replaces the origin of the resource in the address', () => {
    expect(metadataPlace('https://orders/v1', 'https://api.example.com').url).toBe(`https://api.example.com${WELL_KNOWN}/v1`);
  });

  test.each([
    ['https://api.example.com', true],
    ['http://api.example.com/v1', false],
    ['http://127.0.0.1.example.com', false],
    ['http://localhost:3000/v1', true],
    ['http://127.0.0.1:3000', true],
    ['http://api:3000/v1', true],
    ['https://api.example.com?tenant=1', false],
    ['https://api.example.com#x', false],
    ['https://user@api.example.com', false],
    ['https://api.example.com/a/../b', false],
    ['https://api.example.com/a b', false],
    ['urn:example:orders', false],
    ['orders', false],
    ['api://orders', false],
    ['', false],
  ])('the audience %j can be a resource: %s', (audience, isResource) => {
    expect(isResourceUrl(audience, new Set(['api']))).toBe(isResource);
  });
});

describe('the options of metadata', () => {
  test('accepts all options', () => {
    const pages = {
      resourceDocumentation: 'https://docs.example.com/api',
      resourcePolicyUri: 'https://example.com/policy',
      resourceTosUri: 'https://example.com/terms',
    };
    const servers = { authorizationServers: ['https://login.example.com/tenant'], scopes: ['orders:read'] };
    expect(
      problemsOf({
        metadata: { resource: 'https://api.example.com/v1', resourceName: 'Orders', ...pages, ...servers },
        publicOrigin: 'https://api.example.com',
      }),
    ).toEqual([]);
  });

  test.each<[object, string]>([
    [{ metadata: true }, 'metadata must be an object'],
    [{ metadata: { resource: 'orders' } }, 'metadata.resource is not an absolute URL'],
    [{ metadata: { resource: 'http://api.example.com' } }, 'metadata.resource must use https'],
    [{ metadata: { resource: 'https://api.example.com/#x' } }, 'metadata.resource must have neither a query nor a fragment'],
    [{ metadata: { resource: 'https://api.example.com/?x' } }, 'metadata.resource must have neither a query nor a fragment'],
    [{ metadata: { scopes: ['a', 'openid'] } }, 'metadata.scopes must not offer "openid", which is not a scope of an API. Remove it'],
    [{ metadata: { scopes: ['offline_access'] } }, 'metadata.scopes must not offer "offline_access"'],
    [{ metadata: { scopes: ['a b'] } }, 'metadata.scopes lists something at index 0 that is not a scope'],
    [{ metadata: { scopes: [] } }, 'metadata.scopes must be a list of one or more'],
    [{ metadata: { scopes: Array.from({ length: 1001 }, (_, at) => `s${at}`) } }, 'metadata.scopes must list at most 1000 items (got 1001)'],
    [{ metadata: { authorizationServers: ['http://login.example.com'] } }, 'metadata.authorizationServers lists a URL that must use https'],
    [{ metadata: { authorizationServers: ['https://login.example.com/?x'] } }, 'metadata.authorizationServers lists a URL that has a query or a fragment'],
    [{ metadata: { resourceName: '' } }, 'metadata.resourceName must be a non-empty string'],
    [{ metadata: { resourceName: 'x'.repeat(1001) } }, 'metadata.resourceName must have at most 1000 characters (got 1001)'],
    [{ metadata: { resourcePolicyUri: 'javascript:alert(1)' } }, 'metadata.resourcePolicyUri must use https'],
    [{ metadata: { resourceUri: 'https://api.example.com' } }, 'metadata.resourceUri is not an option'],
    [{ publicOrigin: 'https://api.example.com/v1' }, 'publicOrigin must be an origin alone'],
    [{ publicOrigin: 'api.example.com' }, 'publicOrigin is not an absolute URL'],
    [{ publicOrigin: 'http://api.example.com' }, 'publicOrigin must use https'],
  ])('%j is refused', (options, problem) => {
    expect(problemsOf(options).join('\n')).toContain(problem);
  });

  test('rule 97: members of a polluted prototype are no options', () => {
    const metadata = Object.create({ scopes: ['admin'], resource: 'https://evil.example' }) as object;
    const reader = new OptionReader({ metadata }, ['metadata']);
    expect(readResourceMetadata(reader, 'metadata')).toMatchObject({ scopes: undefined, resource: undefined });
  });

  test('openid and offline_access are never offered, and no scope twice', () => {
    expect(offeredScopes(['a', 'openid', 'b', 'a', 'offline_access', '__proto__'])).toEqual(['a', 'b', '__proto__']);
  });
});
