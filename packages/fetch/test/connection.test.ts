import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createGuard, setConnection, type ClientCertificateOptions, type FetchGuard } from '@tokenward/fetch';
import { createTestIssuer } from '@tokenward/testing';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
const der = Buffer.from('the certificate of a client');
const token = await issuer.issueToken({ claims: { cnf: { 'x5t#S256': createHash('sha256').update(der).digest('base64url') } } });

function newGuard(clientCertificate: ClientCertificateOptions): FetchGuard {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, clientCertificate });
  onTestFinished(() => guard.close());
  return guard;
}

const newRequest = (headers: Record<string, string> = {}): Request =>
  new Request('https://api.example.test/orders', { headers: { ...headers, authorization: `Bearer ${token}` } });

const reasonOf = async (guard: FetchGuard, request: Request): Promise<string | undefined> => {
  const decision = await guard.check(request);
  return decision.outcome === 'deny' ? decision.reason : undefined;
};

describe('setConnection', () => {
  test('rule 92: tells the guard the certificate of the connection, also by the object that a framework passes', async () => {
    const guard = newGuard({});
    const clientCertificate = () => ({ raw: der, authorized: true });
    const request = newRequest();
    setConnection(request, { clientCertificate });
    expect(await reasonOf(guard, request)).toBeUndefined();
    const another = newRequest();
    setConnection({ request: another }, { clientCertificate });
    expect((await guard({ request: another })).response).toBeUndefined();
    // of a copy nobody said anything
    expect(await reasonOf(guard, new Request(request))).toBe('missing_certificate');
    const unauthorized = newRequest();
    setConnection(unauthorized, { clientCertificate: () => ({ raw: der, authorized: false }) });
    expect(await reasonOf(guard, unauthorized)).toBe('wrong_certificate');
  });

  test('rule 92: tells getCertificate the certificate where no server knows it, and a guard needs that function', async () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' });
    onTestFinished(() => void vi.unstubAllGlobals());
    expect(() => newGuard({})).toThrow(/needs getCertificate/);
    const guard = newGuard({ getCertificate: (request) => request.clientCertificate?.() });
    const request = newRequest();
    setConnection(request, { clientCertificate: () => ({ raw: der, authorized: true }) });
    expect(await reasonOf(guard, request)).toBeUndefined();
    const unauthorized = newRequest();
    setConnection(unauthorized, { clientCertificate: () => ({ raw: der, authorized: false }) });
    expect(await reasonOf(guard, unauthorized)).toBe('wrong_certificate');
    expect(await reasonOf(guard, newRequest())).toBe('missing_certificate');
  });

  test('rule 94: tells the guard from which address a certificate in a header came', async () => {
    const guard = newGuard({ header: 'client-cert', trustedProxies: ['10.0.3.0/24'] });
    const headers = { 'client-cert': `:${der.toString('base64')}:` };
    const from = async (connection?: Parameters<typeof setConnection>[1]): Promise<string | undefined> => {
      const request = newRequest(headers);
      if (connection) setConnection(request, connection);
      return reasonOf(guard, request);
    };
    expect(await from({ peerAddress: '10.0.3.7' })).toBeUndefined();
    expect(await from({ peerAddress: '10.0.4.7' })).toBe('missing_certificate');
    // the server does not know the address, or the app has not passed it on
    expect(await from({ peerAddress: undefined })).toBe('missing_certificate');
    expect(await from()).toBe('missing_certificate');
  });

  test('rule 94: with the request of node:http, a certificate in two header lines does not count', async () => {
    const guard = newGuard({ header: 'client-cert', trustedProxies: ['10.0.3.7'] });
    const value = `:${der.toString('base64')}:`;
    for (const [lines, reason] of [
      [1, undefined],
      [2, 'missing_certificate'],
    ] as const) {
      const rawHeaders = Array.from({ length: lines }, () => ['Client-Cert', value]).flat();
      const request = newRequest({ 'client-cert': value });
      setConnection(request, { rawHeaders, headers: {}, socket: { remoteAddress: '10.0.3.7' } } as unknown as IncomingMessage);
      expect(await reasonOf(guard, request)).toBe(reason);
    }
  });

  test('rule 157: throws for anything that is not a request, and for anything that says nothing about its connection', () => {
    const odd = setConnection as (request: unknown, connection: unknown) => void;
    for (const request of [undefined, null, {}, new Response(), { request: {} }]) expect(() => odd(request, { peerAddress: '::1' })).toThrow(/got no Request/);
    for (const connection of [undefined, null, {}, '10.0.3.7', { remoteAddress: '10.0.3.7' }, { peerAddress: 7 }, { clientCertificate: der }])
      expect(() => odd(newRequest(), connection)).toThrow(/needs the request of node:http, or an object with peerAddress/);
  });
});
