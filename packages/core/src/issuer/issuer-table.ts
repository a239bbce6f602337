import { MOST_SECONDS } from '../lib/limit.js';
import type { OptionReader } from '../lib/option-reader.js';
import { numberOption, type OptionTable, type OptionValues } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { urlProblem } from '../lib/url.js';
import { MAX_CLOCK_SKEW_SECONDS, readAudience, readClaimValues, readNamesSource, readPaths, readProfile, readRequiredValues } from './claim-options.js';
import { readSecretsFile } from './given-keys.js';
import type { IssuerOptions } from './issuer-options.js';
import { readIntrospect } from './read-introspection.js';
import { readKeyFetching } from './read-key-fetching.js';
import { TENANT } from './tenants.js';

/**
 * The readers of an issuer's options. Each reports what is wrong with its option alone; options that depend on one another are checked in
 * `readIssuerOptions`.
 */
export const ISSUER_OPTIONS = {
  issuer: readIdentifier,
  tenants: readTexts,
  unsafeAcceptAnyTenant: readFlag,
  audience: readAudience,
  unsafeAcceptTokensForAnyAudience: readFlag,
  metadataUrl: readAddress,
  jwksUri: readAddress,
  // which keys are usable depends on the algorithms
  jwks: readAsGiven,
  jwksFile: readText,
  sharedSecrets: readAsGiven,
  sharedSecretsFile: readSecretsFile,
  unsafeHttpHosts: (reader: OptionReader, name: string) => reader.hosts(name),
  // which names are allowed depends on the kinds of keys
  algorithms: readTexts,
  clockSkewSeconds: numberOption(30, { least: 0, most: MAX_CLOCK_SKEW_SECONDS }),
  profile: readProfile,
  requiredClaims: readTexts,
  requiredValues: readRequiredValues,
  forbiddenClaims: readPaths,
  forbiddenValues: readClaimValues,
  maxTokenAgeSeconds: readSeconds,
  maxTokenLifetimeSeconds: readSeconds,
  allowedClients: readTexts,
  clientIdClaim: readText,
  rolesClaim: readNamesSource,
  scopesClaim: readNamesSource,
  unsafeAcceptTokensWithoutIssuedAt: readFlag,
  keyFetching: readKeyFetching,
  introspect: readIntrospect,
  // its addresses and credentials depend on other options: see readIssuerOptions
  introspection: readAsGiven,
} satisfies OptionTable<IssuerOptions>;

export type IssuerValues = OptionValues<typeof ISSUER_OPTIONS>;
export const ISSUER_OPTION_NAMES = Object.keys(ISSUER_OPTIONS) as readonly (keyof IssuerOptions)[];

function readAsGiven(reader: OptionReader, name: string): unknown {
  return reader.get(name);
}

function readFlag(reader: OptionReader, name: string): boolean {
  return reader.flag(name);
}

function readText(reader: OptionReader, name: string): string | undefined {
  return reader.text(name, '') || undefined;
}

function readTexts(reader: OptionReader, name: string): readonly string[] | undefined {
  return reader.texts(name);
}

function readSeconds(reader: OptionReader, name: string): number | undefined {
  return reader.optionalNumber(name, { least: 1, most: MOST_SECONDS });
}

/** Reads `issuer`. Its form depends on whether anything is fetched from it: see `requireIssuer`. */
function readIdentifier(reader: OptionReader, name: string): string | undefined {
  const given = reader.get(name);
  if (given === undefined || typeof given === 'string') return given;
  reader.wrong(name, `must be a string (got ${shown(given, 'url')})`);
  return undefined;
}

/** Reads an address to fetch from, with or without `{tenant}`. */
function readAddress(reader: OptionReader, name: string): string | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  const problem = typeof given === 'string' ? urlProblem(given.replace(TENANT, 'tenant'), reader.httpHosts()) : 'must be a string';
  if (problem === undefined) return given as string;
  reader.wrong(name, `${problem} (got ${shown(given, 'url')})`);
  return undefined;
}
