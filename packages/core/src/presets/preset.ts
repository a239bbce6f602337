import { ConfigurationError } from '../lib/configuration-error.js';
import { ISSUER_OPTION_NAMES } from '../issuer/issuer-table.js';
import { KEY_OPTION_NAMES } from '../issuer/given-keys.js';
import type { ClaimValues, IssuerOptions } from '../issuer/issuer-options.js';
import { commonValues, eitherValues } from '../issuer/merged-options.js';
import { didYouMean } from '../lib/did-you-mean.js';
import { OptionReader, plainOptions } from '../lib/option-reader.js';
import { shown, shownName } from '../lib/shown-option.js';
import { withoutTokenSegments } from '../lib/token-shapes.js';
import { OPTION_NAMES, type GuardOptions } from '../options.js';
import { canonicalProblem, urlProblem } from '../lib/url.js';

/** The options of a guard that every preset accepts as well. */
export interface PresetOptions extends Omit<GuardOptions, keyof typeof SET_BY_PRESET | 'unsafeAcceptTokensForAnyAudience'> {
  /** This API's identifier, which tokens must have in `aud`. If there are several, any one is accepted. */
  readonly audience: string | readonly string[];
}

/** The options that a preset returns. They keep the type of the claims schema. */
export type PresetResult<S> = GuardOptions & { readonly claims: S };

/** The options that every preset sets itself. */
const SET_BY_PRESET = { issuer: true, issuers: true, tenants: true, unsafeAcceptAnyTenant: true } as const satisfies Partial<Record<keyof GuardOptions, true>>;

/** What a preset knows about its provider, apart from the issuer. */
type Known = Pick<
  IssuerOptions,
  'requiredClaims' | 'requiredValues' | 'forbiddenClaims' | 'forbiddenValues' | 'clientIdClaim' | 'rolesClaim' | 'scopesClaim' | 'jwksUri'
>;

/** Returns a reader for a preset's own options, and the others as they are passed on to the guard. */
export function readPreset(preset: string, options: object, own: readonly string[]): { readonly reader: OptionReader; readonly rest: GuardOptions } {
  const given = plainOptions(options);
  const reader = new OptionReader(given, Object.keys(given));
  for (const name of Object.keys(SET_BY_PRESET)) {
    if (reader.get(name) !== undefined) reader.wrong(name, `is set by ${preset}() itself. Remove it`);
  }
  for (const name of Object.keys(given)) {
    const suggestion = own.includes(name) || OPTION_NAMES.includes(name) ? '' : didYouMean(name, own);
    if (suggestion !== '') reader.wrong(shownName(name), `is not an option of ${preset}()${suggestion}`);
  }
  return { reader, rest: Object.fromEntries(Object.entries(given).filter(([name]) => !own.includes(name) && !(name in SET_BY_PRESET))) };
}

/** Merges what a preset knows with the user's options. What is required and forbidden adds up; the user's options decide how claims are read. */
export function withKnown(reader: OptionReader, rest: GuardOptions, known: Known): GuardOptions {
  const { requiredClaims, requiredValues, forbiddenClaims, forbiddenValues, jwksUri, ...readAs } = known;
  const merged: { -readonly [N in keyof GuardOptions]: GuardOptions[N] } = { ...rest };
  for (const [name, value] of Object.entries(readAs)) merged[name as 'clientIdClaim'] ??= value as string;
  // a value of the wrong type is passed on, so that the guard reports it
  for (const [name, own] of [['requiredClaims', requiredClaims] as const, ['forbiddenClaims', forbiddenClaims] as const]) {
    if (own && (rest[name] === undefined || Array.isArray(rest[name]))) merged[name] = [...own, ...(rest[name] ?? [])];
  }
  if (requiredValues && isPlainOrAbsent(rest.requiredValues)) {
    merged.requiredValues = commonValues(requiredValues, withoutRequired(reader, rest.requiredValues ?? {}, requiredValues), 'requiredValues', () => {});
  }
  if (forbiddenValues && isPlainOrAbsent(rest.forbiddenValues)) {
    merged.forbiddenValues = eitherValues(forbiddenValues, rest.forbiddenValues ?? {}, 'forbiddenValues', (path) => {
      reader.wrong(path, 'must have the same form as the preset has there: values of the claim itself, or those of its members');
    });
  }
  if (jwksUri !== undefined && KEY_OPTION_NAMES.every((name) => rest[name] === undefined)) merged.jwksUri = jwksUri;
  return merged;
}

/** Returns the values without those that the preset requires itself, which it reports. Members of claims may add to the preset's. */
function withoutRequired(reader: OptionReader, given: ClaimValues, known: ClaimValues, path = 'requiredValues'): ClaimValues {
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, values]): [string, ClaimValues[string]][] => {
      if (!Object.hasOwn(known, name)) return [[name, values]];
      const [own, at] = [known[name], `${path}.${name}`];
      if (isPlain(own) && isPlain(values)) return [[name, withoutRequired(reader, values, own, at)]];
      reader.wrong(at, 'is already required by the preset. Remove it');
      return [];
    }),
  );
}

function isPlain(value: unknown): value is ClaimValues {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPlainOrAbsent(value: unknown): boolean {
  return value === undefined || isPlain(value);
}

/** @throws ConfigurationError that lists all problems of the reader */
export function finish<O>(reader: OptionReader, make: () => O): O {
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return make();
}

/** Returns options that accept any audience if they name none. Then a token that has an `aud` is for another API, and refused. */
export function withoutAudience(merged: GuardOptions): GuardOptions {
  return merged.audience === undefined ? { ...merged, ...anyAudience(merged) } : merged;
}

/** A value of the wrong type is passed on, so that the guard reports it. */
export function anyAudience({ forbiddenClaims = [] }: GuardOptions): GuardOptions {
  return { unsafeAcceptTokensForAnyAudience: true, forbiddenClaims: Array.isArray(forbiddenClaims) ? ['aud', ...forbiddenClaims] : forbiddenClaims };
}

/** Returns the options of an issuer, or those of the guard. The clock skew belongs to both. */
export function onlyOf(options: GuardOptions, ofIssuer: boolean): GuardOptions {
  const names: readonly string[] = ISSUER_OPTION_NAMES;
  return Object.fromEntries(Object.entries(options).filter(([name]) => names.includes(name) === ofIssuer || name === 'clockSkewSeconds'));
}

/** An option that lists values of a claim. */
interface ListedValues {
  readonly claim: string;
  readonly form: RegExp;
  readonly wanted: string;
}

/** Reads options that list values of claims. Those that are not set demand nothing. */
export function readValues(reader: OptionReader, listed: Readonly<Record<string, ListedValues>>): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    Object.entries(listed).flatMap(([name, { claim, form, wanted }]) =>
      reader.get(name) === undefined ? [] : [[claim, readTexts(reader, name, form, wanted)]],
    ),
  );
}

/** Reads a string of a form. It is required unless it has a default. */
export function readText(reader: OptionReader, name: string, form: RegExp, wanted: string, otherwise?: string): string {
  const value = reader.get(name) ?? otherwise;
  if (typeof value === 'string' && form.test(value)) return value;
  reader.wrong(name, value === undefined ? `is missing: set it to ${wanted}` : `must be ${wanted} (got ${shown(value, 'name')})`);
  return '';
}

/** Reads one of a few words. */
export function readChoice<C extends string>(reader: OptionReader, name: string, choices: readonly C[], otherwise: C): C {
  const value = reader.get(name) ?? otherwise;
  const choice = choices.find((one) => one === value);
  if (choice === undefined) reader.wrong(name, `must be one of ${choices.join(', ')} (got ${shown(value, 'name')})`);
  return choice ?? otherwise;
}

/** Reads a list of strings of a form. */
export function readTexts(reader: OptionReader, name: string, form: RegExp, wanted: string): readonly string[] {
  const value = reader.get(name);
  if (value === undefined) reader.wrong(name, `is missing: set it to ${wanted}`);
  const texts = reader.texts(name) ?? [];
  for (const text of texts) if (!form.test(text)) reader.wrong(name, `must be ${wanted} (got a list with ${shown(text, 'name')})`);
  return texts;
}

/** Reads the name of a host, without scheme, port and path. */
export function readDomain(reader: OptionReader, example: string): string {
  const domain = reader.get('domain');
  if (typeof domain === 'string' && isHostName(domain)) return domain;
  const meant = typeof domain === 'string' ? hostIn(domain) : undefined;
  const remedy = meant === undefined || withoutTokenSegments(meant) !== meant ? '' : `. Write "${meant}"`;
  const given = shown(domain, typeof domain === 'string' && domain.includes('/') ? 'url' : 'host');
  reader.wrong(
    'domain',
    domain === undefined
      ? `is missing: set it to a host name such as ${example}`
      : `must be a host name such as ${example}: in lower case, without https://, port, path or final dot (got ${given})${remedy}`,
  );
  return '';
}

/** RFC 1123 s2.1: at least two labels of letters, digits and hyphens. The last is not a number, which would make it an IP address. */
function isHostName(text: string): boolean {
  return text.length <= 253 && /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+(?!\d+$)[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/.test(text);
}

/** Returns the host name in a URL, or the one in lower case; undefined if there is none. */
function hostIn(text: string): string | undefined {
  const host = URL.parse(text.includes('://') ? text : `https://${text}`)?.hostname.replace(/\.$/, '');
  return host !== undefined && isHostName(host) ? host : undefined;
}

/** Returns the address of a server: from an option with a name that is a part of it, or from `url`. One of the two is required. */
export function readServer(reader: OptionReader, name: string, form: RegExp, wanted: string, addressOf: (text: string) => string): string {
  if (reader.get('url') === undefined) return addressOf(readText(reader, name, form, wanted));
  if (reader.get(name) !== undefined) reader.wrong('url', `cannot be combined with ${name}. Set only one of them`);
  return readBaseUrl(reader, 'url');
}

/** Reads the address of a server, without slashes at its end. */
export function readBaseUrl(reader: OptionReader, name: string): string {
  const given = reader.get(name);
  if (typeof given !== 'string') {
    reader.wrong(name, given === undefined ? "is missing: set it to the server's address" : `must be the server's address (got ${shown(given)})`);
    return '';
  }
  const url = given.replace(/\/+$/, '');
  const problem =
    urlProblem(given, httpHostsFor(reader, given)) ??
    (/[?#{}]/.test(given) ? 'has a query, a fragment or braces' : (canonicalProblem(url) ?? hostProblem(new URL(url).hostname)));
  if (problem) reader.wrong(name, `${problem} (got ${shown(given, 'url')})`);
  return url;
}

function hostProblem(hostname: string): string | undefined {
  return hostname.split('.').includes('') ? 'has a host name with an empty part or a dot at its end: write it as in tokens' : undefined;
}

/** Returns the hosts for which http is allowed: those in the options, and the server's own if nothing is fetched from it. */
function httpHostsFor(reader: OptionReader, url: string): ReadonlySet<string> {
  const listed = reader.get('unsafeHttpHosts');
  const isFetchedFrom = KEY_OPTION_NAMES.every((name) => reader.get(name) === undefined);
  return new Set([...(Array.isArray(listed) ? (listed as string[]) : []), ...(isFetchedFrom ? [] : [URL.parse(url)?.hostname ?? ''])]);
}
