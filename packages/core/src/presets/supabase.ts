import type { ClaimsSchema } from '../auth/claims-schema.js';
import { keepDemands } from '../issuer/merged-options.js';
import type { GuardOptions } from '../options.js';
import { finish, readPreset, readServer, withKnown, type PresetOptions, type PresetResult } from './preset.js';

export interface SupabaseOptions extends Omit<PresetOptions, 'audience'> {
  /** The project's reference, as in `https://<reference>.supabase.co`. */
  readonly projectRef?: string | undefined;
  /** The address of the project, instead of `projectRef`: a custom domain, your own server, or `http://127.0.0.1:54321` of the CLI. */
  readonly url?: string | undefined;
  /** Default: `authenticated`, which Supabase Auth writes into the tokens of all users. */
  readonly audience?: string | readonly string[] | undefined;
  /** Accepts anonymous users, who can create any number of accounts. Default: false. */
  readonly acceptAnonymousUsers?: boolean | undefined;
  /** Accepts tokens that users granted to OAuth clients of the project, such as MCP clients. Default: false. */
  readonly acceptOAuthClients?: boolean | undefined;
}

/**
 * Returns the options for access tokens of the users of a Supabase project.
 *
 * - The keys come from the project's JWKS. For the legacy JWT secret (HS256), set `sharedSecrets: { utf8: process.env.SUPABASE_JWT_SECRET }`; while a project
 *   migrates, also `algorithms: ['HS256', 'ES256']`, and both are accepted.
 * - The keys `anon` and `service_role` are JWTs too. They are refused: they belong to no user, and every browser has the key `anon`.
 * - Roles are read from `app_metadata.roles` and `user_role`, which only your server and your hooks write. Users can change their `user_metadata`.
 *
 * @see https://supabase.com/docs/guides/auth/jwt-fields
 * @throws ConfigurationError that lists all invalid options
 *
 * @example createGuard(supabase({ projectRef: 'abcdefghijklmnopqrst' }))
 */
export function supabase<S extends ClaimsSchema | undefined = undefined>(options: SupabaseOptions & { readonly claims?: S }): PresetResult<S> {
  const { reader, rest } = readPreset('supabase', options, ['projectRef', 'url', 'acceptAnonymousUsers', 'acceptOAuthClients']);
  const server = readServer(reader, 'projectRef', /^[a-z0-9]{20}$/, 'a reference such as abcdefghijklmnopqrst', (ref) => `https://${ref}.supabase.co`);
  const jwksUri = `${server}/auth/v1/.well-known/jwks.json`;
  const merged = withKnown(reader, rest, {
    requiredClaims: ['sub', 'session_id'],
    requiredValues: { role: 'authenticated' },
    forbiddenClaims: reader.flag('acceptOAuthClients') ? undefined : ['client_id'],
    forbiddenValues: reader.flag('acceptAnonymousUsers') ? undefined : { is_anonymous: true },
    rolesClaim: [['app_metadata', 'roles'], ['user_role']],
    jwksUri,
  });
  const issued = { ...merged, ...(migrates(rest) && { jwksUri }), audience: rest.audience ?? 'authenticated', issuer: `${server}/auth/v1` };
  return finish(reader, () => keepDemands(issued) as PresetResult<S>);
}

/** Whether the options have the legacy secret, and list algorithms of the project's key pairs as well. */
function migrates({ sharedSecrets, sharedSecretsFile, algorithms, jwks, jwksFile, jwksUri }: GuardOptions): boolean {
  if ((sharedSecrets ?? sharedSecretsFile) === undefined || (jwks ?? jwksFile ?? jwksUri) !== undefined || !Array.isArray(algorithms)) return false;
  return algorithms.some((name) => typeof name === 'string' && !name.startsWith('HS'));
}
