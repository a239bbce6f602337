import { misuse } from '@tokenward/core/adapter';
import { assertNone, type ProviderShape } from './provider-shape.js';

/**
 * Session tokens, version 2. `clientId` is the origin of the app, in `azp`.
 *
 * @see https://clerk.com/docs/guides/sessions/session-tokens
 */
export const clerk: ProviderShape = {
  path: '',
  type: 'JWT',
  audience: '',
  claims({ issuer, audience, subject = 'user_2xhFjEI5X2qWRvtV13BzSj8H6Dk', clientId = 'https://app.example.com', scopes, roles, issuedAt, expiresAt }) {
    assertNone('Clerk', 'scopes', scopes, 'Use roles such as org:admin, and permissions such as org:invoices:read');
    return {
      azp: clientId,
      aud: audience === '' ? undefined : audience,
      exp: expiresAt,
      fva: [7, -1],
      iat: issuedAt,
      iss: issuer,
      jti: crypto.randomUUID(),
      nbf: issuedAt,
      sid: 'sess_2xhFjEI5X2qWRvtV13BzSj8H6Dk',
      sts: 'active',
      sub: subject,
      v: 2,
      ...(roles.length > 0 && organizationOf(roles)),
    };
  },
};

/** Returns the claims of the active organization. Each feature has a mask with a bit for each permission. */
function organizationOf(roles: readonly string[]): Readonly<Record<string, unknown>> {
  const names = roles.map((role) => role.split(':'));
  if (names.some(([org, ...rest]) => org !== 'org' || rest.includes('') || rest.length < 1 || rest.length > 2))
    throw misuse('roles', 'must be roles such as org:admin, or permissions such as org:invoices:read, for tokens like those of Clerk');
  const [role, ...others] = names.filter(({ length }) => length === 2).map((name) => name[1]!);
  if (others.length > 0) throw misuse('roles', 'must contain one role at most, besides permissions, for tokens like those of Clerk');
  const granted = names.filter(({ length }) => length === 3);
  const features = [...new Set(granted.map((name) => name[1]!))];
  const permissions = [...new Set(granted.map((name) => name[2]!))];
  const maskOf = (feature: string): number =>
    permissions.reduce((mask, name, bit) => mask + (granted.some((one) => one[1] === feature && one[2] === name) ? 2 ** bit : 0), 0);
  return {
    fea: features.map((feature) => `o:${feature}`).join(','),
    o: { id: 'org_123', slg: 'acme', rol: role, per: permissions.join(','), fpm: features.map((feature) => maskOf(feature)).join(',') },
  };
}
