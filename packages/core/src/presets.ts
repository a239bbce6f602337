/**
 * Options for the authorization servers of single providers.
 *
 * @module
 */
export { auth0, type Auth0Options } from './presets/auth0.js';
export { cognito, type CognitoOptions } from './presets/cognito.js';
export { entraId, type EntraIdOptions } from './presets/entra-id.js';
export { google, type GoogleOptions } from './presets/google.js';
export { keycloak, type KeycloakOptions } from './presets/keycloak.js';
export { okta, type OktaOptions } from './presets/okta.js';
export type { PresetOptions, PresetResult } from './presets/preset.js';
