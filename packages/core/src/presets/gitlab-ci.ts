import type { ClaimsSchema } from '../auth/claims-schema.js';
import type { ClaimValues } from '../issuer/issuer-options.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readBaseUrl, readPreset, readValues, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface GitlabCiOptions extends PresetOptions {
  /** The address of the GitLab instance. Default: `https://gitlab.com`. */
  readonly url?: string | undefined;
  /** The projects whose jobs may call: `group/project`. */
  readonly projects?: readonly string[] | undefined;
  /** The projects by ID, which stays the same if one is renamed or moved. */
  readonly projectIds?: readonly string[] | undefined;
  /** The groups or users, of whose own projects all may call: `group`, `group/subgroup`. Projects of subgroups are not their own. */
  readonly namespaces?: readonly string[] | undefined;
  /** The branches that jobs may run for. Default: any branch or tag. */
  readonly branches?: readonly string[] | undefined;
  /** The tags that jobs may run for, instead of `branches`. */
  readonly tags?: readonly string[] | undefined;
  /** Demands that the branch or tag is protected. Default: false. */
  readonly protectedRefsOnly?: boolean | undefined;
  /** The deployment environments that jobs may have. Default: any or none. */
  readonly environments?: readonly string[] | undefined;
  /** What may start pipelines (`pipeline_source`). Default: all but `merge_request_event` and `external_pull_request_event`. */
  readonly pipelineSources?: readonly string[] | undefined;
}

/**
 * Returns the options for the ID tokens of jobs of GitLab CI/CD (`id_tokens` in `.gitlab-ci.yml`).
 *
 * - A job chooses `aud`, and any project of the instance can choose yours, so at least one of `projects`, `projectIds` and `namespaces` is required.
 * - A merge request can change what a job does, and a fork can name its branch `main`. Tokens of such pipelines are refused unless `pipelineSources` lists them.
 * - ID tokens of people who log in with GitLab have the same issuer. They are refused: they name no job.
 * - `auth.clientId` is the project. These tokens have no scopes or roles: use `claim(...)` or `policy(...)`.
 *
 * @see https://docs.gitlab.com/ci/secrets/id_token_authentication
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(gitlabCi({ audience: 'https://api.example.com', projects: ['group/project'], branches: ['main'], protectedRefsOnly: true }))
 */
export function gitlabCi<S extends ClaimsSchema | undefined = undefined>(options: GitlabCiOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('gitlabCi', options, [...Object.keys(CLAIMS), 'url', 'protectedRefsOnly']);
  const issuer = reader.get('url') === undefined ? 'https://gitlab.com' : readBaseUrl(reader, 'url');
  const values: ClaimValues = readValues(reader, CLAIMS);
  if (['projects', 'projectIds', 'namespaces'].every((name) => reader.get(name) === undefined))
    reader.wrong('projects', 'is missing: set it, projectIds or namespaces, since every project of the instance can get a token for this audience');
  const [ofBranches, ofTags] = [reader.get('branches') !== undefined, reader.get('tags') !== undefined];
  if (ofBranches && ofTags) reader.wrong('tags', 'cannot be combined with branches, which have the same names. Create a guard for each');
  const merged = withKnown(reader, rest, {
    requiredClaims: ['sub', 'job_id', 'project_path', 'namespace_path'],
    requiredValues: {
      ...values,
      ...((ofBranches || ofTags) && { ref_type: ofTags ? 'tag' : 'branch' }),
      ...(reader.flag('protectedRefsOnly') && { ref_protected: 'true' }),
    },
    forbiddenValues: reader.get('pipelineSources') === undefined ? { pipeline_source: ['merge_request_event', 'external_pull_request_event'] } : undefined,
    clientIdClaim: 'project_path',
  });
  return finish(reader, () => keepDemands({ ...merged, issuer }) as PresetResult<S>);
}

const REF = /^(?!refs\/)[^*?\s]+$/;

/** The options that list values of claims. None is a pattern: a prefix such as `group/` would also match what others can create. */
const CLAIMS = {
  projects: { claim: 'project_path', form: /^[\w.-]+(?:\/[\w.-]+)+$/, wanted: 'a list of projects such as group/project (not patterns)' },
  projectIds: { claim: 'project_id', form: /^\d+$/, wanted: 'a list of IDs, as strings of digits' },
  namespaces: { claim: 'namespace_path', form: /^[\w.-]+(?:\/[\w.-]+)*$/, wanted: 'a list of groups such as group/subgroup (not patterns)' },
  branches: { claim: 'ref', form: REF, wanted: 'a list of branches such as main (not patterns, and without refs/heads/)' },
  tags: { claim: 'ref', form: REF, wanted: 'a list of tags such as v1.0.0 (not patterns, and without refs/tags/)' },
  environments: { claim: 'environment', form: /^[^*]+$/, wanted: 'a list of environments (not patterns)' },
  pipelineSources: { claim: 'pipeline_source', form: /^[a-z_]+$/, wanted: 'a list of sources such as push' },
};
