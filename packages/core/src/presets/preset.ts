import { ConfigurationError } from '../lib/configuration-error.js';
import { KEY_OPTION_NAMES } from '../issuer/given-keys.js';
import type { IssuerOptions } from '../issuer/issuer-options.js';
import { didYouMean } from '../lib/did-you-mean.js';
import { OptionReader, plainOptions } from '../lib/option-reader.js';
import { shown, shownName } from '../lib/shown-option.js';
import { withoutTokenSegments } from '../lib/token-shapes.js';
import { OPTION_NAMES, type GuardOptions } from '../options.js';
import { canonicalProblem, urlProblem } from '../lib/url.js';

/** The guard's options that go along with a preset's own. */
export interface PresetOptions extends Omit<GuardOptions, keyof typeof ANSWERED | 'unsafeAcceptTokensForAnyAudience'> {
  /** Who the tokens must be meant for: this API's identifier, or several (any one will do). */
  readonly audience: string | readonly string[];
}

/** Options that a preset makes of others; the type of a claims schema goes through. */
export type PresetResult<S> = GuardOptions & { readonly claims: S };

/** The options that every preset answers by itself. */
const ANSWERED = { issuer: true, issuers: true, tenants: true, unsafeAcceptAnyTenant: true } as const satisfies Partial<Record<keyof GuardOptions, true>>;

/** What a preset knows of its provider, beside the issuer. */
type Known = Pick<IssuerOptions, 'requiredClaims' | 'requiredValues' | 'clientIdClaim' | 'rolesClaim' | 'jwksUri'>;

/** Reads what a preset was given: its own options by the reader, and the others as they go on to the guard. */
export function readPreset(preset: string, options: object, own: readonly string[]): { readonly reader: OptionReader; readonly rest: GuardOptions } {
  const given = plainOptions(options);
  const reader = new OptionReader(given, Object.keys(given));
  for (const name of Object.keys(ANSWERED)) {
    if (reader.get(name) !== undefined) reader.wrong(name, `is what ${preset}() answers itself: leave it out`);
  }
  for (const name of Object.keys(given)) {
    const meant = own.includes(name) || (OPTION_NAMES as readonly string[]).includes(name) ? '' : didYouMean(name, own);
    if (meant !== '') reader.wrong(shownName(name), `is not an option of ${preset}()${meant}`);
  }
  return { reader, rest: Object.fromEntries(Object.entries(given).filter(([name]) => !own.includes(name) && !(name in ANSWERED))) };
}

/**
 * Puts what a preset knows under what the user says: what must be in a token adds up, and how it is read can be said otherwise.
 */
export function withKnown(reader: OptionReader, rest: GuardOptions, { requiredClaims, requiredValues, jwksUri, ...readAs }: Known): GuardOptions {
  const merged: { -readonly [N in keyof GuardOptions]: GuardOptions[N] } = { ...rest };
  for (const [name, value] of Object.entries(readAs)) merged[name as 'clientIdClaim'] ??= value as string;
  // what is of the wrong kind goes on as it is, for the guard to say so
  if (requiredClaims && (rest.requiredClaims === undefined || Array.isArray(rest.requiredClaims))) {
    merged.requiredClaims = [...requiredClaims, ...(rest.requiredClaims ?? [])];
  }
  if (requiredValues && isPlainOrAbsent(rest.requiredValues)) {
    for (const name of Object.keys(requiredValues)) {
      if (rest.requiredValues && Object.hasOwn(rest.requiredValues, name))
        reader.wrong(`requiredValues.${name}`, 'is what the preset demands itself: leave it out');
    }
    merged.requiredValues = { ...rest.requiredValues, ...requiredValues };
  }
  if (jwksUri !== undefined && KEY_OPTION_NAMES.every((name) => rest[name] === undefined)) merged.jwksUri = jwksUri;
  return merged;
}

function isPlainOrAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value));
}

/** @throws ConfigurationError where anything was wrong */
export function finish<O>(reader: OptionReader, make: () => O): O {
  if (reader.problems.length > 0) throw new ConfigurationError(reader.problems);
  return make();
}

/** A text of a preset's own that must be there, or has a default, and have a form. */
export function readText(reader: OptionReader, name: string, form: RegExp, wanted: string, otherwise?: string): string {
  const value = reader.get(name) ?? otherwise;
  if (typeof value === 'string' && form.test(value)) return value;
  reader.wrong(name, `is ${value === undefined ? 'missing' : shown(value, 'name')}: ${wanted} is needed`);
  return '';
}

/** A list of such texts. */
export function readTexts(reader: OptionReader, name: string, form: RegExp, wanted: string): readonly string[] {
  const value = reader.get(name);
  if (value === undefined) reader.wrong(name, `is missing: ${wanted} is needed`);
  const texts = reader.texts(name) ?? [];
  for (const text of texts) if (!form.test(text)) reader.wrong(name, `holds ${shown(text, 'name')}: ${wanted} is needed`);
  return texts;
}

/** A host by its name, as tokens and certificates write it: without what stands before and behind it in an address. */
export function readDomain(reader: OptionReader, example: string): string {
  const domain = reader.get('domain');
  if (typeof domain === 'string' && isHostName(domain)) return domain;
  const meant = typeof domain === 'string' ? hostIn(domain) : undefined;
  const hint = meant === undefined || withoutTokenSegments(meant) !== meant ? `as in ${example}` : `so write "${meant}"`;
  reader.wrong(
    'domain',
    `is ${domain === undefined ? 'missing' : shown(domain, typeof domain === 'string' && domain.includes('/') ? 'url' : 'host')}: the host's name is needed, in lower case and without https://, a port, a path or a dot at its end, ${hint}`,
  );
  return '';
}

/** RFC 1123 s2.1: labels of letters, digits and hyphens, two at least, of which the last is no number, as that of an address would be. */
function isHostName(text: string): boolean {
  return text.length <= 253 && /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+(?!\d+$)[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/.test(text);
}

/** The name that somebody meant who wrote an address, or capitals. */
function hostIn(text: string): string | undefined {
  const host = URL.parse(text.includes('://') ? text : `https://${text}`)?.hostname.replace(/\.$/, '');
  return host !== undefined && isHostName(host) ? host : undefined;
}

/** The address of a server, under which there is more. */
export function readBaseUrl(reader: OptionReader, name: string): string {
  const given = reader.get(name);
  if (typeof given !== 'string') {
    reader.wrong(name, `is ${given === undefined ? 'missing' : shown(given)}: the server's address is needed`);
    return '';
  }
  const url = given.replace(/\/+$/, '');
  const problem =
    urlProblem(given, httpHostsFor(reader, given)) ??
    (/[?#{}]/.test(given) ? 'has a query, a fragment or braces' : (canonicalProblem(url) ?? hostProblem(new URL(url).hostname)));
  if (problem) reader.wrong(name, `${problem} (given: ${shown(given, 'url')})`);
  return url;
}

function hostProblem(hostname: string): string | undefined {
  return hostname.split('.').includes('') ? "has a host with an empty part or a dot at its end: write the host's name as tokens do" : undefined;
}

/** The hosts for which http passes: those that the options list, and any where nothing is fetched from the issuer itself. */
function httpHostsFor(reader: OptionReader, url: string): ReadonlySet<string> {
  const listed = reader.get('unsafeHttpHosts');
  const isAsked = KEY_OPTION_NAMES.every((name) => reader.get(name) === undefined);
  return new Set([...(Array.isArray(listed) ? (listed as string[]) : []), ...(isAsked ? [] : [URL.parse(url)?.hostname ?? ''])]);
}
