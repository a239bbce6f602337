import { ConfigurationError, type ConfigurationProblem } from '../lib/configuration-error.js';
import { own } from '../lib/json.js';
import { OptionReader, plainOptions, plainProblem } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import { secretOwners } from '../keys/secret-owners.js';
import { sharedSources } from '../keys/shared-sources.js';
import { KEY_OPTION_NAMES } from './given-keys.js';
import type { IssuerOptions } from './issuer-options.js';
import { ISSUER_OPTION_NAMES } from './issuer-table.js';
import { oneIssuer, severalIssuers, type Issuer, type Issuers } from './issuer.js';
import { mergedOptions } from './merged-options.js';
import { checkOverlaps } from './overlapping-issuers.js';
import { readIssuerOptions, type IssuerContext } from './read-issuer-options.js';
import { resolvedIssuers, type IssuerResolver } from './resolver.js';

const MAX_ISSUERS = 1000;
/** Options that would let one issuer pass for another if several shared them, or that would send credentials to all of them. */
const OPTIONS_OF_ONE: readonly string[] = ['issuer', 'tenants', 'unsafeAcceptAnyTenant', 'introspection', 'introspect', ...KEY_OPTION_NAMES];

/** Reads the option `issuers`: a list, or a resolver. */
export function readIssuersOption(reader: OptionReader, name: string): readonly unknown[] | IssuerResolver | undefined {
  const issuers = reader.get(name);
  if (issuers === undefined || typeof issuers === 'function') return issuers as IssuerResolver | undefined;
  if (Array.isArray(issuers) && issuers.length > 0 && issuers.length <= MAX_ISSUERS) return issuers as readonly unknown[];
  reader.wrong(name, `must be a function, or a list of 1 to ${MAX_ISSUERS} objects with options of one issuer each (got ${shown(issuers)})`);
  return [];
}

/**
 * Reads the options of all issuers of a guard, and reports problems to the reader. Call the result only if there were none.
 *
 * @param reader has the guard's options: those of its only issuer, or the defaults of several
 */
export function readIssuers(reader: OptionReader, issuers: ReturnType<typeof readIssuersOption>, context: IssuerContext): () => Issuers {
  if (issuers === undefined) return combined([readIssuerOptions(reader, context)]);
  const ofEach = { ...context, environment: false };
  const createOwner = secretOwners();
  const common: IssuerOptions = Object.fromEntries(ISSUER_OPTION_NAMES.flatMap((name) => (reader.get(name) === undefined ? [] : [[name, reader.get(name)]])));
  for (const name of OPTIONS_OF_ONE) {
    if (Object.hasOwn(common, name)) reader.wrong(name, 'cannot be combined with issuers. Set it for one of the issuers');
  }
  // one server would get the token of another, and one trust domain is not another
  if (typeof common.keyFetching === 'object' && common.keyFetching !== null && own(common.keyFetching, 'bearerTokenFile') !== undefined)
    reader.wrong('keyFetching.bearerTokenFile', 'cannot be combined with issuers. Set it for one of the issuers');
  if (common.profile === 'jwt-svid') reader.wrong('profile', "cannot be 'jwt-svid' for all issuers. Set it for one of the issuers");
  const defaults = readDefaults(reader, common, ofEach);
  if (typeof issuers === 'function') {
    const ofResolved = { ...ofEach, keySources: sharedSources() };
    return () => resolvedIssuers(issuers, (resolved) => buildResolved(defaults, plainOptions(resolved), { ...ofResolved, secretOwner: createOwner() }));
  }
  const listed = issuers.map((options, index) => {
    const problem = plainProblem(options);
    if (problem !== undefined) reader.wrong(`issuers[${index}]`, problem);
    return problem === undefined ? (options as IssuerOptions) : undefined;
  });
  const creators = listed.flatMap((options, index) => {
    if (!options) return [];
    const merged = mergedOptions(defaults, options, (name, message) => reader.wrong(`issuers[${index}].${name}`, message));
    const ofOne = new OptionReader(merged, ISSUER_OPTION_NAMES, `issuers[${index}].`, reader.problems);
    return [readIssuerOptions(ofOne, { ...ofEach, secretOwner: createOwner() })];
  });
  checkOverlaps(reader, listed);
  checkEffects(reader, common, listed);
  checkChoice(reader, listed);
  return combined(creators);
}

/** Reports defaults that every issuer replaces: somebody may have spread a stricter option over a preset that returns a list of issuers. */
function checkEffects(reader: OptionReader, common: IssuerOptions, listed: readonly (IssuerOptions | undefined)[]): void {
  if (listed.length === 0) return;
  for (const name of ['audience', 'algorithms', 'unsafeAcceptTokensWithoutIssuedAt', 'unsafeAcceptTokensForAnyAudience'] as const) {
    const isReplaced = listed.every((one) => one && (own(one, name) !== undefined || (name.endsWith('udience') && setsAudience(one))));
    if (Object.hasOwn(common, name) && isReplaced)
      reader.wrong(name, 'has no effect, since each of the issuers sets its own. Set it for the issuers, or pass it to the preset that returns them');
  }
}

/** An opaque token names no issuer, so several issuers with introspection must say which tokens are theirs: no server may see the tokens of another. */
function checkChoice(reader: OptionReader, listed: readonly (IssuerOptions | undefined)[]): void {
  const asked = listed.flatMap((one, index) => (one && own(one, 'introspection') !== undefined ? [{ index, introspection: own(one, 'introspection') }] : []));
  if (asked.length < 2) return;
  for (const { index, introspection } of asked) {
    if (typeof introspection !== 'object' || introspection === null || own(introspection, 'accepts') !== undefined) continue;
    reader.wrong(
      `issuers[${index}].introspection.accepts`,
      'is missing: several issuers have introspection, and an opaque token does not name its issuer. Set it to the prefix of its tokens, or to a function',
    );
  }
}

function setsAudience(one: IssuerOptions): boolean {
  return own(one, 'audience') !== undefined || own(one, 'unsafeAcceptTokensForAnyAudience') !== undefined;
}

/**
 * Reads the options next to `issuers` by themselves, so that a problem is reported once and under its own name, and at start-up even if `issuers`
 * is a resolver.
 *
 * @returns the valid ones, as defaults of the issuers
 */
function readDefaults(reader: OptionReader, common: IssuerOptions, context: IssuerContext): IssuerOptions {
  const defaults: IssuerOptions = Object.fromEntries(Object.entries(common).filter(([name, value]) => !OPTIONS_OF_ONE.includes(name) && value !== 'jwt-svid'));
  const complete = { ...(!defaults.unsafeAcceptTokensForAnyAudience && { audience: 'any' }), ...defaults, issuer: 'https://issuer.invalid' };
  const trial = new OptionReader(complete, ISSUER_OPTION_NAMES);
  readIssuerOptions(trial, context);
  reader.problems.push(...trial.problems);
  const wrong = new Set(trial.problems.map(({ path }) => path.split('.')[0]));
  const right = Object.fromEntries(Object.entries(defaults).filter(([name]) => !wrong.has(name)));
  return wrong.has('audience') ? { ...right, audience: 'any' } : right;
}

function combined(creators: readonly (() => Issuer | Issuers)[]): () => Issuers {
  return () => {
    const created = creators.map((create) => create());
    const [first] = created;
    if (created.length === 1) return isGroup(first!) ? first : oneIssuer(first!);
    return severalIssuers(
      created.filter((one): one is Issuer => !isGroup(one)),
      created.filter(isGroup),
    );
  };
}

function isGroup(created: Issuer | Issuers): created is Issuers {
  return 'find' in created;
}

/**
 * Creates the issuer that a resolver returned options for.
 *
 * @throws ConfigurationError if they are invalid. Its messages contain none of their values, which the resolver may have taken from a token
 */
function buildResolved(defaults: IssuerOptions, resolved: IssuerOptions, context: IssuerContext): Issuer {
  const added: ConfigurationProblem[] = [];
  const options = mergedOptions(defaults, resolved, (path, message) => added.push({ path, message }));
  const reader = new OptionReader(options, ISSUER_OPTION_NAMES, '', added);
  const create = readIssuerOptions(reader, context);
  if (reader.get('tenants') !== undefined || reader.get('unsafeAcceptAnyTenant') !== undefined)
    reader.wrong('tenants', 'cannot be returned by an issuers function. Return the issuer of the one tenant');
  if (reader.get('introspection') !== undefined)
    reader.wrong('introspection', 'cannot be returned by an issuers function, since an opaque token names no issuer. Set issuers to a list instead');
  const problems = reader.problems.map(({ path, message }) => ({ path, message: withoutValues(message.replace(/ \(got.*$/s, ''), options) }));
  try {
    if (problems.length > 0) throw new ConfigurationError(problems);
    return create() as Issuer;
  } catch (error) {
    context.secretOwner?.release();
    throw error;
  }
}

/** Returns a message about a resolver's options without their texts. */
function withoutValues(message: string, options: unknown): string {
  if (typeof options === 'string') return options.length < 4 ? message : message.replaceAll(options, '...');
  if (typeof options !== 'object' || options === null || ArrayBuffer.isView(options)) return message.replace(/"(?:[^"\\]|\\.)*"/g, '"..."');
  return Object.values(options).reduce<string>(withoutValues, message);
}
