import { didYouMean, misuse } from '@tokenward/core/adapter';
import { auth0 } from './auth0.js';
import { cognito } from './cognito.js';
import { entraId } from './entra-id.js';
import { google } from './google.js';
import { keycloak } from './keycloak.js';
import { okta } from './okta.js';
import type { ProviderShape } from './provider-shape.js';
import { standard } from './standard.js';

/** The providers whose tokens the test issuer can imitate: one file each, named like the preset of `@tokenward/core/presets`. */
const SHAPES = { auth0, cognito, entraId, google, keycloak, okta } satisfies Readonly<Record<string, ProviderShape>>;

/** A provider whose access tokens the test issuer imitates. */
export type ProviderName = keyof typeof SHAPES;

/** @throws ConfigurationError if there is no such provider */
export function shapeOf(like: ProviderName | undefined): ProviderShape {
  if (like === undefined) return standard;
  if (Object.hasOwn(SHAPES, like)) return SHAPES[like];
  const known = Object.keys(SHAPES);
  throw misuse('like', `must be a provider${didYouMean(like, known)} (providers: ${known.join(', ')})`);
}
