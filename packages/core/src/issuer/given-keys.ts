import {
  hasPostQuantum,
  isSameAlgorithm,
  MAC_ALGORITHMS,
  POST_QUANTUM_ALGORITHMS,
  publicKeyAlgorithms,
  type Algorithm,
  type MacAlgorithm,
} from '../jose/algorithms.js';
import { publish } from '../events/events.js';
import { type OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import type { OutageWarnings } from '../events/outage-warnings.js';
import { parseKeyText } from '../keys/key-file.js';
import { parseKeySet, type KeySet } from '../jose/key-set.js';
import { createGivenKeySource, type KeySource } from '../keys/key-source.js';
import { SECRET_ENCODINGS } from '../keys/secret-encodings.js';
import { SHARED_BETWEEN_ISSUERS, type SecretOwner } from '../keys/secret-owners.js';
import { parseSecretLines, readSecrets } from '../keys/shared-secrets.js';
import { TENANT } from './tenants.js';
import { watchFile } from '../keys/watched-file.js';

const PUBLIC_KEY_OPTION_NAMES = ['metadataUrl', 'jwksUri', 'jwks', 'jwksFile'] as const;
const SECRET_OPTION_NAMES = ['sharedSecrets', 'sharedSecretsFile'] as const;
export const KEY_OPTION_NAMES = [...PUBLIC_KEY_OPTION_NAMES, ...SECRET_OPTION_NAMES] as const;

function hasSecrets(reader: OptionReader): boolean {
  return SECRET_OPTION_NAMES.some((name) => reader.get(name) !== undefined);
}

/** What may sign: the algorithms of either kind, for which the keys of that kind alone are asked. */
interface AllowedAlgorithms {
  readonly macs: readonly MacAlgorithm[];
  readonly publicKeys: readonly Algorithm[];
}

export function readAlgorithms(reader: OptionReader): AllowedAlgorithms {
  const given = reader.texts('algorithms');
  const known = publicKeyAlgorithms();
  const besideSecrets = hasSecrets(reader);
  if (!given) return besideSecrets ? { macs: ['HS256'], publicKeys: [] } : { macs: [], publicKeys: known };
  for (const name of given) {
    if ((known as readonly string[]).includes(name)) continue;
    if ((MAC_ALGORITHMS as readonly string[]).includes(name)) {
      if (!besideSecrets) reader.wrong('algorithms', `holds ${shown(name, MAC_ALGORITHMS)}, which needs sharedSecrets: keys that are public can't be secrets`);
    } else if ((POST_QUANTUM_ALGORITHMS as readonly string[]).includes(name) && !hasPostQuantum()) {
      reader.wrong(
        'algorithms',
        `holds ${shown(name, POST_QUANTUM_ALGORITHMS)}, which Node ${process.versions.node} does not have: Node 24.6 or newer is needed`,
      );
    } else {
      reader.wrong(
        'algorithms',
        `holds ${shown(name, [...known, ...MAC_ALGORITHMS, 'none'])}; these can be used: ${[...known, ...(besideSecrets ? MAC_ALGORITHMS : [])].join(', ')}`,
      );
    }
  }
  return {
    macs: besideSecrets ? MAC_ALGORITHMS.filter((name) => given.includes(name)) : [],
    publicKeys: known.filter((name) => given.some((one) => isSameAlgorithm(one, name))),
  };
}

/** Tells what is wrong with the options together: nothing that was given may be without use. */
export function checkKeyOptions(reader: OptionReader, { macs, publicKeys }: AllowedAlgorithms, hasTenants: boolean): void {
  const [keys, otherKeys] = PUBLIC_KEY_OPTION_NAMES.filter((name) => reader.get(name) !== undefined);
  const [secrets, otherSecrets] = SECRET_OPTION_NAMES.filter((name) => reader.get(name) !== undefined);
  if (otherKeys) reader.wrong(otherKeys, `stands beside ${keys}: give one of them`);
  if (otherSecrets) reader.wrong(otherSecrets, `stands beside ${secrets}: give one of them`);
  if (secrets && keys && publicKeys.length === 0) {
    reader.wrong(secrets, `stands beside ${keys}. Give one of them or, for a migration, algorithms that name both kinds, such as ['HS256', 'ES256']`);
  }
  if (secrets && macs.length === 0) reader.wrong(secrets, `has no algorithm to be used for. Add one of ${MAC_ALGORITHMS.join(', ')} to algorithms`);
  for (const name of ['jwksUri', 'metadataUrl'] as const) {
    if (hasTenant(reader.get(name)) && !hasTenants) reader.wrong(name, 'has {tenant}, and the issuer has not');
  }
  if (hasTenants && reader.get('metadataUrl') !== undefined && !hasTenant(reader.get('metadataUrl')))
    reader.wrong('metadataUrl', 'has no {tenant}, and the issuer has: the metadata names one issuer, so each tenant has metadata of its own');
  if (secrets && publicKeys.length > 0 && hasTenants && !knowsAllKeys(reader)) {
    reader.wrong(secrets, 'stands beside keys of each tenant. Give jwks, jwksFile, or a jwksUri without {tenant}, so that all tenants have the same keys');
  }
}

function hasTenant(address: unknown): boolean {
  return typeof address === 'string' && address.includes(TENANT);
}

/** Whether anything is fetched from the issuer's own address: not where the options say where the keys are, or hold them. */
export function asksIssuer(reader: OptionReader, publicKeys: readonly Algorithm[]): boolean {
  return (publicKeys.length > 0 || !hasSecrets(reader)) && PUBLIC_KEY_OPTION_NAMES.every((name) => reader.get(name) === undefined);
}

/** Whether it is known where all tenants' public keys are. */
export function knowsAllKeys(reader: OptionReader): boolean {
  const jwksUri = reader.get('jwksUri');
  return typeof jwksUri === 'string' ? !jwksUri.includes(TENANT) : reader.get('jwks') !== undefined || reader.get('jwksFile') !== undefined;
}

/** Public keys that need not be fetched; made into a source when everything else is right, too. */
export function readGivenKeys(
  reader: OptionReader,
  algorithms: readonly Algorithm[],
  maxKeys: number,
  issuer: string,
  outages: OutageWarnings,
): (() => KeySource) | undefined {
  // what stands beside secrets without use is told of once
  if (algorithms.length === 0 && hasSecrets(reader)) return undefined;
  const jwks = reader.get('jwks');
  if (jwks !== undefined) {
    const set = tried(reader, 'jwks', () => {
      const parsed = typeof jwks === 'string' ? parseKeyText(jwks, algorithms, maxKeys) : parseKeySet(jwks, algorithms, maxKeys);
      for (const fault of parsed.faults) reader.wrong('jwks', fault);
      return parsed;
    });
    return set && (() => createGivenKeySource(() => set));
  }
  if (reader.get('jwksFile') === undefined) return undefined;
  let last: KeySet | undefined;
  const file = { path: reader.text('jwksFile', ''), parse: (text: string) => (last = parseKeyText(text, algorithms, maxKeys, last)) };
  return readFileOf(reader, 'jwksFile', file, issuer, outages);
}

/** Secrets, made into a source in the same way. */
export function readGivenSecrets(
  reader: OptionReader,
  macs: readonly MacAlgorithm[],
  issuer: string,
  outages: OutageWarnings,
  owner: SecretOwner | undefined,
): (() => KeySource) | undefined {
  if (macs.length === 0) return undefined;
  const secrets = reader.get('sharedSecrets');
  if (secrets !== undefined) {
    const set = readSecrets(secrets, macs, (message) => reader.wrong('sharedSecrets', message));
    if (set && owner?.take(issuer, set.prints!) === false) reader.wrong('sharedSecrets', `holds ${SHARED_BETWEEN_ISSUERS}`);
    return set && (() => createGivenKeySource(() => set));
  }
  const given = reader.get('sharedSecretsFile');
  if (given === undefined) return undefined;
  if (typeof given === 'string') {
    const encodings = SECRET_ENCODINGS.join(', ');
    reader.wrong(
      'sharedSecretsFile',
      `is a bare string, and nobody can tell how the secrets in the file are to be read. Write { path: "...", encoding: "base64url" }. The encodings are ${encodings}`,
    );
    return undefined;
  }
  const inner = reader.inner('sharedSecretsFile', ['path', 'encoding']);
  const path = inner.text('path', '');
  const encoding = SECRET_ENCODINGS.find((name) => name === inner.get('encoding'));
  if (inner.get('path') === undefined) inner.wrong('path', 'is missing: give the path of the file');
  if (!encoding) inner.wrong('encoding', `is ${shown(inner.get('encoding'), 'name')}. Say how each line is to be read: ${SECRET_ENCODINGS.join(', ')}`);
  if (path === '' || !encoding) return undefined;

  /** A file that changes later may bring another issuer's secret as well: it is then refused like any other that can't be read. */
  function parse(text: string): KeySet {
    const set = parseSecretLines(text, encoding!, macs);
    if (owner?.take(issuer, set.prints!) === false) throw new Error(`it holds ${SHARED_BETWEEN_ISSUERS}`);
    return set;
  }

  return readFileOf(reader, 'sharedSecretsFile', { path, parse }, issuer, outages);
}

interface KeyFile {
  readonly path: string;
  readonly parse: (text: string) => KeySet;
}

function readFileOf(reader: OptionReader, name: string, { path, parse }: KeyFile, issuer: string, outages: OutageWarnings): () => KeySource {
  // read once for the start's sake, and watched only when everything is right
  tried(reader, name, () => watchFile(path, parse, () => {}).close());
  return () => {
    const file = watchFile(path, parse, (error) => {
      if (error) {
        outages.began(issuer, `tokenward: ${error.message}; the keys that were read before serve on`);
        publish('tokenward:keys-failed', { issuer, message: error.message, usable: true });
        return;
      }
      outages.ended(issuer, `tokenward: ${path} can be read again`);
      publish('tokenward:keys-refreshed', { issuer, keyIds: file.current().keyIds, remarks: file.current().remarks });
    });
    return createGivenKeySource(file.current, file);
  };
}

function tried<T>(reader: OptionReader, name: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    reader.wrong(name, (error as Error).message);
    return undefined;
  }
}
