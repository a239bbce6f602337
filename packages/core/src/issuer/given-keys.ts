import {
  ALGORITHMS,
  hasPostQuantum,
  isSameAlgorithm,
  MAC_ALGORITHMS,
  POST_QUANTUM_ALGORITHMS,
  publicKeyAlgorithms,
  unsupported,
  type Algorithm,
  type MacAlgorithm,
} from '../jose/algorithms.js';
import type { OptionReader } from '../lib/option-reader.js';
import { readInnerTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { parseKeyText } from '../keys/key-file.js';
import { parseKeySet, type KeySet, type KeyUse } from '../jose/key-set.js';
import { createGivenKeySource, type KeySource } from '../keys/key-source.js';
import { SECRET_ENCODINGS } from '../keys/secret-encodings.js';
import { SHARED_BETWEEN_ISSUERS, type SecretOwner } from '../keys/secret-owners.js';
import { parseSecretLines, readSecrets } from '../keys/shared-secrets.js';
import type { SharedSecretsFile } from './issuer-options.js';
import { TENANT } from './tenants.js';
import { watchFile } from '../keys/watched-file.js';
import { watchIssuerFile, type FileOwner, type IssuerFile } from './issuer-file.js';

const PUBLIC_KEY_OPTION_NAMES = ['metadataUrl', 'jwksUri', 'jwks', 'jwksFile'] as const;
const SECRET_OPTION_NAMES = ['sharedSecrets', 'sharedSecretsFile'] as const;
export const KEY_OPTION_NAMES = [...PUBLIC_KEY_OPTION_NAMES, ...SECRET_OPTION_NAMES] as const;

function hasSecrets(reader: OptionReader): boolean {
  return SECRET_OPTION_NAMES.some((name) => reader.get(name) !== undefined);
}

/** The allowed algorithms by kind. Keys of one kind are never used for the other. */
interface AllowedAlgorithms {
  readonly macs: readonly MacAlgorithm[];
  readonly publicKeys: readonly Algorithm[];
}

/** Returns the allowed algorithms, and reports names that cannot be used. The default depends on whether there are shared secrets. */
export function allowedAlgorithms(reader: OptionReader, names: readonly string[] | undefined): AllowedAlgorithms {
  const known = publicKeyAlgorithms();
  const withSecrets = hasSecrets(reader);
  if (!names) return withSecrets ? { macs: ['HS256'], publicKeys: [] } : { macs: [], publicKeys: known };
  for (const name of names) {
    if ((known as readonly string[]).includes(name)) continue;
    if ((MAC_ALGORITHMS as readonly string[]).includes(name)) {
      if (!withSecrets) reader.wrong('algorithms', `lists ${shown(name, MAC_ALGORITHMS)}, which needs sharedSecrets: a public key is not a secret`);
    } else if ((POST_QUANTUM_ALGORITHMS as readonly string[]).includes(name) && !hasPostQuantum()) {
      reader.wrong('algorithms', `lists ${shown(name, POST_QUANTUM_ALGORITHMS)}, which needs Node 24.6 or newer (this is ${process.versions.node})`);
    } else {
      const usable = [...known, ...(withSecrets ? MAC_ALGORITHMS : [])];
      reader.wrong('algorithms', `lists ${shown(name, [...ALGORITHMS, ...MAC_ALGORITHMS, 'none'])}, ${unsupported(name)}. Use ${usable.join(', ')}`);
    }
  }
  return {
    macs: withSecrets ? MAC_ALGORITHMS.filter((name) => names.includes(name)) : [],
    publicKeys: known.filter((name) => names.some((one) => isSameAlgorithm(one, name))),
  };
}

/** Reports options about keys that cannot be combined, or that would have no effect. */
export function checkKeyOptions(reader: OptionReader, { macs, publicKeys }: AllowedAlgorithms, hasTenants: boolean): void {
  const [keys, otherKeys] = PUBLIC_KEY_OPTION_NAMES.filter((name) => reader.get(name) !== undefined);
  const [secrets, otherSecrets] = SECRET_OPTION_NAMES.filter((name) => reader.get(name) !== undefined);
  if (otherKeys) reader.wrong(otherKeys, `cannot be combined with ${keys}. Set only one of them`);
  if (otherSecrets) reader.wrong(otherSecrets, `cannot be combined with ${secrets}. Set only one of them`);
  if (secrets && keys && publicKeys.length === 0) {
    reader.wrong(
      secrets,
      `cannot be combined with ${keys}. Set only one of them or, for a migration, list algorithms of both kinds, such as ['HS256', 'ES256']`,
    );
  }
  if (secrets && macs.length === 0) reader.wrong(secrets, `cannot be used with any of the algorithms. Add one of ${MAC_ALGORITHMS.join(', ')} to algorithms`);
  for (const name of ['jwksUri', 'metadataUrl'] as const) {
    if (hasTenant(reader.get(name)) && !hasTenants) reader.wrong(name, 'contains {tenant}, but the issuer does not. Remove it, or add it to issuer');
  }
  if (hasTenants && reader.get('metadataUrl') !== undefined && !hasTenant(reader.get('metadataUrl')))
    reader.wrong('metadataUrl', 'needs {tenant}, as in issuer: metadata names one issuer, so each tenant has metadata of its own');
  if (secrets && publicKeys.length > 0 && hasTenants && !knowsAllKeys(reader)) {
    reader.wrong(
      secrets,
      'cannot be combined with separate keys for each tenant. Set jwks, jwksFile, or a jwksUri without {tenant}, so that all tenants share their keys',
    );
  }
}

function hasTenant(address: unknown): boolean {
  return typeof address === 'string' && address.includes(TENANT);
}

/** Whether the guard fetches anything from the issuer's own address. It does not if the options name another address, or hold the keys. */
export function asksIssuer(reader: OptionReader, publicKeys: readonly Algorithm[]): boolean {
  return (publicKeys.length > 0 || !hasSecrets(reader)) && PUBLIC_KEY_OPTION_NAMES.every((name) => reader.get(name) === undefined);
}

/** Whether the options say where the public keys of all tenants are. */
export function knowsAllKeys(reader: OptionReader): boolean {
  const jwksUri = reader.get('jwksUri');
  return typeof jwksUri === 'string' ? !jwksUri.includes(TENANT) : reader.get('jwks') !== undefined || reader.get('jwksFile') !== undefined;
}

/** Parses the public keys of `jwks` or `jwksFile`. Returns a function that creates their source, once all options are known to be valid. */
export function readGivenKeys(
  reader: OptionReader,
  { jwks, jwksFile }: { readonly jwks: unknown; readonly jwksFile: string | undefined },
  algorithms: readonly Algorithm[],
  { maxKeys, use }: { readonly maxKeys: number; readonly use: KeyUse },
  fileOwner: FileOwner,
): (() => KeySource) | undefined {
  // checkKeyOptions reports public keys that no algorithm uses
  if (algorithms.length === 0 && hasSecrets(reader)) return undefined;
  if (jwks !== undefined) {
    const set = attempt(reader, 'jwks', () => {
      const parsed =
        typeof jwks === 'string' ? parseKeyText(jwks, algorithms, maxKeys, undefined, use) : parseKeySet(jwks, algorithms, maxKeys, undefined, use);
      for (const problem of parsed.problems) reader.wrong('jwks', problem);
      return parsed;
    });
    return set && (() => createGivenKeySource(() => set));
  }
  if (jwksFile === undefined) return undefined;
  let last: KeySet | undefined;
  const parse = (text: string): KeySet => (last = parseKeyText(text, algorithms, maxKeys, last, use));
  return readKeyFile(reader, { option: 'jwksFile', path: jwksFile, parse, kept: 'the last keys stay in use' }, fileOwner);
}

/** Parses the secrets of `sharedSecrets` or `sharedSecretsFile`. Returns a function that creates their source, as {@link readGivenKeys} does. */
export function readGivenSecrets(
  reader: OptionReader,
  { sharedSecrets, sharedSecretsFile }: { readonly sharedSecrets: unknown; readonly sharedSecretsFile: SharedSecretsFile | undefined },
  macs: readonly MacAlgorithm[],
  owner: SecretOwner | undefined,
  fileOwner: FileOwner,
): (() => KeySource) | undefined {
  if (macs.length === 0) return undefined;
  if (sharedSecrets !== undefined) {
    const set = readSecrets(sharedSecrets, macs, (message) => reader.wrong('sharedSecrets', message));
    if (set && owner?.take(fileOwner.issuer, set.prints!) === false) reader.wrong('sharedSecrets', `contains ${SHARED_BETWEEN_ISSUERS}`);
    return set && (() => createGivenKeySource(() => set));
  }
  if (!sharedSecretsFile) return undefined;
  const { path, encoding } = sharedSecretsFile;

  /** A later version of the file may contain another issuer's secret: it is refused like any file that cannot be parsed. */
  function parse(text: string): KeySet {
    const set = parseSecretLines(text, encoding, macs);
    if (owner?.take(fileOwner.issuer, set.prints!) === false) throw new Error(`it contains ${SHARED_BETWEEN_ISSUERS}`);
    return set;
  }

  return readKeyFile(reader, { option: 'sharedSecretsFile', path, parse, kept: 'the last secrets stay in use' }, fileOwner);
}

/** Reads where the secrets are and how each line encodes one. undefined if either is missing or invalid. */
export function readSecretsFile(reader: OptionReader, name: string): SharedSecretsFile | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  if (typeof given === 'string') {
    reader.wrong(
      name,
      `must also say how to decode the secrets in the file. Write { path: "...", encoding: "base64url" }. The encodings are ${SECRET_ENCODINGS.join(', ')}`,
    );
    return undefined;
  }
  const { path, encoding } = readInnerTable(reader, name, SECRETS_FILE);
  return path === undefined || encoding === undefined ? undefined : { path, encoding };
}

const SECRETS_FILE = {
  path(reader: OptionReader, name: string) {
    if (reader.get(name) === undefined) reader.wrong(name, 'is missing: set it to the path of the file');
    return reader.text(name, '') || undefined;
  },
  encoding(reader: OptionReader, name: string) {
    const encoding = SECRET_ENCODINGS.find((one) => one === reader.get(name));
    if (encoding === undefined) reader.wrong(name, `must say how to decode each line: ${SECRET_ENCODINGS.join(', ')} (got ${shown(reader.get(name), 'name')})`);
    return encoding;
  },
} satisfies OptionTable<SharedSecretsFile>;

function readKeyFile(reader: OptionReader, given: Omit<IssuerFile<KeySet>, 'describe'>, owner: FileOwner): () => KeySource {
  // parses the file once, to report problems; watching begins when all options are valid
  attempt(reader, given.option, () => watchFile(given.path, given.parse, () => {}).close());
  return () => {
    const file = watchIssuerFile({ ...given, describe: ({ keyIds, remarks }) => ({ keyIds, remarks }) }, owner);
    return createGivenKeySource(file.current, file);
  };
}

function attempt<T>(reader: OptionReader, name: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    reader.wrong(name, (error as Error).message);
    return undefined;
  }
}
