import type { NamesReader, NamesSource } from '../auth/names.js';
import type { OptionReader } from '../lib/option-reader.js';
import { shown, shownMember } from '../lib/shown-option.js';
import type { ClaimRules, MemberValues } from './claim-rules.js';
import type { ClaimValue } from './issuer-options.js';

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

export function readProfile(reader: OptionReader, name: string): ClaimRules['profile'] {
  const profile = reader.get(name);
  if (profile === undefined || profile === 'rfc9068' || profile === 'jwt-svid') return profile;
  if (profile === 'fapi2') {
    reader.wrong(name, "cannot be 'fapi2' for one of several issuers: it is about requests, too. Set it next to issuers");
    return undefined;
  }
  reader.wrong(
    name,
    `must be 'rfc9068', 'fapi2' or 'jwt-svid', or be left out to accept tokens of any profile (got ${shown(profile, ['rfc9068', 'fapi2', 'jwt-svid'])})`,
  );
  return undefined;
}

/** Reads `requiredValues`: the values of claims, and those of their members. */
export function readRequiredValues(reader: OptionReader, name: string): Pick<ClaimRules, 'requiredValues' | 'requiredMembers'> {
  const all = readClaimValues(reader, name);
  return {
    requiredValues: new Map(all.flatMap(({ path, values }) => (path.length === 1 ? [[path[0]!, values] as const] : []))),
    requiredMembers: all.filter(({ path }) => path.length > 1),
  };
}

/** Reads a list of names of claims, and of paths to members of claims. */
export function readPaths(reader: OptionReader, name: string): readonly (readonly string[])[] | undefined {
  const given = reader.get(name);
  if (!Array.isArray(given) || !given.some(Array.isArray)) return reader.texts(name)?.map((claim) => [claim]);
  const paths = (given as unknown[]).map((one) => (Array.isArray(one) ? (one as unknown[]) : [one]));
  if (paths.every((path) => path.length > 0 && path.length <= MAX_DEPTH && path.every((part) => typeof part === 'string' && part !== '')))
    return paths as string[][];
  reader.wrong(name, `must be a list of names of claims, and of paths of one to ${MAX_DEPTH} non-empty names`);
  return undefined;
}

/** More would rather be a mistake than a claim. */
const MAX_DEPTH = 8;

/** Reads an object from names of claims to values, to lists of values, or to such objects. */
export function readClaimValues(reader: OptionReader, name: string): readonly MemberValues[] {
  const given = reader.get(name);
  return given === undefined ? [] : valuesAt(given, []);

  function valuesAt(value: unknown, path: readonly string[]): readonly MemberValues[] {
    const at = [name, ...path.map((part) => shownMember(part))].join('.');
    if (path.length === 0 || isPlainObject(value)) {
      const entries = isPlainObject(value) && path.length < MAX_DEPTH ? Object.entries(value) : [];
      if (entries.length === 0)
        reader.wrong(at, `must be an object from names of ${path.length === 0 ? 'claims' : 'members'} to a value or a list of values (got ${shown(value)})`);
      return entries.flatMap(([member, inner]) => valuesAt(inner, [...path, member]));
    }
    const values: unknown[] = [value].flat();
    if (values.length === 0 || !values.every((one) => ['string', 'number', 'boolean'].includes(typeof one) && one !== ''))
      reader.wrong(at, 'must be a value or a list of values: non-empty strings, numbers or booleans');
    return [{ path, values: new Set(values as ClaimValue[]) }];
  }
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
    // a JWT-SVID need not have iat
    if (reader.get(name) === undefined || reader.get(name) === 'jwt-svid') continue;
    reader.wrong(name, 'needs iat in every token, so it cannot be combined with unsafeAcceptTokensWithoutIssuedAt. Leave one of them out.');
  }
}
