import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf, times } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.gitlabCi;

describe('gitlabCi', () => {
  test('accepts ID tokens of jobs of its projects', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('gitlabCi'), token));
    expect(auth).toMatchObject({ clientId: 'my-group/my-project', scopes: [], roles: [] });
    for (const more of [{ namespaces: ['my-group'] }, { projectIds: ['20'] }])
      expect(verdictOf(await decide(optionsOf('gitlabCi', { projects: undefined, ...more }), token))).toBe('allow');
    const own = optionsOf('gitlabCi', { url: 'https://git.example.com/' });
    expect(verdictOf(await decide(own, changed(token, { iss: 'https://git.example.com' })))).toBe('allow');
  });

  test('rule 286: compares whole names, so that no prefix counts', async () => {
    await expectRefusals(optionsOf('gitlabCi'), [
      ['a project that begins like it', changed(token, { project_path: 'my-group/my-project-2' }), 'invalid_claim'],
      ['a project in a subgroup of that name', changed(token, { project_path: 'my-group/my-project/x' }), 'invalid_claim'],
      ['a project of another group', changed(token, { project_path: 'evil/my-group/my-project' }), 'invalid_claim'],
      ['a fork', changed(token, { project_path: 'evil/my-project', namespace_path: 'evil' }), 'invalid_claim'],
    ]);
    await expectRefusals(optionsOf('gitlabCi', { projects: undefined, namespaces: ['my-group'] }), [
      ['a subgroup', changed(token, { namespace_path: 'my-group/sub', project_path: 'my-group/sub/x' }), 'invalid_claim'],
      ['a group that begins like it', changed(token, { namespace_path: 'my-group-2', project_path: 'my-group-2/x' }), 'invalid_claim'],
    ]);
  });

  test.each<[object, object]>([
    [{ branches: ['feature-branch-1'] }, { ref: 'feature-branch-12' }],
    [{ branches: ['feature-branch-1'] }, { ref_type: 'tag' }],
    [{ environments: ['test-environment2'] }, { environment: 'test-environment' }],
    [{ environments: ['test-environment2'] }, { environment: undefined }],
    [{ pipelineSources: ['push'] }, { pipeline_source: 'web' }],
    [{ projectIds: ['20'] }, { project_id: '200' }],
  ])('checks %j', async (more, claims) => {
    expect(verdictOf(await decide(optionsOf('gitlabCi', more), token))).toBe('allow');
    expect(verdictOf(await decide(optionsOf('gitlabCi', more), changed(token, claims as Record<string, unknown>)))).toMatch(/_claim$/);
  });

  test('accepts tags and protected refs alone, if asked', async () => {
    const tag = changed(token, { ref: 'v1', ref_type: 'tag', ref_protected: 'true' });
    const options = optionsOf('gitlabCi', { tags: ['v1'], protectedRefsOnly: true });
    expect(verdictOf(await decide(options, tag))).toBe('allow');
    expect(verdictOf(await decide(options, changed(tag, { ref_type: 'branch' })))).toBe('invalid_claim');
    for (const ref_protected of ['false', true, undefined]) expect(verdictOf(await decide(options, changed(tag, { ref_protected })))).toMatch(/_claim$/);
  });

  test('accepts tokens of merge requests only if asked', async () => {
    for (const pipeline_source of ['merge_request_event', 'external_pull_request_event']) {
      const ofMerge = changed(token, { pipeline_source });
      expect(verdictOf(await decide(optionsOf('gitlabCi'), ofMerge))).toBe('invalid_claim');
      expect(verdictOf(await decide(optionsOf('gitlabCi', { pipelineSources: [pipeline_source] }), ofMerge))).toBe('allow');
    }
  });

  test('refuses look-alikes', async () => {
    const login = {
      iss: 'https://gitlab.com',
      sub: '4711',
      aud: 'https://api.example.com',
      auth_time: 1,
      sub_legacy: 'a',
      groups_direct: ['my-group'],
      ...times,
    };
    await expectRefusals(optionsOf('gitlabCi'), [
      ['the ID token of a person', { claims: login }, 'missing_claim'],
      ['the ID token of a person with a nonce', { claims: { ...login, nonce: 'n' } }, 'not_an_access_token'],
      ['a job token of old versions', changed(token, { iss: 'gitlab.com', aud: undefined, sub: 'job_302' }), 'issuer_mismatch'],
      ['a token for another service', changed(token, { aud: 'https://vault.example.com' }), 'audience_mismatch'],
      ['another instance', changed(token, { iss: 'https://git.example.com' }), 'issuer_mismatch'],
      ['no job', changed(token, { job_id: undefined }), 'missing_claim'],
    ]);
  });

  test.each<[object, RegExp]>([
    [{ projects: undefined }, /^projects: is missing: set it, projectIds or namespaces/],
    [{ projects: ['my-group/*'] }, /^projects: must be a list of projects/],
    [{ projects: ['my-project'] }, /^projects: must be a list of projects/],
    [{ namespaces: ['my-group/'] }, /^namespaces: must be a list of groups/],
    [{ branches: ['refs/heads/main'] }, /^branches: must be a list of branches/],
    [{ branches: ['release-*'] }, /^branches: must be a list of branches/],
    [{ branches: ['main'], tags: ['v1'] }, /^tags: cannot be combined with branches/],
    [{ url: 'git.example.com' }, /^url: is not an absolute URL/],
    [{ protectedRefsOnly: 1 }, /^protectedRefsOnly: must be true or false/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
