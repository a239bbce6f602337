import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createResourceGuard, type ConfigurationError, type ConfigurationProblem, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { printable } from '@tokenward/core/store';
import { shownAddress } from '../lib/harmless.js';
import { presetFor } from '../presets.js';
import { fail, note, ok, warn, type Check } from './check.js';

/** Starts a guard with the options, as the API does; or returns what is wrong with them. */
export function startGuard(options: GuardOptions): { readonly guard: ResourceGuard } | { readonly problems: readonly ConfigurationProblem[] } {
  try {
    return { guard: createResourceGuard(options) };
  } catch (error) {
    const { problems } = error as Partial<ConfigurationError>;
    if (!problems) throw error;
    return { problems };
  }
}

/** Has a guard fetch the keys of its issuers, and closes it. */
export async function checkGuard(guard: ResourceGuard, issuers: number): Promise<Check> {
  const listen = (): void => {};
  subscribe('tokenward:keys-failed', listen);
  try {
    await guard.warm();
    const ofTenants = guard.health().issuers.length < issuers;
    return ok('guard', `a guard with these options starts${ofTenants ? '. It fetches the keys of a tenant with the first token' : ' and has its keys'}`);
  } catch (error) {
    return fail('guard', printable((error as Error).message, 400), 'Mend what failed above. Until then, the API answers 503.');
  } finally {
    await guard.close();
    unsubscribe('tokenward:keys-failed', listen);
  }
}

/** Says which preset fits the issuer, and how to write it. */
export function checkPreset(issuer: string, preset: string | undefined): Check {
  const fitting = presetFor(issuer);
  if (!fitting) return note('preset', preset === undefined ? 'no preset is for this issuer, so the guard gets issuer and audience' : `${preset} is used`);
  if (preset === fitting.name) return ok('preset', `${preset} fits the issuer`);
  const options = [
    ...Object.entries(fitting.options).map(([name, value]) => `${name}: '${shownAddress(value)}'`),
    ...fitting.alsoNeeds.map((name) => `${name}: [...]`),
    'audience',
  ];
  return note(
    'preset',
    `${fitting.name} fits the issuer`,
    `createGuard(${fitting.name}({ ${options.join(', ')} })) also checks what is special to its tokens.`,
  );
}

const WHAT_IT_IS =
  "It is the name of this API at the authorization server: Auth0 calls it the API's identifier, Okta the audience, Entra ID the application's client ID, Keycloak needs an audience mapper.";

/** Checks the audience for what people often take for it. */
export function checkAudience(audiences: readonly string[], options: GuardOptions): readonly Check[] {
  if (audiences.length === 0) {
    if (options.unsafeAcceptTokensForAnyAudience === true)
      return [warn('audience', 'tokens for any API are accepted', 'Set audience: otherwise another API that gets a token can use it here.')];
    return [warn('audience', 'no --audience was given, so nothing says whether tokens fit', WHAT_IT_IS)];
  }
  return audiences.map((audience) => {
    const shown = JSON.stringify(printable(audience, 100));
    if (audience === 'account')
      return warn(
        'audience',
        `${shown} is in almost every token of Keycloak, for its own account pages`,
        'Add an audience mapper for this API to a client scope, and use its name.',
      );
    if (audience === options.issuer) return warn('audience', `${shown} is the issuer itself`, WHAT_IT_IS);
    if (audience.endsWith('/userinfo')) return warn('audience', `${shown} is the issuer's endpoint for clients`, WHAT_IT_IS);
    if (audience.includes(',')) return warn('audience', `${shown} has a comma`, 'Repeat --audience for several names; in the options, write a list.');
    return ok('audience', `tokens must have ${shown} in aud`);
  });
}
