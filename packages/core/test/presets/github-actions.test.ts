import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.githubActions;

describe('githubActions', () => {
  test('accepts tokens of jobs of its repositories', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('githubActions'), token));
    expect(auth).toMatchObject({ subject: 'repo:octo-org/octo-repo:environment:prod', clientId: 'octo-org/octo-repo', scopes: [], roles: [] });
    for (const more of [{ owners: ['octo-org'] }, { ownerIds: ['65'] }, { repositoryIds: ['74'] }])
      expect(verdictOf(await decide(optionsOf('githubActions', { repositories: undefined, ...more }), token))).toBe('allow');
  });

  test('rule 286: compares whole names, so that no prefix counts', async () => {
    await expectRefusals(optionsOf('githubActions'), [
      ['a repository that begins like it', changed(token, { repository: 'octo-org/octo-repo-2' }), 'invalid_claim'],
      ['a repository of another owner', changed(token, { repository: 'evil/octo-repo', repository_owner: 'evil' }), 'invalid_claim'],
      ['an owner that begins like it', changed(token, { repository: 'octo-org-2/octo-repo' }), 'invalid_claim'],
      ['another spelling', changed(token, { repository: 'Octo-Org/octo-repo' }), 'invalid_claim'],
      ['the repository only in sub', changed(token, { repository: undefined }), 'missing_claim'],
    ]);
    await expectRefusals(optionsOf('githubActions', { repositories: undefined, owners: ['octo-org'] }), [
      ['another owner', changed(token, { repository_owner: 'octo-org-2' }), 'invalid_claim'],
    ]);
    for (const pattern of ['octo-org/*', 'octo-org', 'octo-org/', 'https://github.com/octo-org/octo-repo'])
      expect(problemsOf(() => options({ repositories: [pattern] }))).toEqual([expect.stringMatching(/^repositories: must be a list of repositories/)]);
  });

  test.each<[object, object]>([
    [{ refs: ['refs/heads/main'] }, { ref: 'refs/heads/main-2' }],
    [{ refs: ['refs/heads/main'] }, { ref: 'refs/tags/main' }],
    [{ environments: ['prod'] }, { environment: 'production' }],
    [{ environments: ['prod'] }, { environment: undefined }],
    [
      { workflows: ['octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main'] },
      { job_workflow_ref: 'octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/evil' },
    ],
    [{ events: ['workflow_dispatch'] }, { event_name: 'push' }],
    [{ repositoryIds: ['74'] }, { repository_id: '75' }],
    [{ ownerIds: ['65'] }, { repository_owner_id: '66' }],
  ])('checks %j', async (more, claims) => {
    expect(verdictOf(await decide(optionsOf('githubActions', more), token))).toBe('allow');
    expect(verdictOf(await decide(optionsOf('githubActions', more), changed(token, claims as Record<string, unknown>)))).toMatch(/_claim$/);
  });

  test('accepts tokens of pull requests only if asked', async () => {
    for (const event_name of ['pull_request', 'pull_request_target']) {
      const ofPull = changed(token, { event_name, ref: 'refs/heads/main' });
      expect(verdictOf(await decide(optionsOf('githubActions'), ofPull))).toBe('invalid_claim');
      expect(verdictOf(await decide(optionsOf('githubActions', { events: [event_name] }), ofPull))).toBe('allow');
    }
  });

  test('refuses look-alikes', async () => {
    await expectRefusals(optionsOf('githubActions'), [
      ['the default audience', changed(token, { aud: 'https://github.com/octo-org' }), 'audience_mismatch'],
      ['the issuer of an enterprise', changed(token, { iss: 'https://token.actions.githubusercontent.com/octocat-inc' }), 'issuer_mismatch'],
      ['GitHub Enterprise Server', changed(token, { iss: 'https://github.example.com/_services/token' }), 'issuer_mismatch'],
      ['a token of no run', changed(token, { run_id: undefined }), 'missing_claim'],
    ]);
    const ofServer = optionsOf('githubActions', { domain: 'github.example.com' });
    expect(verdictOf(await decide(ofServer, changed(token, { iss: 'https://github.example.com/_services/token' })))).toBe('allow');
    const ofEnterprise = optionsOf('githubActions', { enterprise: 'octocat-inc' });
    expect(verdictOf(await decide(ofEnterprise, changed(token, { iss: 'https://token.actions.githubusercontent.com/octocat-inc' })))).toBe('allow');
  });

  test.each<[object, RegExp]>([
    [{ repositories: undefined }, /^repositories: is missing: set it, repositoryIds, owners or ownerIds/],
    [{ owners: ['octo-*'] }, /^owners: must be a list of owners/],
    [{ refs: ['main'] }, /^refs: must be a list of full refs/],
    [{ refs: ['refs/heads/*'] }, /^refs: must be a list of full refs/],
    [{ repositoryIds: [74] }, /^repositoryIds: must be a list/],
    [{ workflows: ['deploy.yml'] }, /^workflows: must be a list such as/],
    [{ enterprise: 'a/b' }, /^enterprise: must be the slug/],
    [{ enterprise: 'a', domain: 'github.example.com' }, /^enterprise: cannot be combined with domain/],
    [{ requiredValues: { repository: 'a/b' } }, /^requiredValues\.repository: is already required/],
    [{ audience: undefined }, /^audience: is missing/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
