import { didYouMean, misuse } from '@tokenward/core/adapter';
import { auth0 } from './auth0.js';
import { authentik } from './authentik.js';
import { azureAdB2c } from './azure-ad-b2c.js';
import { clerk } from './clerk.js';
import { cognito } from './cognito.js';
import { entraExternalId } from './entra-external-id.js';
import { entraId } from './entra-id.js';
import { firebase } from './firebase.js';
import { githubActions } from './github-actions.js';
import { gitlabCi } from './gitlab-ci.js';
import { google } from './google.js';
import { keycloak } from './keycloak.js';
import { kubernetes } from './kubernetes.js';
import { okta } from './okta.js';
import { pingFederate } from './ping-federate.js';
import { pingOne } from './ping-one.js';
import type { ProviderShape } from './provider-shape.js';
import { spiffe } from './spiffe.js';
import { standard } from './standard.js';
import { supabase } from './supabase.js';
import { workos } from './workos.js';
import { zitadel } from './zitadel.js';

/** The providers whose tokens the test issuer can imitate: one file each, named like the preset of `@tokenward/core/presets`. */
const SHAPES = {
  auth0,
  authentik,
  azureAdB2c,
  clerk,
  cognito,
  entraExternalId,
  entraId,
  firebase,
  githubActions,
  gitlabCi,
  google,
  keycloak,
  kubernetes,
  okta,
  pingFederate,
  pingOne,
  spiffe,
  supabase,
  workos,
  zitadel,
} satisfies Readonly<Record<string, ProviderShape>>;

/** A provider whose access tokens the test issuer imitates. */
export type ProviderName = keyof typeof SHAPES;

/** @throws ConfigurationError if there is no such provider */
export function shapeOf(like: ProviderName | undefined): ProviderShape {
  if (like === undefined) return standard;
  if (Object.hasOwn(SHAPES, like)) return SHAPES[like];
  const known = Object.keys(SHAPES);
  throw misuse('like', `must be a provider${didYouMean(like, known)} (providers: ${known.join(', ')})`);
}
