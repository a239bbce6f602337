/**
 * Options for the authorization servers of single providers.
 *
 * @module
 */
export { auth0, type Auth0Options } from './presets/auth0.js';
export { authentik, type AuthentikOptions } from './presets/authentik.js';
export { azureAdB2c, type AzureAdB2cOptions } from './presets/azure-ad-b2c.js';
export { clerk, type ClerkOptions } from './presets/clerk.js';
export { cognito, type CognitoOptions } from './presets/cognito.js';
export { entraExternalId, type EntraExternalIdOptions } from './presets/entra-external-id.js';
export { entraId, type EntraIdOptions } from './presets/entra-id.js';
export { firebase, type FirebaseOptions } from './presets/firebase.js';
export { githubActions, type GithubActionsOptions } from './presets/github-actions.js';
export { gitlabCi, type GitlabCiOptions } from './presets/gitlab-ci.js';
export { google, type GoogleOptions } from './presets/google.js';
export { keycloak, type KeycloakOptions } from './presets/keycloak.js';
export { kubernetes, type KubernetesOptions } from './presets/kubernetes.js';
export { okta, type OktaOptions } from './presets/okta.js';
export { pingFederate, type PingFederateOptions } from './presets/ping-federate.js';
export { pingOne, type PingOneOptions } from './presets/ping-one.js';
export { spiffe, type SpiffeOptions } from './presets/spiffe.js';
export { supabase, type SupabaseOptions } from './presets/supabase.js';
export { workos, type WorkosOptions } from './presets/workos.js';
export { zitadel, type ZitadelOptions } from './presets/zitadel.js';
export type { PresetOptions, PresetResult } from './presets/preset.js';
