import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { isLoopback } from '@tokenward/core/store';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether an IP address is on this machine: 127.0.0.0/8, ::1, or an IPv4 one of these that is mapped to IPv6. */
export function isLoopbackAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/** A host of a URL, without the brackets of IPv6. */
export function hostnameOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1');
}

export type Lookup = (hostname: string) => Promise<readonly string[]>;

/** Returns all addresses of a name, as this machine resolves it. */
const lookupAll: Lookup = async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address);

/**
 * Returns the loopback addresses of a host. Connect to these, and not to the name: a second lookup may return another address.
 *
 * @returns undefined if one of its addresses is not loopback, or if it has none
 */
export async function loopbackAddresses(hostname: string, resolve: Lookup = lookupAll): Promise<readonly string[] | undefined> {
  if (isIP(hostname) !== 0) return isLoopbackAddress(hostname) ? [hostname] : undefined;
  let addresses: readonly string[];
  try {
    addresses = await resolve(hostname);
  } catch {
    // not every resolver knows names under localhost (RFC 6761 s6.3)
    addresses = isLoopback(hostname) ? ['127.0.0.1'] : [];
  }
  return addresses.length > 0 && addresses.every(isLoopbackAddress) ? addresses : undefined;
}
