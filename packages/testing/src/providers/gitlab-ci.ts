import { assertNone, type ProviderShape } from './provider-shape.js';

/**
 * ID tokens of jobs that run for the protected branch main. `clientId` is the project.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication
 */
export const gitlabCi: ProviderShape = {
  path: '',
  type: 'JWT',
  claims({ issuer, audience, clientId = 'my-group/my-project', subject, scopes, roles, issuedAt, expiresAt }) {
    assertNone('GitLab CI', 'scopes', scopes, 'Set other claims');
    assertNone('GitLab CI', 'roles', roles, 'Set other claims');
    return {
      namespace_path: clientId.slice(0, clientId.lastIndexOf('/')),
      namespace_id: '72',
      project_path: clientId,
      project_id: '20',
      pipeline_id: '574',
      pipeline_source: 'push',
      job_id: '302',
      ref: 'main',
      ref_type: 'branch',
      ref_protected: 'true',
      jti: crypto.randomUUID(),
      iss: issuer,
      aud: audience,
      sub: subject ?? `project_path:${clientId}:ref_type:branch:ref:main`,
      nbf: issuedAt,
      iat: issuedAt,
      exp: expiresAt,
    };
  },
};
