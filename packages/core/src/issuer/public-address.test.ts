import type { LookupAddress } from 'node:dns';
import { describe, expect, test, vi } from 'vitest';
import { isInward, isPublicAddress, lookupPublic } from './public-address.js';

/** Names that no DNS has: what one resolves to is the attacker's to say, so it is said here. All others are looked up as ever. */
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

test('rule 55: a URL with such an address in it is seen without a look-up', () => {
  for (const host of ['127.0.0.1:8080', '[::1]:8443', '169.254.169.254', '10.1.2.3', '[fd00::1]', '0x7f000001', '2130706433', '[::ffff:10.0.0.1]'])
    expect(isInward(`https://${host}/revoke`)).toBe(true);
  for (const host of ['8.8.8.8', '[2606:4700:4700::1111]', 'localhost', 'login.example.com']) expect(isInward(`https://${host}/revoke`)).toBe(false);
});

describe('rule 55: addresses that lead inward or nowhere', () => {
  test.each([
    ['this host', ['0.0.0.0', '0.1.2.3', '::']],
    ['loopback', ['127.0.0.1', '127.255.255.255', '::1']],
    ['private networks', ['10.0.0.1', '10.255.255.255', '172.16.0.0', '172.31.255.255', '192.168.0.1', '192.168.255.255']],
    ['carrier networks', ['100.64.0.0', '100.127.255.255']],
    ['link-local, where cloud metadata is', ['169.254.169.254', '169.254.0.1', 'fe80::1', 'febf::1', 'fe80::1%eth0']],
    ['site-local and unique local', ['fc00::1', 'fd00::1', 'fdff:ffff::1', 'fd00:ec2::254', 'fec0::1', 'feff::1']],
    ['IETF protocols', ['192.0.0.1', '192.0.0.170']],
    ['benchmarks', ['198.18.0.1', '198.19.255.255']],
    ['multicast', ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1']],
    ['reserved, and broadcast', ['240.0.0.1', '255.255.255.255']],
    ['discard-only', ['100::1']],
    ['documentation', ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1']],
    ['the IETF protocols of IPv6', ['2001:2::1', '2001:10::1', '2001:1ff:ffff::1']],
    ['segment routing', ['5f00::1']],
    ["a cloud's own services", ['168.63.129.16']],
  ])('%s', (_name, addresses) => {
    for (const address of addresses) expect(isPublicAddress(address), address).toBe(false);
  });

  test.each([
    ['mapped, in dotted form', ['::ffff:10.0.0.1', '::ffff:127.0.0.1', '::FFFF:169.254.169.254', '::ffff:0.0.0.0', '::ffff:192.168.1.1']],
    ['mapped, in hexadecimal', ['::ffff:a00:1', '::ffff:7f00:1', '::ffff:a9fe:a9fe', '0:0:0:0:0:ffff:0a00:0001', '0000:0000:0000:0000:0000:ffff:c0a8:0101']],
    ['compatible', ['::10.0.0.1', '::7f00:1', '::8.8.8.8']],
    ['NAT64', ['64:ff9b::10.0.0.1', '64:ff9b::a00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::1']],
    ['translated', ['::ffff:0:10.0.0.1', '::ffff:0:a00:1']],
    ['Teredo', ['2001::1', '2001:0:a00:1::f5ff:fffe']],
    ['6to4', ['192.88.99.1', '2002:a00:1::1', '2002:7f00:1::', '2002:808:808::1']],
  ])('IPv4 addresses within IPv6 ones: %s', (_name, addresses) => {
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
  ])('what is no address: %j', (text) => {
    expect(isPublicAddress(text)).toBe(false);
  });
});

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
])("rule 55: %s is anybody's to reach", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

describe('rule 55: a name is looked at by what it resolves to', () => {
  test.each([
    ['localhost', 'localhost'],
    ['an address of loopback', '127.0.0.1'],
    ['an address in the private network', '10.0.0.1'],
    ['a mapped address', 'mapped.invalid'],
    ['a name of which only the second address leads inward', 'first-public.invalid'],
    ['a name with no address', 'nothing.invalid'],
  ])('refuses %s', async (_name, hostname) => {
    for (const all of [true, false, undefined]) {
      const { error, address } = await look(hostname, all);
      expect(error?.message).toContain(`the host ${hostname} has a private, loopback or link-local address`);
      expect(error?.message).toContain('keyFetching.jwksHosts');
      expect(address).toEqual([]);
    }
  });

  test("gives all of a public name's addresses where all were asked for, else the first", async () => {
    const [first, second] = [
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ];
    expect(await look('public.invalid', true)).toEqual({ error: null, address: [first, second], family: undefined });
    expect(await look('public.invalid', false)).toEqual({ error: null, address: first.address, family: first.family });
    expect(await look('public.invalid', undefined)).toEqual({ error: null, address: first.address, family: first.family });
    expect(await look('8.8.8.8', true)).toEqual({ error: null, address: [first], family: undefined });
  });

  test('tells why a name could not be looked up', async () => {
    const { error, address } = await look('unknown.invalid', true);
    expect(error).toMatchObject({ code: 'ENOTFOUND' });
    expect(address).toEqual([]);
  });
});

interface Looked {
  readonly error: NodeJS.ErrnoException | null;
  readonly address: string | LookupAddress[];
  readonly family: number | undefined;
}

function look(hostname: string, all: boolean | undefined): Promise<Looked> {
  return new Promise((resolve) => {
    lookupPublic(hostname, all === undefined ? {} : { all }, (error, address, family) => resolve({ error, address, family }));
  });
}
