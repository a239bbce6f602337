import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { GuardOptions } from '@tokenward/core';
import type { OptionSpecs, OptionValues } from './command.js';
import { UsageError } from './errors.js';
import { isObject } from './lib/is-object.js';
import { refuseDeepNesting } from './lib/nesting.js';
import { exampleIssuer, optionsOfIssuer, presetFor, PRESETS } from './presets.js';

/** The options of commands that build a guard as an API would. */
export const GUARD_FLAGS = {
  issuer: { type: 'string', value: 'URL', summary: 'The issuer, exactly as in the API. Default: ISSUER_BASE_URL' },
  audience: { type: 'string', value: 'NAME', multiple: true, summary: "The API's identifier, which tokens have in aud. Default: AUDIENCE" },
  preset: { type: 'string', value: 'NAME', summary: 'The preset that the API uses. Its options come from the issuer', choices: [...PRESETS.keys()] },
  algorithms: { type: 'string', value: 'NAMES', summary: 'The allowed signature algorithms, separated by commas' },
  'jwks-file': { type: 'string', value: 'FILE', summary: 'A file with the public keys, instead of fetching them' },
  option: {
    type: 'string',
    value: 'NAME=VALUE',
    multiple: true,
    summary: 'Another option of the guard or the preset, as text or JSON: --option clockSkewSeconds=60',
  },
} as const satisfies OptionSpecs;

type GuardFlags = OptionValues<typeof GUARD_FLAGS>;

/** The flags that set one option of the guard, and that option. */
const OWN_FLAGS = [
  ['issuer', 'issuer'],
  ['audience', 'audience'],
  ['algorithms', 'algorithms'],
  ['jwks-file', 'jwksFile'],
] as const satisfies readonly (readonly [keyof typeof GUARD_FLAGS, keyof GuardOptions])[];

/** What the command line says about a guard. */
export interface GuardSettings {
  /** undefined: there are several issuers, or a preset finds it in its options. */
  readonly issuer: string | undefined;
  readonly options: GuardOptions;
  /** Values that the environment gave, for a note. */
  readonly fromEnvironment: readonly string[];
}

/** Options that contain secrets, at any depth: other users can see arguments. Some of them have an option that names a file instead. */
const SECRET_OPTIONS =
  /secret|private|password|introspection|decryption|session(?!Cookies)|credential|(?<!^encrypted)token(?!TypeName|Cache|Version|AgeSeconds|LifetimeSeconds|Bytes|File|sWithout|sForAny)|^jwks$|^fetch$|^clock$/i;
/** Members of `decryptionKeys` that contain no secret: the keys are in a file. With another type, they could contain a key. */
const WITHOUT_KEY: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['file', isString],
  ['kid', isString],
  ['algorithms', (value: unknown) => Array.isArray(value) && value.every(isString)],
]);
/** Their members are claims and scopes, and no options. */
const NAMED_BY_TOKENS: ReadonlySet<string> = new Set(['requiredValues', 'forbiddenValues', 'scopes']);

/**
 * Returns the options of the guard that the command line describes.
 *
 * @throws UsageError
 */
export function guardSettings(flags: GuardFlags, env: Readonly<Record<string, string | undefined>>, cwd: string): GuardSettings {
  const fromEnvironment: string[] = [];
  const variable = (name: string): string | undefined => {
    const value = env[name]?.trim() || undefined;
    if (value !== undefined) fromEnvironment.push(name);
    return value;
  };
  const given = readOptions(flags.option);
  for (const [flag, name] of OWN_FLAGS) {
    if (Object.hasOwn(given, name) && flags[flag] !== undefined && flags[flag].length > 0)
      throw new UsageError(`--${flag} and --option ${name} say the same thing. Give one of them`);
  }
  // a guard with several issuers reads no variables
  const isMissing = (name: 'issuer' | 'audience'): boolean => given[name] === undefined && given['issuers'] === undefined;
  // nor does one whose preset has its issuer from other options
  const ofIssuer = flags.preset === undefined ? undefined : optionsOfIssuer(flags.preset);
  const isDetermined = ofIssuer !== undefined && (ofIssuer.length === 0 || ofIssuer.some((name) => Object.hasOwn(given, name)));
  const issuer = flags.issuer ?? (isMissing('issuer') && !isDetermined ? variable('ISSUER_BASE_URL') : undefined);
  // a guard takes the variable as one name, too
  const audiences = flags.audience.length === 0 && isMissing('audience') ? [variable('AUDIENCE') ?? []].flat() : flags.audience;
  const jwksFile = flags['jwks-file'] === undefined ? undefined : resolve(cwd, flags['jwks-file']);
  // core's message would repeat the path, which may be a token in the wrong place
  if (jwksFile !== undefined && !existsSync(jwksFile)) throw new UsageError('--jwks-file names no file');
  const own = {
    ...(audiences.length > 0 ? { audience: audiences.length === 1 ? audiences[0] : audiences } : undefined),
    ...(flags.algorithms !== undefined && { algorithms: flags.algorithms.split(',').map((name) => name.trim()) }),
    ...(jwksFile !== undefined && { jwksFile }),
    ...given,
  };
  const options = flags.preset === undefined ? { ...(issuer !== undefined && { issuer }), ...own } : presetOptions(flags.preset, issuer, own);
  const isGiven = flags.preset === undefined && typeof given['issuer'] === 'string';
  return { issuer: isGiven ? (given['issuer'] as string) : issuer, options: options as GuardOptions, fromEnvironment };
}

/** Whether options name an issuer. What is wrong with it is another question. */
export function hasIssuer({ issuer, issuers }: GuardOptions): boolean {
  return issuer !== undefined || issuers !== undefined;
}

function presetOptions(name: string, issuer: string | undefined, own: Readonly<Record<string, unknown>>): GuardOptions {
  const fitting = issuer === undefined ? undefined : presetFor(issuer);
  if (issuer !== undefined && fitting?.name !== name) {
    const example = exampleIssuer(name);
    throw new UsageError(
      example
        ? `--preset ${name} reads its options from an issuer like ${example}, and --issuer is another${fitting ? `: it fits the preset ${fitting.name}` : '. Leave --issuer out, and give the options of the preset with --option NAME=VALUE'}`
        : `--preset ${name} cannot read its options from an issuer. Leave --issuer out, and give the options of the preset with --option NAME=VALUE`,
    );
  }
  // also one that this issuer does not set: without it, the issuer would be another
  const twice = fitting && optionsOfIssuer(name).find((option) => Object.hasOwn(own, option));
  if (twice !== undefined) throw new UsageError(`--preset ${name} reads ${twice} from --issuer, so --option ${twice} says it again. Give one of them`);
  return PRESETS.get(name)!({ ...fitting?.options, ...own });
}

function readOptions(texts: readonly string[]): Readonly<Record<string, unknown>> {
  const read = texts.map(readOption);
  const twice = read.find(([name], at) => read.findIndex(([other]) => other === name) !== at);
  if (twice) throw new UsageError(`--option ${twice[0]} was given twice`);
  return Object.fromEntries(read);
}

function readOption(text: string): readonly [string, unknown] {
  const at = text.indexOf('=');
  const name = text.slice(0, Math.max(at, 0));
  if (!NAME.test(name)) throw new UsageError('--option needs NAME=VALUE, such as --option clockSkewSeconds=60');
  const value = valueIn(name, text.slice(at + 1));
  const [secret] = secretsIn({ [name]: value });
  if (secret !== undefined) {
    throw new UsageError(
      `--option ${secret === name ? name : `${name} with ${secret}`} is not accepted: it may contain a secret, and other users of this machine can see arguments. Leave it out: the command needs no secret`,
    );
  }
  return [name, value];
}

/** Returns the names of options that may contain a secret: those that are given, and those inside of them. */
function secretsIn(options: unknown): readonly string[] {
  if (Array.isArray(options)) return options.flatMap((one) => secretsIn(one));
  if (!isObject(options)) return [];
  return Object.entries(options).flatMap(([name, value]) => {
    if (name === 'decryptionKeys' && [value].flat().every(isInFile)) return [];
    if (SECRET_OPTIONS.test(name)) return [NAME.test(name) ? name : 'a secret'];
    return NAMED_BY_TOKENS.has(name) ? [] : secretsIn(value);
  });
}

function isInFile(key: unknown): boolean {
  return isObject(key) && Object.entries(key).every(([name, value]) => WITHOUT_KEY.get(name)?.(value));
}

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

/** What does not look like the name of an option may be a secret itself. */
const NAME = /^[a-z][A-Za-z]{1,40}$/;

function valueIn(name: string, text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // a value in another notation could not be searched for secrets
    if (/^\s*[[{]/.test(text)) throw new UsageError(`--option ${name} needs JSON, such as --option 'dpop={"maxProofAgeSeconds":30}'`);
    return text;
  }
  refuseDeepNesting(value, `--option ${name}`);
  // an identifier of many digits is not a number
  return /^\d+$/.test(text) && !Number.isSafeInteger(value) ? text : value;
}

/** Returns a hint for an issuer that looks like a known provider, if no preset is used. */
export function presetHint(issuer: string | undefined, preset: string | undefined): string | undefined {
  if (issuer === undefined || preset !== undefined) return undefined;
  const fitting = presetFor(issuer);
  return fitting && `This issuer fits the preset ${fitting.name}. If the API uses it, add --preset ${fitting.name}`;
}
