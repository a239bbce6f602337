import { assertNone, type ProviderShape } from './provider-shape.js';

/**
 * Tokens of jobs that run for the branch main. `clientId` is the repository.
 *
 * @see https://docs.github.com/en/actions/reference/security/oidc
 */
export const githubActions: ProviderShape = {
  path: '',
  type: 'JWT',
  claims({ issuer, audience, clientId = 'octo-org/octo-repo', subject = `repo:${clientId}:ref:refs/heads/main`, scopes, roles, issuedAt, expiresAt }) {
    assertNone('GitHub Actions', 'scopes', scopes, 'Set other claims');
    assertNone('GitHub Actions', 'roles', roles, 'Set other claims');
    return {
      jti: crypto.randomUUID(),
      sub: subject,
      aud: audience,
      ref: 'refs/heads/main',
      ref_type: 'branch',
      repository: clientId,
      repository_owner: clientId.split('/')[0],
      repository_id: '74',
      repository_owner_id: '65',
      repository_visibility: 'private',
      run_id: '1234567890',
      event_name: 'push',
      workflow: 'deploy',
      job_workflow_ref: `${clientId}/.github/workflows/deploy.yml@refs/heads/main`,
      iss: issuer,
      nbf: issuedAt,
      iat: issuedAt,
      exp: expiresAt,
    };
  },
};
