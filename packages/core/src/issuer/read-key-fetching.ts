import { type OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';
import { urlProblem } from '../lib/url.js';
import type { KeyFetchingOptions } from './issuer-options.js';
import type { RemoteKeysConfig } from '../keys/remote-keys.js';
import { TENANT } from './tenants.js';

const DAY_SECONDS = 86_400;
const KEY_FETCHING_OPTIONS = ['timeoutSeconds', 'maxBytes', 'maxKeys', 'jwksHosts', 'freshSeconds', 'staleSeconds', 'unknownKeyCooldownSeconds'];
/** Reads how metadata and keys are fetched. */
export function readKeyFetching(reader: OptionReader): Pick<RemoteKeysConfig, keyof KeyFetchingOptions> {
  const inner = reader.inner('keyFetching', KEY_FETCHING_OPTIONS);
  return {
    timeoutSeconds: inner.number('timeoutSeconds', 5, { least: 0.01, most: 60 }),
    maxBytes: inner.number('maxBytes', 524_288, { least: 1024, most: 16_777_216, whole: true }),
    maxKeys: inner.number('maxKeys', 100, { least: 1, most: 1000, whole: true }),
    jwksHosts: inner.hosts('jwksHosts'),
    freshSeconds: inner.number('freshSeconds', 600, { least: 1, most: DAY_SECONDS }),
    staleSeconds: inner.number('staleSeconds', 3600, { least: 0, most: DAY_SECONDS }),
    unknownKeyCooldownSeconds: inner.number('unknownKeyCooldownSeconds', 30, { least: 1, most: DAY_SECONDS }),
  };
}

/** An address that is fetched from, with `{tenant}` in it or not. */
export function readAddress(reader: OptionReader, name: 'jwksUri' | 'metadataUrl', unsafeHttpHosts: ReadonlySet<string>): string | undefined {
  const given = reader.get(name);
  if (given === undefined) return undefined;
  const problem = typeof given === 'string' ? urlProblem(given.replace(TENANT, 'tenant'), unsafeHttpHosts) : 'is not a string';
  if (problem) reader.wrong(name, `${problem} (given: ${shown(given, 'url')})`);
  return given as string;
}
