import type { OutageWarnings } from '../events/outage-warnings.js';
import {
  CONTENT_ENCRYPTION_ALGORITHMS,
  KEY_ENCRYPTION_ALGORITHMS,
  type ContentEncryptionAlgorithm,
  type KeyEncryptionAlgorithm,
} from '../jose/jwe-algorithms.js';
import { MAX_KEY_ID_LENGTH } from '../jose/compact-jws.js';
import { joinedErrors } from '../lib/joined-errors.js';
import { OptionReader, plainProblem } from '../lib/option-reader.js';
import { readInnerTable, readTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { MAX_TRIED, parseDecryptionKey, parseDecryptionKeyText, type DecryptionKey } from './decryption-keys.js';
import type { DecryptionKeyOption, EncryptedTokensOptions } from './decryption-options.js';
import { watchFile } from './watched-file.js';

/** The decryption of a guard: its options, validated and complete. */
export interface DecryptionConfig {
  readonly isRequired: boolean;
  readonly encryptions: ReadonlySet<ContentEncryptionAlgorithm>;
  /** Returns the current keys. A function, since files change, and so that no inspection shows them. */
  readonly keys: () => readonly DecryptionKey[];
  readonly lastError: () => string | undefined;
  /** Stops watching files. */
  close(): void;
}

const MAX_OPTIONS = 16;

const DECRYPTION_KEY = {
  key: (reader: OptionReader, name: string) => reader.get(name),
  file: (reader: OptionReader, name: string) => reader.text(name, '') || undefined,
  kid(reader: OptionReader, name: string) {
    const kid = reader.get(name);
    if (kid === undefined || (typeof kid === 'string' && kid !== '' && kid.length <= MAX_KEY_ID_LENGTH)) return kid;
    reader.wrong(name, `must be a string of 1 to ${MAX_KEY_ID_LENGTH} characters (got ${shown(kid)})`);
    return undefined;
  },
  algorithms: (reader: OptionReader, name: string) => readAlgorithms<KeyEncryptionAlgorithm>(reader, name, KEY_ENCRYPTION_ALGORITHMS),
} satisfies OptionTable<DecryptionKeyOption>;

const ENCRYPTED_TOKENS = {
  required: (reader: OptionReader, name: string) => reader.flag(name),
  contentAlgorithms: (reader: OptionReader, name: string) => readAlgorithms<ContentEncryptionAlgorithm>(reader, name, CONTENT_ENCRYPTION_ALGORITHMS),
} satisfies OptionTable<EncryptedTokensOptions>;

export type EncryptedTokens = ReturnType<typeof readEncryptedTokens>;

/** Reads the option `encryptedTokens`. */
export function readEncryptedTokens(reader: OptionReader, name: string) {
  if (reader.get(name) !== undefined && reader.get('decryptionKeys') === undefined)
    reader.wrong(name, 'needs decryptionKeys: set it to the private keys of this API');
  return readInnerTable(reader, name, ENCRYPTED_TOKENS);
}

/** Other algorithms of RFC 7518. A message may repeat their names. */
const REFUSED_NAMES = ['RSA1_5', 'PBES2-HS256+A128KW', 'PBES2-HS384+A192KW', 'PBES2-HS512+A256KW'];

function readAlgorithms<A extends string>(reader: OptionReader, name: string, known: readonly A[]): readonly A[] | undefined {
  const names = reader.texts(name);
  const wrong = names?.find((one) => !(known as readonly string[]).includes(one));
  if (wrong === undefined) return names as readonly A[] | undefined;
  reader.wrong(name, `lists ${shown(wrong, [...known, ...REFUSED_NAMES])}, which is not supported. Use ${known.join(', ')}`);
  return undefined;
}

/** The keys of one option: they are there from the start, or in a file. */
interface KeyHolder {
  current(): readonly DecryptionKey[];
  lastError?(): string | undefined;
  close?(): void;
}

/**
 * Reads the option `decryptionKeys`, and reports problems to the reader. Call the result only if there were none.
 *
 * @returns creates the configuration, and begins to watch files; undefined without the option
 */
export function readDecryption(
  reader: OptionReader,
  given: unknown,
  { required, contentAlgorithms }: EncryptedTokens,
  outages: OutageWarnings,
): (() => DecryptionConfig) | undefined {
  if (given === undefined) return undefined;
  const listed: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (listed.length === 0 || listed.length > MAX_OPTIONS) reader.wrong('decryptionKeys', `must have 1 to ${MAX_OPTIONS} keys (got ${listed.length})`);
  // a list with holes has fewer options than its length says
  const creators = Array.from(listed, (one, index) => readKey(reader, one, Array.isArray(given) ? `decryptionKeys[${index}]` : 'decryptionKeys', outages));
  const unnamed = creators.flatMap((one) => one?.first.filter(({ keyId }) => keyId === undefined) ?? []).length;
  if (unnamed > MAX_TRIED)
    reader.wrong('decryptionKeys', `has ${unnamed} keys without kid, more than ${MAX_TRIED}: each might have to be tried. Give them key ids`);

  return () => {
    const holders = creators.map((one) => one!.create());
    return {
      isRequired: required,
      encryptions: new Set(contentAlgorithms ?? CONTENT_ENCRYPTION_ALGORITHMS),
      keys: () => holders.flatMap((holder) => holder.current()),
      lastError: () => joinedErrors(...holders.map((holder) => holder.lastError?.())),
      close() {
        for (const holder of holders) holder.close?.();
      },
    };
  };
}

interface KeyCreator {
  readonly first: readonly DecryptionKey[];
  create(): KeyHolder;
}

function readKey(reader: OptionReader, given: unknown, path: string, outages: OutageWarnings): KeyCreator | undefined {
  const problem = plainProblem(given);
  if (problem !== undefined || Object.hasOwn(given as object, 'kty')) {
    reader.wrong(
      path,
      `must be { key } or { file }, with a private key or the path of a file${problem === undefined ? ' (got a JWK: write { key: jwk })' : ''}`,
    );
    return undefined;
  }
  const inner = new OptionReader(given as object, Object.keys(DECRYPTION_KEY), `${path}.`, reader.problems);
  const { key, file, kid, algorithms } = readTable(inner, DECRYPTION_KEY);
  if ((key === undefined) === (file === undefined)) {
    // a file that is not a text was reported already
    if (key !== undefined || inner.get('file') === undefined)
      inner.wrong('key', key === undefined ? 'is missing: set key or file' : 'cannot be combined with file. Set only one of them');
    return undefined;
  }
  const keyOptions = { kid, algorithms };
  try {
    if (file === undefined) {
      const keys = [parseDecryptionKey(key, keyOptions)];
      return { first: keys, create: () => ({ current: () => keys }) };
    }
    const parse = (text: string): readonly DecryptionKey[] => parseDecryptionKeyText(text, keyOptions);
    const once = watchFile(file, parse, () => {});
    once.close();
    return { first: once.current(), create: () => watchKeys(file, parse, outages) };
  } catch (error) {
    inner.wrong(file === undefined ? 'key' : 'file', (error as Error).message);
    return undefined;
  }
}

function watchKeys(file: string, parse: (text: string) => readonly DecryptionKey[], outages: OutageWarnings): KeyHolder {
  return watchFile(file, parse, (error) => {
    if (error) outages.began(file, `tokenward: ${error.message}; the last decryption keys stay in use`);
    else outages.ended(file, `tokenward: ${file} can be read again`);
  });
}
