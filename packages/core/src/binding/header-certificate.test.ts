import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { BlockList } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { OptionReader } from '../lib/option-reader.js';
import type { ProtectedRequest } from '../request/protected-request.js';
import { ofHeader } from './header-certificate.js';
import { readTrustedProxies } from './trusted-proxies.js';

function trust(...trustedProxies: unknown[]) {
  const reader = new OptionReader({ trustedProxies }, ['trustedProxies']);
  return { trusts: readTrustedProxies(reader, 'trustedProxies')!, problems: reader.problems };
}

describe('rule 94: only the addresses of configured proxies are trusted', () => {
  test.each<[string[], string[], (string | undefined)[]]>([
    [['127.0.0.1'], ['127.0.0.1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'], ['127.0.0.2', '::1', '', undefined, 'localhost', '127.0.0.1, 10.0.0.1']],
    [['10.0.0.0/8'], ['10.0.0.1', '10.255.255.255', '::ffff:10.1.2.3'], ['11.0.0.1', '::ffff:11.0.0.1', '::10.0.0.1']],
    [
      ['192.168.1.4/30', '::1'],
      ['192.168.1.7', '::1', '0:0:0:0:0:0:0:1'],
      ['192.168.1.8', '::2'],
    ],
    [
      ['fd00::/8', 'fe80::1'],
      ['fd12:3456::1', 'fe80::1', 'fe80::1%eth0'],
      ['fc00::1', 'fe80::2%eth0', '10.0.0.1'],
    ],
    [['::ffff:10.0.0.1'], ['::ffff:10.0.0.1'], ['10.0.0.2']],
    [['0.0.0.0/1'], ['10.0.0.1', '::ffff:10.0.0.1'], ['128.0.0.1']],
  ])('%j', (networks, trusted, others) => {
    const { trusts, problems } = trust(...networks);
    expect(problems).toEqual([]);
    for (const address of trusted) expect(trusts(address), address).toBe(true);
    for (const address of others) expect(trusts(address), address).toBe(false);
  });

  test.each([
    'localhost',
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/08',
    '10.0.0.0/-1',
    '10.0.0.0/1e1',
    'fe80::1%eth0',
    '*',
    '010.0.0.1',
    ' 10.0.0.1',
    '127.0.0.1:80',
  ])('%s is no address and no network', (network) => {
    expect(trust(network).problems).toMatchObject([{ path: 'trustedProxies', message: expect.stringContaining('must list IP addresses') as string }]);
  });

  test.each(['0.0.0.0/0', '::/0', '10.0.0.0/0', '::ffff:0:0/96', '::ffff:10.0.0.1/96', '::/1', '::/64'])(
    '%s is refused, since it lists every address',
    (network) => {
      expect(trust(network).problems).toMatchObject([{ message: expect.stringContaining('every address') as string }]);
    },
  );
});

test("rule 94: asks the runtime's list about plain addresses only, because not every runtime knows the other forms", () => {
  const check = vi.spyOn(BlockList.prototype, 'check').mockReturnValue(false);
  onTestFinished(() => check.mockRestore());
  const { trusts } = trust('10.0.0.1');
  check.mockClear();
  for (const address of [
    '10.0.0.1',
    '::ffff:10.0.0.2',
    '::FFFF:10.20.0.3',
    '::ffff:a00:1',
    '::1',
    'fe80::1%eth0',
    '',
    'localhost',
    'x::ffff:10.0.0.1',
    '1::ffff:10.0.0.1',
    undefined,
  ])
    trusts(address);
  expect(check.mock.calls).toEqual([
    ['10.0.0.1', 'ipv4'],
    ['10.0.0.2', 'ipv4'],
    ['10.20.0.3', 'ipv4'],
    ['::ffff:a00:1', 'ipv6'],
    ['::1', 'ipv6'],
    ['fe80::1', 'ipv6'],
    ['1::ffff:10.0.0.1', 'ipv6'],
  ]);
});

test('rule 94: without the option nobody is trusted', () => {
  expect(readTrustedProxies(new OptionReader({}, ['trustedProxies']), 'trustedProxies')).toBeUndefined();
});

test('rule 94: a problem shows a host name, and nothing else that is no address', () => {
  expect(trust('proxy.example.com').problems).toMatchObject([{ message: expect.stringContaining('(got "proxy.example.com")') as string }]);
});

describe('rule 94: a header that does not count is ignored and reported', () => {
  const proxy = '10.0.0.1';
  const source = ofHeader(
    { name: 'client-cert', read: (value) => (value === 'good' ? 'thumbprint' : undefined), trustsAddress: (address) => address === proxy },
    'guard-1',
  );

  function find(request: Partial<ProtectedRequest>) {
    const events: unknown[] = [];
    const listen = (event: unknown): void => void events.push(event);
    subscribe('tokenward:certificate-ignored', listen);
    onTestFinished(() => void unsubscribe('tokenward:certificate-ignored', listen));
    const found = source({ method: 'GET', target: '/orders?a=b', headers: {}, peerAddress: proxy, ...request });
    return { found, causes: events.map((event) => (event as { cause: string }).cause), events };
  }

  test('the header of a proxy counts, and the proxy vouches for it', () => {
    const { found, causes } = find({ headers: { 'client-cert': 'good' }, rawHeaders: ['Host', 'a', 'Client-Cert', 'good', 'X-Cert', 'b'] });
    expect(found).toEqual({ thumbprint: 'thumbprint', authorized: true });
    expect(causes).toEqual([]);
  });

  test('the certificate of the connection never counts', () => {
    const { found, causes } = find({ clientCertificate: () => expect.unreachable() });
    expect(found).toEqual({ missing: 'there is no header client-cert' });
    expect(causes).toEqual([]);
  });

  test('counts as a list of one line, as in headersDistinct', () => {
    expect(find({ headers: { 'client-cert': ['good'] } }).found).toEqual(find({ headers: { 'client-cert': 'good' } }).found);
  });

  test.each<[string, Partial<ProtectedRequest>, string, RegExp]>([
    ['from another address', { headers: { 'client-cert': 'good' }, peerAddress: '10.0.0.2' }, 'untrusted_peer', /not in trustedProxies/],
    ['from an unknown address', { headers: { 'client-cert': 'good' }, peerAddress: undefined }, 'untrusted_peer', /not in trustedProxies/],
    [
      'from a client that names the proxy',
      { headers: { 'client-cert': 'good', 'x-forwarded-for': proxy }, peerAddress: '::1', clientAddress: proxy },
      'untrusted_peer',
      /not/,
    ],
    ['as an empty list', { headers: { 'client-cert': [] } }, 'duplicate', /duplicated/],
    ['in two lines', { headers: { 'client-cert': ['good', 'good'] } }, 'duplicate', /duplicated/],
    [
      'in two lines, of which Node kept one',
      { headers: { 'client-cert': 'good' }, rawHeaders: ['Client-Cert', 'good', 'a', 'b', 'CLIENT-CERT', 'bad'] },
      'duplicate',
      /dup/,
    ],
    ['in another form', { headers: { 'client-cert': 'bad' } }, 'malformed', /form/],
  ])('%s', (_name, request, cause, missing) => {
    const { found, events } = find(request);
    expect(found).toMatchObject({ missing: expect.stringMatching(missing) as string });
    expect(events).toEqual([{ guard: 'guard-1', cause, method: 'GET', path: '/orders', route: undefined, requestId: undefined, clientId: undefined }]);
  });

  test('rule 94: reads the name in any case, and takes two spellings for a duplicate', () => {
    expect(find({ headers: { 'Client-Cert': 'good' } }).found).toEqual({ thumbprint: 'thumbprint', authorized: true });
    const { found, causes } = find({ headers: { 'client-cert': 'good', 'Client-Cert': 'good' } });
    expect([found, causes]).toEqual([{ missing: 'the header client-cert is duplicated' }, ['duplicate']]);
  });

  test('in underscore spelling, whoever sends it, alone and beside the header', () => {
    for (const peerAddress of [proxy, '10.0.0.2']) {
      for (const name of ['client_cert', 'Client_Cert']) {
        const { found, causes } = find({ headers: { [name]: 'good' }, peerAddress });
        expect([found, causes]).toEqual([{ missing: 'there is no header client-cert' }, ['other_spelling']]);
      }
    }
    for (const others of [{ client_certs: 'x' }, { 'client-cert': undefined }]) expect(find({ headers: others }).causes).toEqual([]);
    const { found, causes } = find({ headers: { client_cert: 'bad', 'client-cert': 'good' } });
    expect([found, causes]).toEqual([{ thumbprint: 'thumbprint', authorized: true }, ['other_spelling']]);
  });

  test('only own members of the headers count', () => {
    expect(find({ headers: Object.create({ 'client-cert': 'good' }) as object as ProtectedRequest['headers'] }).found).toHaveProperty('missing');
  });
});
