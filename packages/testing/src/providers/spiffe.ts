import { assertNone, type ProviderShape } from './provider-shape.js';

/**
 * JWT-SVIDs of a workload. The issuer is the trust domain, which tokens name in `sub` alone.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/JWT-SVID.md
 */
export const spiffe: ProviderShape = {
  path: '',
  type: 'JWT',
  keyUse: 'jwt-svid',
  claims({ issuer, audience, subject, clientId, scopes, roles, issuedAt, expiresAt }) {
    assertNone('SPIFFE', 'scopes', scopes, 'Tell callers apart by subject');
    assertNone('SPIFFE', 'roles', roles, 'Tell callers apart by subject');
    const domain = issuer.startsWith('spiffe://') ? issuer : 'spiffe://example.org';
    return { sub: subject ?? `${domain}/ns/default/sa/test`, aud: [audience].flat(), client_id: clientId, exp: expiresAt, iat: issuedAt };
  },
};
