import { afterEach, describe, expect, test, vi } from 'vitest';
import type { IntrospectingIssuer } from '../issuer/issuer.js';
import type { PostRequest } from '../net/transport.js';
import { createIntrospectionClient } from './introspection-client.js';
import { verifySignedAnswer } from './signed-introspection.js';

vi.mock(import('./signed-introspection.js'), { spy: true });

const ISSUER = 'https://login.example.com';
const ADDRESS = `${ISSUER}/introspect`;
const JSON_HEADERS = { 'content-type': 'application/json' };
const TLS = { cert: 'certificate', key: 'key' };

interface Given {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

function answerOf({ status = 200, headers = JSON_HEADERS, body = '{"active":true}' }: Given) {
  return { status, header: (name: string) => headers[name] ?? null, body: new Blob([body]).stream(), discard() {} };
}

function scene(given: Given | ((url: string) => Promise<Given>) = {}, more: object = {}) {
  const transport = vi.fn(async (url: string, _signal: AbortSignal, _publicOnly: boolean, _timeoutMs: number, _post?: PostRequest, _tls?: object) =>
    answerOf(typeof given === 'function' ? await given(url) : given),
  );
  const issuer = {
    introspection: {
      endpoint: {
        source: { issuer: ISSUER, unsafeHttpHosts: new Set() },
        address: ADDRESS,
        metadataName: 'introspection_endpoint',
        option: 'introspection.endpoint',
      },
      transport,
      authenticate: async (form: URLSearchParams) => (form.set('client_id', 'api'), { authorization: 'Basic x' }),
      tls: () => TLS,
      signed: false,
      timeoutSeconds: 5,
      ...more,
    },
  } as unknown as IntrospectingIssuer;
  const client = createIntrospectionClient(issuer, { now: () => 1_900_000_000_000 });
  return { client, transport, issuer, ask: (signal = new AbortController().signal) => client.ask('a token', signal) };
}

const unusable = (message: string) => ({ answer: undefined, message: `${ADDRESS}: ${message}`, isDown: false, pauseSeconds: undefined });

afterEach(() => vi.clearAllMocks());

test('rule 75: posts the token in the body, authenticated, and asks for JSON', async () => {
  const { ask, transport } = scene();
  const { signal } = new AbortController();
  expect(await ask(signal)).toEqual({ answer: { active: true } });
  const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: 'Basic x', accept: 'application/json' };
  const body = 'token=a+token&token_type_hint=access_token&client_id=api';
  expect(transport).toHaveBeenCalledExactlyOnceWith(ADDRESS, signal, false, 5000, { method: 'POST', headers, body }, TLS);
});

describe('rule 76: what is no answer', () => {
  test.each<[string, Given, string]>([
    ['another type', { headers: { 'content-type': 'text/html' } }, 'answered with something other than JSON'],
    ['no type', { headers: {} }, 'answered with something other than JSON'],
    ['a list', { body: '[]' }, 'the answer is not a strict JSON object'],
    ['a duplicated member', { body: '{"active":false,"active":true}' }, 'the answer is not a strict JSON object'],
    ['a status of success without an answer', { status: 204 }, 'answered with status 204'],
  ])('%s', async (_name, given, message) => {
    expect(await scene(given).ask()).toEqual({ ...unusable(message), isDown: given.status !== undefined });
  });

  test.each([400, 413, 414, 422, 500])('status %i may be about the token alone', async (status) => {
    expect(await scene({ status }).ask()).toEqual(unusable(`answered with status ${status}`));
  });

  const CREDENTIALS =
    ": it does not accept this API's credentials. Compare introspection with the registration of the client there, and check that it may introspect";
  const REDIRECT = ': redirects are not followed, so set introspection.endpoint to the final address';

  test.each<[number, string]>([
    [201, ''],
    [401, CREDENTIALS],
    [403, CREDENTIALS],
    [301, REDIRECT],
    [302, REDIRECT],
    [303, REDIRECT],
    [307, REDIRECT],
    [308, REDIRECT],
    [304, ''],
    [404, ''],
    [502, ''],
  ])('status %i counts as down', async (status, remedy) => {
    expect(await scene({ status, headers: { 'retry-after': '7' } }).ask()).toEqual({ ...unusable(`answered with status ${status}${remedy}`), isDown: true });
  });

  test.each<[number, string | undefined, number | undefined]>([
    [429, '7', 7],
    [503, '0', 0],
    [503, '30', 30],
    [503, '999999', 30],
    [503, '1000000', undefined],
    [503, 'Wed, 21 Oct 2026 07:28:00 GMT', undefined],
    [503, '-1', undefined],
    [503, '1.5', undefined],
    [503, '', undefined],
    [503, undefined, undefined],
    [502, '7', undefined],
  ])('status %i with the Retry-After %j is a pause of %d s', async (status, retryAfter, pauseSeconds) => {
    const headers = retryAfter === undefined ? undefined : { 'retry-after': retryAfter };
    expect(await scene({ status, headers: headers ?? {} }).ask()).toMatchObject({ pauseSeconds, isDown: true });
  });

  test('a connection that fails, and one without an end', async () => {
    const failing = scene(() => Promise.reject(new Error('connect ECONNREFUSED')));
    expect(await failing.ask()).toMatchObject({
      answer: undefined,
      message: expect.stringMatching(/^https:.*\/introspect: .*ECONNREFUSED/) as string,
      isDown: true,
    });
    const aborted = AbortSignal.abort(new Error('secret'));
    expect(await scene(() => new Promise(() => {})).ask(aborted)).toEqual({
      answer: undefined,
      message: `${ADDRESS}: no complete answer within 5 s`,
      isDown: true,
      pauseSeconds: undefined,
    });
  });

  test('an error of the one who authenticates says nothing', async () => {
    const { ask, transport } = scene({}, { authenticate: () => Promise.reject(new Error('secret')) });
    expect(await ask()).toEqual({ answer: undefined, message: 'the request could not be sent', isDown: true, pauseSeconds: undefined });
    expect(await ask(AbortSignal.abort())).toMatchObject({ message: 'no complete answer within 5 s' });
    expect(transport).not.toHaveBeenCalled();
  });
});

describe('rule 78: a signed answer', () => {
  const headers = { 'content-type': 'Application/Token-Introspection+JWT ; charset=utf-8' };

  test('is asked for and verified', async () => {
    vi.mocked(verifySignedAnswer).mockResolvedValue({ active: true, sub: 'x' });
    const { ask, transport, issuer } = scene({ headers, body: ' a.b.c\n' }, { signed: true });
    expect(await ask()).toEqual({ answer: { active: true, sub: 'x' } });
    expect(verifySignedAnswer).toHaveBeenCalledExactlyOnceWith('a.b.c', issuer, 1_900_000_000);
    expect(transport.mock.calls[0]![4]!.headers).toMatchObject({ accept: 'application/token-introspection+jwt' });
  });

  test('is refused if it is not one, or has no signature that counts', async () => {
    vi.mocked(verifySignedAnswer).mockResolvedValue('its signature is wrong');
    expect(await scene({ headers }, { signed: true }).ask()).toEqual(unusable('its signature is wrong'));
    for (const other of [{}, JSON_HEADERS, { 'content-type': 'text/plain; application/token-introspection+jwt' }])
      expect(await scene({ headers: other }, { signed: true }).ask()).toEqual(unusable('answered without a signature, and introspection.signed demands one'));
    expect(verifySignedAnswer).toHaveBeenCalledOnce();
  });

  test('must be verified in time', async () => {
    vi.mocked(verifySignedAnswer).mockReturnValue(new Promise(() => {}));
    const abort = new AbortController();
    const asked = scene({ headers }, { signed: true }).ask(abort.signal);
    await vi.waitFor(() => expect(verifySignedAnswer).toHaveBeenCalled());
    abort.abort(new Error('secret'));
    expect(await asked).toMatchObject({ message: 'no complete answer within 5 s', isDown: true });
  });
});

test('rule 75: the address that only metadata names is found once, and again to renew it, for which no introspection waits', async () => {
  const metadata = { issuer: ISSUER, introspection_endpoint: ADDRESS };
  const endpoint = { source: { issuer: ISSUER, unsafeHttpHosts: new Set() }, address: undefined, metadataName: 'introspection_endpoint', option: 'endpoint' };
  const { client, ask, transport } = scene(async (url) => (url === ADDRESS ? {} : { body: JSON.stringify(metadata) }), { endpoint });
  const asked = () => transport.mock.calls.filter(([url]) => url !== ADDRESS).length;
  expect(client.address).toBeUndefined();
  await client.warm(new AbortController().signal);
  expect([client.address, asked()]).toEqual([ADDRESS, 1]);
  expect(await ask()).toEqual({ answer: { active: true } });
  expect(asked()).toBe(1);
  client.renewAddress();
  expect(client.address).toBe(ADDRESS);
  expect(await ask()).toEqual({ answer: { active: true } });
  expect(asked()).toBe(2);
  expect(scene().client.address).toBe(ADDRESS);
});
