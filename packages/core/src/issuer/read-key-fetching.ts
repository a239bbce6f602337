import type { OptionReader } from '../lib/option-reader.js';
import { numberOption, readInnerTable, type OptionTable } from '../lib/option-table.js';
import type { KeyFetchingOptions } from './issuer-options.js';
import { hasCertificate } from '../keys/key-access.js';
import type { RemoteKeysConfig } from '../keys/remote-keys.js';

const DAY_SECONDS = 86_400;

const KEY_FETCHING = {
  timeoutSeconds: numberOption(5, { least: 0.01, most: 60 }),
  maxBytes: numberOption(524_288, { least: 1024, most: 16_777_216, whole: true }),
  maxKeys: numberOption(100, { least: 1, most: 1000, whole: true }),
  jwksHosts: (reader: OptionReader, name: string) => reader.hosts(name),
  caFile: readPath,
  ca: readAuthorities,
  bearerTokenFile: readPath,
  freshSeconds: numberOption(600, { least: 1, most: DAY_SECONDS }),
  staleSeconds: numberOption(3600, { least: 0, most: DAY_SECONDS }),
  unknownKeyCooldownSeconds: numberOption(30, { least: 1, most: DAY_SECONDS }),
} satisfies OptionTable<KeyFetchingOptions>;

export function readKeyFetching(reader: OptionReader, name: string): Pick<RemoteKeysConfig, keyof KeyFetchingOptions> {
  return readInnerTable(reader, name, KEY_FETCHING);
}

function readPath(reader: OptionReader, name: string): string | undefined {
  return reader.text(name, '') || undefined;
}

function readAuthorities(reader: OptionReader, name: string): string | undefined {
  const text = reader.text(name, '') || undefined;
  if (text !== undefined && !hasCertificate(text)) reader.wrong(name, 'contains no certificate in PEM. For the name of a file, set caFile');
  return text;
}

/**
 * Reports credentials for fetches that could not be used, or not safely.
 *
 * @param address where keys are fetched, or their address
 */
export function checkKeyAccess(
  reader: OptionReader,
  address: string,
  { ca, caFile, bearerTokenFile }: Pick<KeyFetchingOptions, 'ca' | 'caFile' | 'bearerTokenFile'>,
  hasOwnFetch: boolean,
): void {
  if (ca !== undefined && caFile !== undefined) reader.wrong('keyFetching.ca', 'cannot be combined with caFile. Leave one of them out');
  for (const [name, value] of Object.entries({ ca, caFile })) {
    if (value !== undefined && hasOwnFetch)
      reader.wrong(`keyFetching.${name}`, 'cannot be combined with fetch, which opens its own connections. Set the authorities there');
  }
  if (bearerTokenFile !== undefined && /^http:/i.test(address))
    reader.wrong('keyFetching.bearerTokenFile', 'would be sent in the clear, since the address of the keys has http. Use https, or leave it out');
}
