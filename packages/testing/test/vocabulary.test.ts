import { afterAll, expect, test } from 'vitest';
import { createTestIssuer, expectForbidden, expectUnauthorized } from '@tokenward/testing';

const issuer = await createTestIssuer();
afterAll(() => issuer.close());

const calls: [string, () => unknown][] = [
  ['issueToken', () => issuer.issueToken({ scope: 'orders:read' } as never)],
  ['issueOpaqueToken', () => issuer.issueOpaqueToken({ scope: 'orders:read' } as never)],
  ['issueRefreshToken', () => issuer.issueRefreshToken({ scope: 'orders:read' } as never)],
  ['expectUnauthorized', () => expectUnauthorized(new Response(), { scope: 'orders:read' } as never)],
  ['expectForbidden', () => expectForbidden(new Response(), { scope: 'orders:read' } as never)],
];

test.each(calls)('rule 276: %s refuses scope, and says how to write scopes', async (name, call) => {
  await expect(async () => call()).rejects.toThrow(`${name}(): has scope. Write scopes, as a list`);
});

test.each<[string, () => unknown, RegExp]>([
  ['issueToken', () => issuer.issueToken({ subjet: 'ada' } as never), /issueToken\(\): has subjet, .*did you mean subject\?/],
  ['issueOpaqueToken', () => issuer.issueOpaqueToken({ header: {} } as never), /issueOpaqueToken\(\): has header/],
  ['issueLogoutToken', () => issuer.issueLogoutToken({ sessionID: 's' } as never), /issueLogoutToken\(\): has sessionID.*did you mean sessionId\?/],
  ['issueSecurityEvent', () => issuer.issueSecurityEvent({ kind: 'session-revoked' } as never), /issueSecurityEvent\(\): has kind/],
  ['createTestIssuer', () => createTestIssuer({ audiense: 'a' } as never), /createTestIssuer\(\): has audiense, .*did you mean audience\?/],
  ['createTestIssuer', () => createTestIssuer({ like: 'keyclock' } as never), /like: must be a provider: did you mean keycloak\? \(providers: auth0, /],
  ['scopes as a text', () => issuer.issueToken({ scopes: 'a b' } as never), /scopes that are not a list of names/],
  ['two scopes in one', () => issuer.issueToken({ scopes: ['a b'] }), /scopes that are not a list of names/],
  ['roles as a text', () => issuer.issueToken({ roles: 'admin' } as never), /roles that are not a list of names/],
  ['a list', () => issuer.issueToken([] as never), /takes an object/],
])('rule 276: an unknown or odd member is an error: %s', async (_name, call, message) => {
  await expect(async () => call()).rejects.toThrow(message);
});
