import { createGuard, scope, toHeaders, type FetchGuard, type FetchGuardOptions } from '@tokenward/fetch';
import { addHeaders, withHeaders } from '@tokenward/fetch/adapter';
import { SESSION_CREDENTIALS } from '@tokenward/core/store';
import { createTestIssuer } from '@tokenward/testing';
import { afterAll, expect, onTestFinished, test } from 'vitest';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
afterAll(() => issuer.close());
const LINES = ['__Host-session=1; Secure; Path=/', '__Host-session.1=2; Secure; Path=/'];
const token = await issuer.issueToken({ scopes: ['a'] });
const session = { [SESSION_CREDENTIALS]: () => ({ token, headers: { 'set-cookie': LINES } }) };

function newGuard(options: FetchGuardOptions = {}): FetchGuard {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, session, ...options } as FetchGuardOptions);
  onTestFinished(() => guard.close());
  return guard;
}

const newRequest = (): Request => new Request('https://api.example.test/', { headers: { cookie: '__Host-session=0', 'x-tokenward-csrf': '1' } });

test('rule 224: the cookies of a session reach the response, even one whose headers cannot be changed, once and beside others', async () => {
  const guard = newGuard();
  const fetched = await fetch(`data:text/plain,x`);
  expect(() => fetched.headers.set('a', 'b')).toThrow(TypeError);
  const responses = [
    () =>
      new Response('x', {
        headers: { 'set-cookie': 'mine=1', 'cache-control': 'public, max-age=60', 'cdn-cache-control': 'max-age=60', expires: 'x', 'x-mine': '1' },
      }),
    () => Response.redirect('https://api.example.test/x', 302),
    () => fetched,
    async () => new Response(null, { status: 204 }),
  ];
  for (const make of responses) {
    const answers = [await guard.protect(make)(newRequest()), await guard.protect(guard.protect(make))(newRequest())];
    const request = newRequest();
    await guard(request);
    await guard.optional(request, scope('a'));
    answers.push(guard.respond(request, await make()), guard.respond({ request }, guard.respond(request, await make())));
    for (const { headers } of answers) {
      expect(headers.getSetCookie().filter((line) => line !== 'mine=1')).toEqual(LINES);
      expect([headers.get('cache-control'), headers.get('cdn-cache-control'), headers.get('expires')]).toEqual(['no-store', null, null]);
    }
  }
  const { headers } = await guard.protect(responses[0]!)(newRequest());
  expect([headers.getSetCookie()[0], headers.get('x-mine')]).toEqual(['mine=1', '1']);
});

test('rule 224: the cookies of a session reach a response that a handler throws', async () => {
  const guard = newGuard();
  const handlers = [
    () => {
      throw Response.redirect('https://api.example.test/x', 302);
    },
    () => Promise.reject(new Response('x', { status: 404, headers: { 'cache-control': 'public' } })),
  ];
  for (const handler of handlers) {
    const thrown = await Promise.resolve(guard.protect(handler)(newRequest())).catch((response: unknown) => response as Response);
    expect([thrown.headers.getSetCookie(), thrown.headers.get('cache-control')]).toEqual([LINES, 'no-store']);
  }
  const error = new Error('mine');
  await expect(
    guard.protect(() => {
      throw error;
    })(newRequest()),
  ).rejects.toBe(error);
});

test('rule 224: the cookies of a session reach a response that onDenied throws', async () => {
  const guard = newGuard({
    onDenied() {
      throw new Response('mine', { status: 403 });
    },
  });
  const thrown = await Promise.resolve(guard(newRequest(), scope('never'))).catch((response: unknown) => response as Response);
  expect((thrown as Response).headers.getSetCookie()).toEqual(LINES);
});

test('rule 224: the cookies of a session are in the result, and in a refusal of any kind', async () => {
  const guard = newGuard();
  expect((await guard(newRequest())).headers).toMatchObject({ 'set-cookie': LINES, 'cache-control': 'no-store' });
  const never = scope('never');
  for (const onDenied of [
    undefined,
    () => new Response('mine', { status: 403, headers: { 'cache-control': 'public' } }),
    () => Response.redirect('https://a.test', 302),
  ]) {
    const own = newGuard({ onDenied });
    const { response } = await own(newRequest(), never);
    expect(response!.headers.getSetCookie()).toEqual(LINES);
    expect(response!.headers.get('cache-control')).toBe('no-store');
  }
});

test('rule 224: toHeaders gives a response of your own the headers of the refusal, and each cookie once', async () => {
  const own = newGuard({ onDenied: ({ status, headers }) => new Response('mine', { status, headers: toHeaders(headers) }) });
  const { response } = await own(newRequest(), scope('never'));
  expect(response!.status).toBe(403);
  expect(response!.headers.get('www-authenticate')).toMatch(/^Bearer .*scope="never", DPoP /);
  expect(response!.headers.getSetCookie()).toEqual(LINES);
});

test('leaves a response alone if no guard wants a header in it', async () => {
  const guard = newGuard({ session: undefined });
  const response = Response.redirect('https://api.example.test/x', 302);
  const request = new Request('https://api.example.test/', { headers: { authorization: `Bearer ${token}` } });
  expect(await guard.protect(() => response)(request)).toBe(response);
  expect(guard.respond(request, response)).toBe(response);
  expect(withHeaders(response, {})).toBe(response);
});

test('several values of a field become several lines, as far as Headers can keep them', () => {
  const fields = new Headers({ 'www-authenticate': 'Basic' });
  addHeaders(fields, { 'www-authenticate': ['DPoP algs="ES256"', 'Bearer realm="a"'], 'dpop-nonce': 'n' });
  expect([...fields]).toEqual([
    ['dpop-nonce', 'n'],
    ['www-authenticate', 'DPoP algs="ES256", Bearer realm="a"'],
  ]);
});
