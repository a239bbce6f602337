import { lookup as resolve, type LookupAddress, type LookupOptions } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import { isLoopback } from '../lib/url.js';

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;

/** What is allocated to the networks of the world. All other IPv6 addresses lead inward, or nowhere. */
const GLOBAL_UNICAST = blockList(['2000::/3']);
/** An IPv4 address in IPv6's clothes, which counts as itself. */
const MAPPED = blockList(['::ffff:0:0/96']);

/**
 * Addresses that lead inward, or nowhere, or to whichever machine is nearest: all of the IANA special-purpose registries (RFC 6890), also those
 * entries that are globally reachable. No authorization server is there.
 */
const SPECIAL = blockList([
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32', // a cloud's own services
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

/** Whether an address is anybody's to reach: an IPv4 address that is mapped into IPv6 counts as itself; translated and tunnelled ones are refused. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !SPECIAL.check(address, 'ipv4');
  return family === 6 && (GLOBAL_UNICAST.check(address, 'ipv6') || MAPPED.check(address, 'ipv6')) && !SPECIAL.check(address, 'ipv6');
}

/** Whether a URL shows by itself that it leads to what is not anybody's to reach, by an address or by a name for loopback: such a one is never looked up. */
export function isInward(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.+$/, '');
  return isIP(host) !== 0 ? !isPublicAddress(host) : isLoopback(host);
}

/**
 * Node's `lookup` for a connection that must not lead inward: asked at the moment of connecting, so that the address that was looked at is
 * the one that is connected to.
 */
export function lookupPublic(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  resolve(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, []);
    const inward = addresses.find(({ address }) => !isPublicAddress(address));
    if (inward || addresses.length === 0) return callback(new InwardAddressError(hostname), []);
    return options.all ? callback(null, addresses) : callback(null, addresses[0]!.address, addresses[0]!.family);
  });
}

/** A host leads inward, and only the issuer's metadata names it. */
export class InwardAddressError extends Error {
  constructor(hostname: string) {
    super(
      `the host ${hostname} has a private, loopback or link-local address, and only the issuer's metadata names it; allow it by keyFetching.jwksHosts if it is right`,
    );
  }
}
