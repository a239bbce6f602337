import { describe, expect, test, vi } from 'vitest';
import { createEndpointAddress } from './endpoint-call.js';
import type { Answer } from './transport.js';

const ISSUER = 'https://login.example.com';
const ADDRESS = `${ISSUER}/introspect`;

function scene(timeoutSeconds = 5) {
  const searches: {
    readonly signal: AbortSignal;
    answer(named?: string, issuer?: string): void;
    refuse(status: number): void;
    send(text: string): void;
    fail(): void;
  }[] = [];
  const transport = vi.fn(
    (_url: string, signal: AbortSignal) =>
      new Promise<Answer>((resolve, reject) => {
        function answer(named = ADDRESS, issuer = ISSUER): void {
          const body = new Blob([JSON.stringify({ issuer, introspection_endpoint: named })]).stream();
          resolve({ status: 200, header: () => null, body, discard() {} });
        }
        const refuse = (status: number): void => resolve({ status, header: () => null, body: new Blob([]).stream(), discard() {} });
        const send = (text: string): void => resolve({ status: 200, header: () => null, body: new Blob([text]).stream(), discard() {} });
        searches.push({ signal, answer, refuse, send, fail: () => reject(new Error('away')) });
      }),
  );
  const source = { issuer: ISSUER, unsafeHttpHosts: new Set<string>() };
  const endpoint = { source, address: undefined, metadataName: 'introspection_endpoint', option: 'introspection.endpoint' };
  return { address: createEndpointAddress(endpoint, { transport, maxBytes: 1000, timeoutSeconds }), searches };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
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

describe('rule 61: an address that is looked for again after a failure', () => {
  async function renewed(timeoutSeconds?: number) {
    const made = scene(timeoutSeconds);
    const call = made.address.find(patient());
    made.searches[0]!.answer();
    await call;
    made.address.renew();
    return made;
  }

  test('stays in use until the metadata arrives, and nobody waits for that', async () => {
    const { address, searches } = await renewed();
    expect([await address.find(patient()), address.known]).toEqual([ADDRESS, ADDRESS]);
    // a second failure meanwhile begins no second search
    address.renew();
    expect(searches).toHaveLength(2);
    searches[1]!.answer(`${ISSUER}/moved`);
    await vi.waitFor(() => expect(address.known).toBe(`${ISSUER}/moved`));
    expect(await address.find(patient())).toBe(`${ISSUER}/moved`);
  });

  test('stays in use if the metadata cannot be fetched, and is looked for after the next failure', async () => {
    const { address, searches } = await renewed();
    for (const attempt of [1, 2]) {
      searches[attempt]!.fail();
      await nextTurn();
      expect(await address.find(patient())).toBe(ADDRESS);
      expect(searches).toHaveLength(attempt + 1);
      address.renew();
    }
    expect(searches).toHaveLength(4);
  });

  test.each([404, 410])('stays in use if the issuer answers that it has no metadata (%i)', async (status) => {
    const { address, searches } = await renewed();
    searches[1]!.refuse(status);
    await vi.waitFor(() => expect(searches).toHaveLength(3));
    searches[2]!.refuse(status);
    await vi.waitFor(() => expect(address.renewalError).toContain(`answered with status ${status}`));
    expect(await address.find(patient())).toBe(ADDRESS);
    expect(searches).toHaveLength(3);
  });

  test.each(['{"status":"maintenance"}', '{"issuer":null}', '{}', 'null', '[]', '"down"', '<p>Down'])(
    'stays in use if something else than metadata arrives: %s',
    async (text) => {
      const { address, searches } = await renewed();
      searches[1]!.send(text);
      await vi.waitFor(() => expect(address.renewalError).toContain('/.well-known/openid-configuration'));
      expect(await address.find(patient())).toBe(ADDRESS);
    },
  );

  test('its owner sees no failed search that ends after the endpoint has worked again', async () => {
    const { address, searches } = await renewed();
    address.worked();
    searches[1]!.fail();
    await nextTurn();
    expect(address.renewalError).toBeUndefined();
    address.renew();
    searches[2]!.fail();
    await vi.waitFor(() => expect(address.renewalError).toContain('away'));
  });

  test.each([
    ['does not name it', 'https://login.example.com/.well-known/openid-configuration: the metadata has no introspection_endpoint', undefined],
    ['names one by plain http', 'must use https', 'http://login.example.com/introspect'],
  ])('is not used any more if the metadata %s', async (_what, message, named) => {
    const { address, searches } = await renewed();
    searches[1]!.answer(named ?? (null as never));
    await vi.waitFor(() => expect(address.known).toBeUndefined());
    expect(address.renewalError).toContain(message);
  });

  test('its owner can tell why the metadata could not be read, until the endpoint works again', async () => {
    const { address, searches } = await renewed();
    expect(address.renewalError).toBeUndefined();
    searches[1]!.fail();
    await vi.waitFor(() => expect(address.renewalError).toContain(`${ISSUER}/.well-known/openid-configuration: away`));
    address.renew();
    searches[2]!.answer();
    await vi.waitFor(() => expect(address.renewalError).toBeUndefined());
    address.renew();
    searches[3]!.fail();
    await vi.waitFor(() => expect(address.renewalError).toContain('away'));
    address.worked();
    expect(address.renewalError).toBeUndefined();
  });

  test('stays in use while the metadata hangs, and afterwards', async () => {
    const { address, searches } = await renewed(0.05);
    await vi.waitFor(() => expect(searches[1]!.signal.aborted).toBe(true));
    await nextTurn();
    expect(await address.find(patient())).toBe(ADDRESS);
    expect(searches).toHaveLength(2);
  });

  test('is not used any more if the metadata names another issuer', async () => {
    const { address, searches } = await renewed();
    searches[1]!.answer(ADDRESS, 'https://other.example.com');
    await vi.waitFor(() => expect(address.known).toBeUndefined());
    const call = address.find(patient());
    searches[2]!.answer(ADDRESS, 'https://other.example.com');
    await expect(call).rejects.toThrow('both must be exactly equal');
  });

  test('is not looked for after the end', async () => {
    const { address, searches } = await renewed();
    address.close();
    expect(searches[1]!.signal.aborted).toBe(true);
    await nextTurn();
    address.renew();
    expect(searches).toHaveLength(2);
  });

  test('is not looked for before it was found', () => {
    const { address, searches } = scene();
    address.renew();
    expect(searches).toEqual([]);
  });
});
