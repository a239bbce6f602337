import type { LookupAddress } from 'node:dns';
import { describe, expect, test, vi } from 'vitest';
import { isInternal, isPublicAddress, lookupPublic } from './public-address.js';

/** What made-up names resolve to, since an attacker controls DNS. All other names are looked up as usual. */
const MADE_UP: Readonly<Record<string, readonly string[]>> = {
  'public.invalid': ['8.8.8.8', '2606:4700:4700::1111'],
  'first-public.invalid': ['8.8.8.8', '10.0.0.1'],
  'mapped.invalid': ['::ffff:169.254.169.254'],
  'nothing.invalid': [],
};
vi.mock(import('node:dns'), async (importOriginal) => {
  const dns = await importOriginal();
  const lookup = (hostname: string, options: object, callback: (error: Error | null, addresses: LookupAddress[]) => void): void => {
    const addresses = MADE_UP[hostname];
    if (addresses)
      queueMicrotask(() =>
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        ),
      );
    else if (hostname === 'unknown.invalid') queueMicrotask(() => callback(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), []));
    else dns.lookup(hostname, options as { all: true }, callback);
  };
  return { ...dns, lookup: lookup as unknown as typeof dns.lookup };
});

test('rule 55: isInternal recognises an internal host in a URL without a DNS lookup', () => {
  for (const host of [
    '127.0.0.1:8080',
    '[::1]:8443',
    '169.254.169.254',
    '10.1.2.3',
    '[fd00::1]',
    '0x7f000001',
    '2130706433',
    '[::ffff:10.0.0.1]',
    '127.0.0.1.',
    'localhost',
    'LOCALHOST:8080',
    'localhost.',
    'auth.localhost',
    'a.b.localhost.',
  ])
    expect(isInternal(`https://${host}/revoke`)).toBe(true);
  for (const host of ['8.8.8.8', '[2606:4700:4700::1111]', 'login.example.com', 'localhost.example.com', 'notlocalhost'])
    expect(isInternal(`https://${host}/revoke`)).toBe(false);
});

describe('rule 55: isPublicAddress refuses internal and unroutable addresses', () => {
  test.each([
    ['addresses of this host', ['0.0.0.0', '0.1.2.3', '::']],
    ['loopback addresses', ['127.0.0.1', '127.255.255.255', '::1']],
    ['addresses of private networks', ['10.0.0.1', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.1', '192.168.255.255']],
    ['addresses of carrier networks', ['100.64.0.0', '100.127.255.255']],
    ['link-local addresses, where cloud metadata services are', ['169.254.169.254', '169.254.0.1', 'fe80::1', 'febf::1', 'fe80::1%eth0']],
    ['site-local and unique local addresses', ['fc00::1', 'fd00::1', 'fdff:ffff::1', 'fd00:ec2::254', 'fec0::1', 'feff::1']],
    ['addresses of IETF protocols', ['192.0.0.1', '192.0.0.170']],
    ['addresses for benchmarks', ['198.18.0.1', '198.19.255.255']],
    ['multicast addresses', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1']],
    ['reserved and broadcast addresses', ['240.0.0.1', '255.255.255.255']],
    ['discard-only addresses', ['100::1']],
    ['addresses for documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
    ['IPv6 addresses of IETF protocols', ['2001:2::1', '2001:10::1', '2001:1ff:ffff::1']],
    ['addresses for segment routing', ['5f00::1']],
    ["a cloud's own services", ['168.63.129.16']],
  ])('refuses %s', (_name, addresses) => {
    for (const address of addresses) expect(isPublicAddress(address), address).toBe(false);
  });

  test.each([
    ['mapped addresses in dotted form', ['::ffff:10.0.0.1', '::ffff:127.0.0.1', '::FFFF:169.254.169.254', '::ffff:0.0.0.0', '::ffff:192.168.1.1']],
    [
      'mapped addresses in hexadecimal',
      ['::ffff:a00:1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '0:0:0:0:0:ffff:0a00:0001', '0000:0000:0000:0000:0000:ffff:c0a8:0101'],
    ],
    ['compatible addresses', ['::10.0.0.1', '::7f00:1', '::8.8.8.8']],
    ['NAT64 addresses', ['64:ff9b::10.0.0.1', '64:ff9b::a00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::1']],
    ['translated addresses', ['::ffff:0:10.0.0.1', '::ffff:0:a00:1']],
    ['Teredo addresses', ['2001::1', '2001:0:a00:1::f5ff:fffe']],
    ['6to4 addresses', ['192.88.99.1', '2002:a00:1::1', '2002:7f00:1::', '2002:808:808::1']],
  ])('refuses IPv4 addresses embedded in IPv6 addresses: %s', (_name, addresses) => {
    for (const address of addresses) expect(isPublicAddress(address), address).toBe(false);
  });

  test.each([
    '',
    'localhost',
    'example.com',
    '1',
    '2130706433',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '010.0.0.1',
    '127.1',
    '8.8.8.8.',
    ' 8.8.8.8',
    '8.8.8.8:443',
    '[2606:4700:4700::1111]',
    '8.8.8.256',
  ])('refuses %j, which is not an IP address', (text) => {
    expect(isPublicAddress(text)).toBe(false);
  });
});

/**
 * All entries of https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry, and the
 * multicast blocks, which have their own registries.
 */
const REGISTRIES = [
  ['"This network"', '0.0.0.0/8'],
  ['"This host on this network"', '0.0.0.0/32'],
  ['Private-Use', '10.0.0.0/8'],
  ['Shared Address Space', '100.64.0.0/10'],
  ['Loopback', '127.0.0.0/8'],
  ['Link Local', '169.254.0.0/16'],
  ['Private-Use', '172.16.0.0/12'],
  ['IETF Protocol Assignments', '192.0.0.0/24'],
  ['IPv4 Service Continuity Prefix', '192.0.0.0/29'],
  ['IPv4 dummy address', '192.0.0.8/32'],
  ['Port Control Protocol Anycast', '192.0.0.9/32'],
  ['Traversal Using Relays around NAT Anycast', '192.0.0.10/32'],
  ['NAT64/DNS64 Discovery', '192.0.0.170/32'],
  ['NAT64/DNS64 Discovery', '192.0.0.171/32'],
  ['Documentation (TEST-NET-1)', '192.0.2.0/24'],
  ['AS112-v4', '192.31.196.0/24'],
  ['AMT', '192.52.193.0/24'],
  ['Deprecated (6to4 Relay Anycast)', '192.88.99.0/24'],
  ['6a44-relay anycast address', '192.88.99.2/32'],
  ['Private-Use', '192.168.0.0/16'],
  ['Direct Delegation AS112 Service', '192.175.48.0/24'],
  ['Benchmarking', '198.18.0.0/15'],
  ['Documentation (TEST-NET-2)', '198.51.100.0/24'],
  ['Documentation (TEST-NET-3)', '203.0.113.0/24'],
  ['Multicast', '224.0.0.0/4'],
  ['Reserved', '240.0.0.0/4'],
  ['Limited Broadcast', '255.255.255.255/32'],
  ['Loopback Address', '::1/128'],
  ['Unspecified Address', '::/128'],
  ['IPv4-IPv6 Translat.', '64:ff9b::/96'],
  ['IPv4-IPv6 Translat.', '64:ff9b:1::/48'],
  ['Discard-Only Address Block', '100::/64'],
  ['Dummy IPv6 Prefix', '100:0:0:1::/64'],
  ['IETF Protocol Assignments', '2001::/23'],
  ['TEREDO', '2001::/32'],
  ['Port Control Protocol Anycast', '2001:1::1/128'],
  ['Traversal Using Relays around NAT Anycast', '2001:1::2/128'],
  ['DNS-SD Service Registration Protocol Anycast', '2001:1::3/128'],
  ['Benchmarking', '2001:2::/48'],
  ['AMT', '2001:3::/32'],
  ['AS112-v6', '2001:4:112::/48'],
  ['Deprecated (previously ORCHID)', '2001:10::/28'],
  ['ORCHIDv2', '2001:20::/28'],
  ['Drone Remote ID Protocol Entity Tags (DETs) Prefix', '2001:30::/28'],
  ['Documentation', '2001:db8::/32'],
  ['6to4', '2002::/16'],
  ['Direct Delegation AS112 Service', '2620:4f:8000::/48'],
  ['Documentation', '3fff::/20'],
  ['Segment Routing (SRv6) SIDs', '5f00::/16'],
  ['Unique-Local', 'fc00::/7'],
  ['Link-Local Unicast', 'fe80::/10'],
  ['Multicast', 'ff00::/8'],
] as const;

describe("rule 55: isPublicAddress refuses every network in IANA's special-purpose registries", () => {
  test.each(REGISTRIES)('refuses %s: %s', (_name, network) => {
    for (const address of endsOf(network)) expect(isPublicAddress(address), address).toBe(false);
  });

  test.each(REGISTRIES.filter(([, network]) => !network.includes(':')))('refuses %s: %s embedded in IPv6', (_name, network) => {
    for (const address of endsOf(network)) {
      const [a, b, c, d] = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0')) as [string, string, string, string];
      const hex = `${a}${b}:${c}${d}`;
      for (const within of [
        `::ffff:${address}`,
        `::ffff:${hex}`,
        `64:ff9b::${address}`,
        `64:ff9b:1::${hex}`,
        `2002:${hex}::1`,
        `::${address}`,
        `::ffff:0:${hex}`,
      ])
        expect(isPublicAddress(within), within).toBe(false);
    }
  });

  test('refuses unallocated addresses', () => {
    for (const address of ['::2:0:0:1', '64:ff9b:2::1', '101::1', '1fff:ffff::1', '4000::1', '8000::1', 'fbff::1', '2:3:4:5:6:7:8:9'])
      expect(isPublicAddress(address), address).toBe(false);
  });
});

/** The first and the last address of a network. */
function endsOf(network: string): readonly [string, string] {
  const [address, prefix] = network.split('/') as [string, string];
  const isV6 = address.includes(':');
  const [bits, each, base] = isV6 ? [128, 16, 16] : [32, 8, 10];
  const [front, back] = address.split('::') as [string, string?];
  const parts = (text: string | undefined): string[] => (text ? text.split(isV6 ? ':' : '.') : []);
  const all = back === undefined ? parts(front) : [...parts(front), ...Array<string>(8 - parts(front).length - parts(back).length).fill('0'), ...parts(back)];
  const value = all.reduce((sum, part) => (sum << BigInt(each)) | BigInt(Number.parseInt(part, base)), 0n);
  const last = value | ((1n << BigInt(bits - Number(prefix))) - 1n);
  const text = (of: bigint): string =>
    all.map((_part, at) => ((of >> BigInt(bits - each * (at + 1))) & ((1n << BigInt(each)) - 1n)).toString(base)).join(isV6 ? ':' : '.');
  return [text(value), text(last)];
}

test.each([
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2001:4860:4860::8888',
  '2a00:1450:4001:81b::200e',
  '2001:200::1',
  '2003::1',
  '168.63.129.15',
  '168.63.129.17',
  '192.0.3.0',
  '203.0.114.0',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
])('rule 55: isPublicAddress accepts %s', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

describe('rule 55: lookupPublic checks the addresses that a name resolves to', () => {
  test.each([
    ['localhost', 'localhost'],
    ['a loopback address', '127.0.0.1'],
    ['an address of a private network', '10.0.0.1'],
    ['a name with a mapped address', 'mapped.invalid'],
    ['a name with a public and an internal address', 'first-public.invalid'],
    ['a name without an address', 'nothing.invalid'],
  ])('refuses %s', async (_name, hostname) => {
    for (const all of [true, false, undefined]) {
      const { error, address } = await lookUp(hostname, all);
      expect(error?.message).toContain(`the host ${hostname} has a private, loopback or link-local address`);
      expect(error?.message).toContain('keyFetching.jwksHosts');
      expect(address).toEqual([]);
    }
  });

  test('returns every address of a public name if the caller asks for all, otherwise the first', async () => {
    const [first, second] = [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ];
    expect(await lookUp('public.invalid', true)).toEqual({ error: null, address: [first, second], family: undefined });
    expect(await lookUp('public.invalid', false)).toEqual({ error: null, address: first.address, family: first.family });
    expect(await lookUp('public.invalid', undefined)).toEqual({ error: null, address: first.address, family: first.family });
    expect(await lookUp('8.8.8.8', true)).toEqual({ error: null, address: [first], family: undefined });
  });

  test('passes on the error of a failed lookup', async () => {
    const { error, address } = await lookUp('unknown.invalid', true);
    expect(error).toMatchObject({ code: 'ENOTFOUND' });
    expect(address).toEqual([]);
  });
});

interface LookupResult {
  readonly error: NodeJS.ErrnoException | null;
  readonly address: string | LookupAddress[];
  readonly family: number | undefined;
}

function lookUp(hostname: string, all: boolean | undefined): Promise<LookupResult> {
  return new Promise((resolve) => {
    lookupPublic(hostname, all === undefined ? {} : { all }, (error, address, family) => resolve({ error, address, family }));
  });
}
