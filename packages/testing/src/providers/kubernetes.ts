import { misuse } from '@tokenward/core/adapter';
import { assertNone, type ProviderShape } from './provider-shape.js';

/**
 * Projected tokens of service accounts. The subject is `system:serviceaccount:<namespace>:<name>`.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
 */
export const kubernetes: ProviderShape = {
  path: '',
  type: undefined,
  claims({ issuer, audience, subject = 'system:serviceaccount:default:test', clientId, scopes, roles, issuedAt, expiresAt }) {
    assertNone('Kubernetes', 'scopes', scopes, 'Tell callers apart by subject');
    assertNone('Kubernetes', 'roles', roles, 'Tell callers apart by subject');
    const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(subject) ?? [];
    if (namespace === undefined) throw misuse('subject', 'must be "system:serviceaccount:<namespace>:<name>" for tokens like those of Kubernetes');
    return {
      aud: [audience].flat(),
      client_id: clientId,
      exp: expiresAt,
      iat: issuedAt,
      iss: issuer,
      jti: crypto.randomUUID(),
      'kubernetes.io': { namespace, serviceaccount: { name, uid: crypto.randomUUID() }, pod: { name: 'test-pod', uid: crypto.randomUUID() } },
      nbf: issuedAt,
      sub: subject,
    };
  },
};
