import { describe, expect, test, vi } from 'vitest';
import { createEndpointAddress } from './endpoint-call.js';
import type { Answer } from './transport.js';

const ISSUER = 'https://login.example.com';
const ADDRESS = `${ISSUER}/introspect`;

function scene(timeoutSeconds = 5) {
  const searches: { readonly signal: AbortSignal; answer(): void }[] = [];
  const transport = vi.fn(
    (_url: string, signal: AbortSignal) =>
      new Promise<Answer>((resolve) => {
        const body = new Blob([JSON.stringify({ issuer: ISSUER, introspection_endpoint: ADDRESS })]).stream();
        searches.push({ signal, answer: () => resolve({ status: 200, header: () => null, body, discard() {} }) });
      }),
  );
  const source = { issuer: ISSUER, unsafeHttpHosts: new Set<string>() };
  const endpoint = { source, address: undefined, metadataName: 'introspection_endpoint', option: 'introspection.endpoint' };
  return { address: createEndpointAddress(endpoint, { transport, maxBytes: 1000, timeoutSeconds }), searches };
}

const patient = (): AbortSignal => new AbortController().signal;

describe('rule 257: callers share the search for an endpoint, and each has its own time limit', () => {
  test('one that gives up does not end the search of the others', async () => {
    const { address, searches } = scene();
    const first = new AbortController();
    const calls = [address.find(first.signal), address.find(patient())];
    first.abort(new Error('the time is over'));
    await expect(calls[0]).rejects.toThrow(`${ISSUER}/: no metadata arrived: the time is over`);
    searches[0]!.answer();
    expect(await calls[1]).toBe(ADDRESS);
    expect([searches.length, address.known]).toEqual([1, ADDRESS]);
  });

  test('one that joins late gives up at its own time', async () => {
    const { address, searches } = scene();
    const call = address.find(patient());
    const late = new AbortController();
    const joined = address.find(late.signal);
    late.abort(new Error('the time is over'));
    await expect(joined).rejects.toMatchObject({ name: 'IssuerRequestError' });
    searches[0]!.answer();
    expect(await call).toBe(ADDRESS);
  });

  test('what nobody waited for is known to the next one', async () => {
    const { address, searches } = scene();
    const only = new AbortController();
    const call = address.find(only.signal);
    only.abort(new Error('the time is over'));
    await expect(call).rejects.toThrow();
    searches[0]!.answer();
    await vi.waitFor(() => expect(address.known).toBe(ADDRESS));
  });

  test('the search has a limit of its own, after which the next caller begins another', async () => {
    const { address, searches } = scene(0.05);
    await expect(address.find(patient())).rejects.toThrow('no complete answer within 0.05 s');
    expect(searches[0]!.signal.aborted).toBe(true);
    const call = address.find(patient());
    searches[1]!.answer();
    expect(await call).toBe(ADDRESS);
  });

  test('closing ends it', async () => {
    const { address, searches } = scene();
    const call = address.find(patient());
    address.close();
    await expect(call).rejects.toThrow('no longer wanted');
    expect(searches[0]!.signal.aborted).toBe(true);
  });

  test('one that has given up already begins none', async () => {
    const { address, searches } = scene();
    await expect(address.find(AbortSignal.abort(new Error('the time is over')))).rejects.toMatchObject({ name: 'IssuerRequestError' });
    expect(searches).toEqual([]);
  });
});
