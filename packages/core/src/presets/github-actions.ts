import type { ClaimsSchema } from '../auth/claims-schema.js';
import type { ClaimValues } from '../issuer/issuer-options.js';
import { keepDemands } from '../issuer/merged-options.js';
import { finish, readDomain, readPreset, readText, readValues, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface GithubActionsOptions extends PresetOptions {
  /** The repositories whose workflows may call: `octo-org/octo-repo`, in the spelling of GitHub. */
  readonly repositories?: readonly string[] | undefined;
  /** The repositories by ID, which stays the same if one is renamed, and is never used again if one is deleted. */
  readonly repositoryIds?: readonly string[] | undefined;
  /** The owners. All of their repositories may call: `octo-org`. */
  readonly owners?: readonly string[] | undefined;
  /** The owners by ID. */
  readonly ownerIds?: readonly string[] | undefined;
  /** The refs that workflows may run for: `refs/heads/main`, `refs/tags/v1.0.0`. Default: any. */
  readonly refs?: readonly string[] | undefined;
  /** The deployment environments that jobs may have. Default: any or none. */
  readonly environments?: readonly string[] | undefined;
  /** The workflows that may call, with the ref of each: `octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main`. Default: any. */
  readonly workflows?: readonly string[] | undefined;
  /** The events that may start workflows. Default: all but `pull_request` and `pull_request_target`. */
  readonly events?: readonly string[] | undefined;
  /** The slug of the enterprise, if it has an issuer of its own. */
  readonly enterprise?: string | undefined;
  /** The host of GitHub Enterprise Server: `github.example.com`. */
  readonly domain?: string | undefined;
}

/**
 * Returns the options for the OIDC tokens of jobs of GitHub Actions.
 *
 * - Any workflow on GitHub can get a token for any `aud`, so at least one of `repositories`, `repositoryIds`, `owners` and `ownerIds` is required.
 * - A pull request can change the workflow that asks for the token. Tokens of workflows that one started are refused unless `events` lists them.
 * - `auth.clientId` is the repository. These tokens have no scopes or roles: use `claim(...)` or `policy(...)`.
 *
 * @see https://docs.github.com/en/actions/reference/security/oidc
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(githubActions({ audience: 'https://api.example.com', repositories: ['octo-org/octo-repo'], refs: ['refs/heads/main'] }))
 */
export function githubActions<S extends ClaimsSchema | undefined = undefined>(options: GithubActionsOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('githubActions', options, [...Object.keys(CLAIMS), 'enterprise', 'domain']);
  const requiredValues: ClaimValues = readValues(reader, CLAIMS);
  if (OWNERSHIP.every((name) => reader.get(name) === undefined))
    reader.wrong('repositories', 'is missing: set it, repositoryIds, owners or ownerIds, since every workflow on GitHub can get a token for this audience');
  const enterprise = reader.get('enterprise') === undefined ? '' : `/${readText(reader, 'enterprise', /^[A-Za-z0-9_-]+$/, 'the slug of the enterprise')}`;
  const hasServer = reader.get('domain') !== undefined;
  if (hasServer && enterprise) reader.wrong('enterprise', 'cannot be combined with domain. Set only one of them');
  const issuer = hasServer ? `https://${readDomain(reader, 'github.example.com')}/_services/token` : `https://token.actions.githubusercontent.com${enterprise}`;
  const merged = withKnown(reader, rest, {
    requiredClaims: ['sub', 'repository', 'repository_owner', 'run_id'],
    requiredValues,
    forbiddenValues: reader.get('events') === undefined ? { event_name: ['pull_request', 'pull_request_target'] } : undefined,
    clientIdClaim: 'repository',
  });
  return finish(reader, () => keepDemands({ ...merged, issuer }) as PresetResult<S>);
}

const OWNERSHIP = ['repositories', 'repositoryIds', 'owners', 'ownerIds'];

/** The options that list values of claims. None is a pattern: a prefix such as `octo-org/` would also match what others can create. */
const CLAIMS = {
  repositories: { claim: 'repository', form: /^[A-Za-z0-9-]+\/[\w.-]+$/, wanted: 'a list of repositories such as octo-org/octo-repo (not patterns)' },
  repositoryIds: { claim: 'repository_id', form: /^\d+$/, wanted: 'a list of IDs, as strings of digits' },
  owners: { claim: 'repository_owner', form: /^[A-Za-z0-9-]+$/, wanted: 'a list of owners such as octo-org (not patterns)' },
  ownerIds: { claim: 'repository_owner_id', form: /^\d+$/, wanted: 'a list of IDs, as strings of digits' },
  refs: { claim: 'ref', form: /^refs\/[^*?\s]+$/, wanted: 'a list of full refs such as refs/heads/main (not patterns)' },
  environments: { claim: 'environment', form: /^[^*]+$/, wanted: 'a list of environments (not patterns)' },
  workflows: {
    claim: 'job_workflow_ref',
    form: /^[^\s@*]+\/[^\s@*]+\/\.github\/workflows\/[^\s@*]+@[^\s*]+$/,
    wanted: 'a list such as octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main (not patterns)',
  },
  events: { claim: 'event_name', form: /^[a-z_]+$/, wanted: 'a list of events such as push' },
};
