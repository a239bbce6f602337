import { listed, scopeText, type ProviderShape } from './provider-shape.js';

const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';

/**
 * Tokens of version 2.0, or of version 1.0 if the issuer is `https://sts.windows.net/<tenant>/`.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
 */
export const entraId: ProviderShape = {
  path: `/${TENANT}/v2.0`,
  type: 'JWT',
  audience: '6e74172b-be56-4843-9ff4-e66a39bb12e3',
  claims({ issuer, audience, subject, clientId = '3f5b8c1e-7a2d-4e90-b6c4-5d1e2f3a4b5c', scopes, roles, issuedAt, expiresAt }) {
    const isVersion1 = issuer.endsWith('/') && !issuer.endsWith('/v2.0/');
    return {
      aud: audience,
      iss: issuer,
      iat: issuedAt,
      nbf: issuedAt,
      exp: expiresAt,
      ...(isVersion1 ? { appid: clientId, appidacr: '1' } : { azp: clientId, azpacr: '1' }),
      oid: 'b3c1f2d4-5e6f-4a70-8b91-a2b3c4d5e6f7',
      scp: scopeText(scopes),
      roles: listed(roles),
      sub: subject ?? 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ',
      tid: /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(issuer)?.[0] ?? TENANT,
      uti: crypto.randomUUID().replaceAll('-', '').slice(0, 22),
      ver: isVersion1 ? '1.0' : '2.0',
    };
  },
};
