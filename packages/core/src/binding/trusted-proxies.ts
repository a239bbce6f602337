import { BlockList, isIP, isIPv4 } from 'node:net';
import type { OptionReader } from '../lib/option-reader.js';
import { shown } from '../lib/shown-option.js';

/** Whether an address is that of a trusted proxy. */
export type TrustsAddress = (address: string | undefined) => boolean;

type Subnet = [address: string, prefix: number, family: 'ipv4' | 'ipv6'];

/** Reads addresses and networks: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`. */
export function readTrustedProxies(reader: OptionReader, name: string): TrustsAddress | undefined {
  const networks = reader.texts(name);
  if (networks === undefined) return undefined;
  const list = new BlockList();
  for (const network of networks) {
    const problem = add(list, network);
    if (problem !== undefined) reader.wrong(name, `${problem} (got ${shown(network, 'host')})`);
  }
  return (address) => address !== undefined && isListed(list, address);
}

/** Returns what is wrong with an entry. */
function add(list: BlockList, network: string): string | undefined {
  const [address, prefix, ...more] = network.split('/') as [string, ...string[]];
  const family = isIP(address);
  const bits = family === 4 ? 32 : 128;
  if (
    family === 0 ||
    address.includes('%') ||
    more.length > 0 ||
    (prefix !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefix)) ||
    Number(prefix ?? bits) > bits
  )
    return 'must list IP addresses and networks, such as "10.0.0.7", "10.0.0.0/8" or "fd00::/8"';
  const subnet: Subnet = [address, Number(prefix ?? bits), family === 4 ? 'ipv4' : 'ipv6'];
  if (subnet[1] === 0 || hasAllOfIPv4(subnet)) return `must not list every address, as ${network} does: any client could then send the certificate of another`;
  list.addSubnet(...subnet);
  return undefined;
}

/** A network of IPv6 may contain all mapped addresses of IPv4 (`::ffff:0:0/96`), and these count as those of IPv4. */
function hasAllOfIPv4(subnet: Subnet): boolean {
  const only = new BlockList();
  only.addSubnet(...subnet);
  return only.check('0.0.0.0') && only.check('255.255.255.255');
}

/** On a socket that takes IPv4 and IPv6, an IPv4 address is mapped into IPv6, and an address of the local link names its network interface. */
function isListed(list: BlockList, given: string): boolean {
  const address = given.replace(/%.*/s, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) !== 0 && list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}
