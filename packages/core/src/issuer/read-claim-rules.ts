import type { NamesReader, NamesSource } from '../auth/names.js';
import { type OptionReader } from '../lib/option-reader.js';
import { shown, shownMember } from '../lib/shown-option.js';
import { RFC9068_CLAIMS, type ClaimRules } from './claim-rules.js';
import type { RequiredValue } from './issuer-options.js';

export const MAX_CLOCK_SKEW_SECONDS = 300;

/** Reads what the issuer's tokens are held against. */
export function readClaimRules(reader: OptionReader, issuer: string, environment: boolean): ClaimRules {
  const profile = readProfile(reader);
  return {
    issuer,
    audiences: readAudiences(reader, environment),
    clockSkewSeconds: readClockSkew(reader),
    requiredClaims: [...(profile ? RFC9068_CLAIMS : []), ...(reader.texts('requiredClaims') ?? [])],
    requiredValues: readRequiredValues(reader),
    forbiddenClaims: reader.texts('forbiddenClaims') ?? [],
    maxTokenAgeSeconds: reader.optionalNumber('maxTokenAgeSeconds', { least: 1 }),
    maxTokenLifetimeSeconds: reader.optionalNumber('maxTokenLifetimeSeconds', { least: 1 }),
    allowedClients: asSet(reader.texts('allowedClients')),
    clientIdClaim: reader.get('clientIdClaim') === undefined ? undefined : reader.text('clientIdClaim', ''),
    profile,
    rolesFrom: readNamesSource(reader, 'rolesClaim') ?? [['roles']],
    scopesFrom: readNamesSource(reader, 'scopesClaim'),
    acceptWithoutIssuedAt: readIssuedAtOption(reader),
  };
}

function readAudiences(reader: OptionReader, environment: boolean): ReadonlySet<string> | undefined {
  const given = reader.get('audience');
  if (reader.flag('unsafeAcceptTokensForAnyAudience')) {
    if (given !== undefined) reader.wrong('unsafeAcceptTokensForAnyAudience', 'stands beside audience: give one of them');
    return undefined;
  }
  const audience = given === undefined && environment ? process.env['AUDIENCE'] : given;
  const audiences: unknown[] = Array.isArray(audience) ? audience : [audience];
  if (audience === undefined || audience === '' || audiences.length === 0) {
    reader.wrong(
      'audience',
      `is missing: give this API's identifier, as the authorization server writes it into aud${environment ? ', or set AUDIENCE in the environment' : ''}`,
    );
  } else if (audiences.includes(undefined) || !audiences.every((value) => typeof value === 'string' && value !== '' && value === value.trim())) {
    reader.wrong(
      'audience',
      `is ${shown(audience)}${given === undefined ? ' (given by AUDIENCE)' : ''}: a string or a list of strings is needed, none of them empty or with white space around it`,
    );
  }
  return new Set(audiences as string[]);
}

function readProfile(reader: OptionReader): 'rfc9068' | undefined {
  const profile = reader.get('profile');
  if (profile === undefined || profile === 'rfc9068') return profile;
  reader.wrong('profile', `is ${shown(profile, ['rfc9068'])}: 'rfc9068' is the only one, and without it tokens of any profile pass`);
  return undefined;
}

export function readClockSkew(reader: OptionReader): number {
  return reader.number('clockSkewSeconds', 30, { least: 0, most: MAX_CLOCK_SKEW_SECONDS });
}

function readRequiredValues(reader: OptionReader): ClaimRules['requiredValues'] {
  const given = reader.get('requiredValues');
  if (given === undefined) return new Map();
  const entries = typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.entries(given) : [];
  if (entries.length === 0) reader.wrong('requiredValues', `is ${shown(given)}: an object is needed, from names of claims to a value or a list of values`);
  return new Map(
    entries.map(([name, value]) => {
      const values: unknown[] = [value].flat();
      if (values.length === 0 || !values.every((one) => ['string', 'number', 'boolean'].includes(typeof one) && one !== '')) {
        reader.wrong(`requiredValues.${shownMember(name)}`, 'needs a value, or a list of values: strings, numbers or booleans');
      }
      return [name, new Set(values as RequiredValue[])];
    }),
  );
}

function readNamesSource(reader: OptionReader, name: 'rolesClaim' | 'scopesClaim'): NamesSource | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  if (typeof given === 'function') return given as NamesReader;
  if (!Array.isArray(given)) {
    const claim = reader.text(name, '');
    if (LOOKS_LIKE_A_PATH.test(claim)) {
      const [path, itself] = shownMember(claim) === claim ? [claim.split('.'), claim] : [['...', '...'], '...'];
      const written = path.map((part) => `'${part}'`).join(', ');
      reader.wrong(
        name,
        `is ${shown(claim, 'name')}, which looks like a path. Write the path as [${written}], or ['${itself}'] for a claim with dots in its name.`,
      );
    }
    return [[claim]];
  }
  if (!given.every(Array.isArray)) return [reader.texts(name) ?? []];
  const paths = given as unknown[][];
  if (paths.length > 0 && paths.every((path) => path.length > 0 && path.every((part) => typeof part === 'string' && part !== ''))) return paths as string[][];
  reader.wrong(name, 'holds a path that is empty, or that holds something else than names');
  return [];
}

/** `realm_access.roles`; a name with a slash or a colon (`https://example.com/roles`) is a name. */
const LOOKS_LIKE_A_PATH = /^[\w-]+(?:\.[\w-]+)+$/;

function readIssuedAtOption(reader: OptionReader): boolean {
  if (!reader.flag('unsafeAcceptTokensWithoutIssuedAt')) return false;
  for (const name of ['maxTokenAgeSeconds', 'maxTokenLifetimeSeconds', 'profile'] as const) {
    if (reader.get(name) === undefined) continue;
    reader.wrong(name, 'needs iat in every token: it cannot be combined with unsafeAcceptTokensWithoutIssuedAt. Leave one of them out.');
  }
  return true;
}

function asSet(values: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return values && new Set(values);
}
