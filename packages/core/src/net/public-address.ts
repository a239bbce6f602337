import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { isLoopback } from '../lib/url.js';

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** IPv6 addresses that are allocated to public networks. All others are internal or unused. */
const GLOBAL_UNICAST = blockList(['2000::/3']);
/** IPv4-mapped IPv6 addresses. They are judged as the IPv4 address. */
const MAPPED = blockList(['::ffff:0:0/96']);

/**
 * Internal, unused and anycast addresses: all entries of the IANA special-purpose registries (RFC 6890), even the globally reachable ones. No
 * authorization server has such an address.
 */
const SPECIAL = blockList([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32', // internal services of a cloud
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
]);

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address, prefix] = network.split('/') as [string, string];
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}

/** Whether an address is public. An IPv4-mapped IPv6 address counts as its IPv4 address. Translated and tunnelled addresses are not public. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !SPECIAL.check(address, 'ipv4');
  return family === 6 && (GLOBAL_UNICAST.check(address, 'ipv6') || MAPPED.check(address, 'ipv6')) && !SPECIAL.check(address, 'ipv6');
}

/** Whether a URL shows by itself that its host has no public address: the host is such an address, or a name for loopback. */
export function isInternal(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.+$/, '');
  return isIP(host) !== 0 ? !isPublicAddress(host) : isLoopback(host);
}

/**
 * Looks up a host name as Node's `lookup` does, and fails unless all its addresses are public. Node calls it when it connects, so it connects to the
 * address that was checked.
 */
export function lookupPublic(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const internal = addresses.find(({ address }) => !isPublicAddress(address));
    if (internal || addresses.length === 0) return callback(new InternalAddressError(hostname), []);
    return options.all ? callback(null, addresses) : callback(null, addresses[0]!.address, addresses[0]!.family);
  });
}

/** A host has no public address, and only the issuer's metadata names it. */
export class InternalAddressError extends Error {
  constructor(hostname: string) {
    super(
      `the host ${hostname} has a private, loopback or link-local address, and only the issuer's metadata names it. If it is right, list it in keyFetching.jwksHosts`,
    );
  }
}
