import type { NamesReader, NamesSource } from '../auth/names.js';
import type { OptionReader } from '../lib/option-reader.js';
import { shown, shownMember } from '../lib/shown-option.js';
import type { ClaimRules } from './claim-rules.js';
import type { RequiredValue } from './issuer-options.js';

// The readers of those options of an issuer that say what its tokens must claim.

export const MAX_CLOCK_SKEW_SECONDS = 300;

const AUDIENCE_FORM = 'must be a non-empty string or a list of such strings, without white space around them';

/** Reads `audience`. Whether it is missing depends on other options and on the environment: see `requireAudience`. */
export function readAudience(reader: OptionReader, name: string): readonly string[] | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  const audiences: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (audiences.length > 0 && !audiences.includes(undefined) && audiences.every(isTrimmed)) return audiences as readonly string[];
  reader.wrong(name, `${AUDIENCE_FORM} (got ${shown(given)})`);
  return undefined;
}

/**
 * Returns the accepted audiences: those of the option, or that of the environment. undefined means any.
 *
 * @param environment whether the guard may read `AUDIENCE`
 */
export function requireAudience(
  reader: OptionReader,
  audience: readonly string[] | undefined,
  acceptsAny: boolean,
  environment: boolean,
): ReadonlySet<string> | undefined {
  const isSet = reader.get('audience') !== undefined;
  if (acceptsAny) {
    if (isSet) reader.wrong('unsafeAcceptTokensForAnyAudience', 'cannot be combined with audience. Set only one of them');
    return undefined;
  }
  if (isSet) return new Set(audience);
  const ofEnvironment = environment ? (process.env['AUDIENCE'] ?? '') : '';
  if (ofEnvironment === '') {
    const orVariable = environment ? ', or set AUDIENCE in the environment' : '';
    reader.wrong('audience', `is missing: set it to this API's identifier, as the authorization server writes it into aud${orVariable}`);
  } else if (!isTrimmed(ofEnvironment)) reader.wrong('audience', `${AUDIENCE_FORM} (got ${shown(ofEnvironment)} from AUDIENCE)`);
  return new Set([ofEnvironment]);
}

function isTrimmed(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value === value.trim();
}

export function readProfile(reader: OptionReader, name: string): 'rfc9068' | undefined {
  const profile = reader.get(name);
  if (profile === undefined || profile === 'rfc9068') return profile;
  if (profile === 'fapi2') {
    reader.wrong(name, "cannot be 'fapi2' for one of several issuers: it is about requests, too. Set it next to issuers");
    return undefined;
  }
  reader.wrong(name, `must be 'rfc9068' or 'fapi2', or be left out to accept tokens of any profile (got ${shown(profile, ['rfc9068', 'fapi2'])})`);
  return undefined;
}

export function readRequiredValues(reader: OptionReader, name: string): ClaimRules['requiredValues'] {
  const given = reader.get(name);
  if (given === undefined) return new Map();
  const entries = typeof given === 'object' && given !== null && !Array.isArray(given) ? Object.entries(given) : [];
  if (entries.length === 0) reader.wrong(name, `must be an object from names of claims to a value or a list of values (got ${shown(given)})`);
  return new Map(
    entries.map(([claim, value]) => {
      const values: unknown[] = [value].flat();
      if (values.length === 0 || !values.every((one) => ['string', 'number', 'boolean'].includes(typeof one) && one !== '')) {
        reader.wrong(`${name}.${shownMember(claim)}`, 'must be a value or a list of values: non-empty strings, numbers or booleans');
      }
      return [claim, new Set(values as RequiredValue[])];
    }),
  );
}

/** Reads `rolesClaim` or `scopesClaim`. */
export function readNamesSource(reader: OptionReader, name: string): NamesSource | undefined {
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
  reader.wrong(name, 'must contain only paths of one or more non-empty names');
  return [];
}

/** `realm_access.roles`; a name with a slash or a colon (`https://example.com/roles`) is a name. */
const LOOKS_LIKE_A_PATH = /^[\w-]+(?:\.[\w-]+)+$/;

/** Reports options that need `iat` in every token, if tokens without it are accepted. */
export function checkIssuedAtOptions(reader: OptionReader, acceptWithoutIssuedAt: boolean): void {
  if (!acceptWithoutIssuedAt) return;
  for (const name of ['maxTokenAgeSeconds', 'maxTokenLifetimeSeconds', 'profile'] as const) {
    if (reader.get(name) === undefined) continue;
    reader.wrong(name, 'needs iat in every token, so it cannot be combined with unsafeAcceptTokensWithoutIssuedAt. Leave one of them out.');
  }
}
