import { type OptionReader } from '../lib/option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from '../lib/option-table.js';
import { shown } from '../lib/shown-option.js';
import { urlProblem } from '../lib/url.js';
import type { KeyFetchingOptions } from './issuer-options.js';
import type { RemoteKeysConfig } from '../keys/remote-keys.js';
import { TENANT } from './tenants.js';

const DAY_SECONDS = 86_400;

const KEY_FETCHING = {
  timeoutSeconds: numberOption(5, { least: 0.01, most: 60 }),
  maxBytes: numberOption(524_288, { least: 1024, most: 16_777_216, whole: true }),
  maxKeys: numberOption(100, { least: 1, most: 1000, whole: true }),
  jwksHosts: (reader: OptionReader, name: string) => reader.hosts(name),
  freshSeconds: numberOption(600, { least: 1, most: DAY_SECONDS }),
  staleSeconds: numberOption(3600, { least: 0, most: DAY_SECONDS }),
  unknownKeyCooldownSeconds: numberOption(30, { least: 1, most: DAY_SECONDS }),
} satisfies OptionTable<KeyFetchingOptions>;

/** Reads how metadata and keys are fetched. */
export function readKeyFetching(reader: OptionReader): Pick<RemoteKeysConfig, keyof KeyFetchingOptions> {
  return readInnerTable(reader, 'keyFetching', KEY_FETCHING);
}

/** An address that is fetched from, with `{tenant}` in it or not. */
export function readAddress(reader: OptionReader, name: 'jwksUri' | 'metadataUrl', unsafeHttpHosts: ReadonlySet<string>): string | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  const problem = typeof given === 'string' ? urlProblem(given.replace(TENANT, 'tenant'), unsafeHttpHosts) : 'is not a string';
  if (problem) reader.wrong(name, `${problem} (given: ${shown(given, 'url')})`);
  return given as string;
}
