import { UsageError } from '../errors.js';
import { hostnameOf, loopbackAddresses, type Lookup } from '../lib/loopback.js';

/** The server that is attacked, on this machine. */
export interface Target {
  readonly url: URL;
  /** The loopback address that is connected to, whatever a later lookup of the name says. */
  readonly address: string;
}

/**
 * Reads the address to attack, and resolves its host, once.
 *
 * @returns the target at each address of its host: a server may listen on one of 127.0.0.1 and ::1 only
 * @throws UsageError if it is not an http or https URL, or if one of its addresses is not on this machine
 */
export async function readTargets(text: string, lookup?: Lookup): Promise<readonly Target[]> {
  const url = URL.parse(text);
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new UsageError('<url> must be an http or https URL, such as http://localhost:3000/me');
  }
  if (url.username !== '' || url.password !== '') throw new UsageError('<url> cannot contain a user name or password');
  url.hash = '';
  const addresses = await loopbackAddresses(hostnameOf(url), lookup);
  if (!addresses) {
    throw new UsageError('attack runs only against this machine: <url> must have loopback addresses only, such as http://127.0.0.1:3000/me');
  }
  return addresses.map((address) => ({ url, address }));
}
