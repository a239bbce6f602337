import { publish } from '../events/events.js';
import type { OutageWarnings } from '../events/outage-warnings.js';
import { issuerName } from '../keys/issuer-name.js';
import { watchFile, type WatchedFile } from '../keys/watched-file.js';
import type { KeyFileOption } from '../vocabulary/key-words.js';
import type { Reason } from '../vocabulary/reason.js';

/** A file that an option of an issuer names. */
export interface IssuerFile<T> {
  readonly option: KeyFileOption;
  readonly path: string;
  /** Throws if it rejects a text. */
  readonly parse: (text: string) => T;
  /** What stays in use while the file cannot be read. */
  readonly kept: string;
  /** Why requests will be refused if that lasts, unless it is the usual reason for an outage of keys. */
  readonly reason?: Reason | undefined;
  /** Returns what the event says about new contents. Default: nothing. */
  readonly describe?: ((value: T) => { readonly keyIds: readonly string[]; readonly remarks: readonly string[] }) | undefined;
}

/** Whose file it is, and the warnings with which its changes are reported. */
export interface FileOwner {
  readonly issuer: string;
  /** Whether the options of the guard list the issuer. */
  readonly isListed: boolean;
  readonly outages: OutageWarnings;
}

const NOTHING = { keyIds: [], remarks: [] } as const;

/**
 * Watches a file of an issuer, and reports when it cannot be read, and when it can again. Each file is an outage of its own: an issuer may have several files,
 * and publish keys as well, and one that is back must not end the outage of another.
 *
 * @throws Error if the file cannot be read or parsed at first
 */
export function watchIssuerFile<T>(
  { option, path, parse, kept, reason, describe = () => NOTHING }: IssuerFile<T>,
  { issuer, isListed, outages }: FileOwner,
): WatchedFile<T> {
  const name = issuerName(issuer, isListed);
  const outage = JSON.stringify([option, path, issuer]);
  const file = watchFile(path, parse, (error) => {
    if (error) {
      outages.began(outage, `tokenward: ${option} of ${name}: ${error.message}; ${kept}`, { reason });
      publish('tokenward:keys-failed', { issuer: name, source: option, message: error.message, usable: true });
      return;
    }
    outages.ended(outage, `tokenward: ${option} of ${name}: ${path} can be read again`);
    publish('tokenward:keys-refreshed', { issuer: name, source: option, ...describe(file.current()) });
  });
  return {
    ...file,
    close() {
      file.close();
      outages.forget(outage);
    },
  };
}
