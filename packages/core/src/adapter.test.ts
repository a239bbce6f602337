import { expect, test } from 'vitest';
import { accessOf, authOf, createNativeGuard } from './adapter.js';
import { createTestIssuer } from '@tokenward/testing';

interface Request {
  readonly headers: Record<string, string>;
}

test('whom a request is from is known of that very request, not of copies or children', async () => {
  const issuer = await createTestIssuer();
  const guard = createNativeGuard<Request, []>({ issuer: issuer.issuer, audience: issuer.audience }, ({ headers }) => ({
    method: 'GET',
    target: '/',
    headers,
  }));
  const request: Request = { headers: { authorization: `Bearer ${await issuer.issueToken({ subject: 'ada' })}` } };
  expect(await guard.decide(request, accessOf('required', []))).toMatchObject({ outcome: 'allow' });
  await issuer.close();
  expect(authOf(request)?.subject).toBe('ada');
  for (const other of [{ ...request }, Object.assign({}, request), Object.create(request) as object, structuredClone({ headers: {} })])
    expect(() => authOf(other)).toThrow(/no guard has authenticated/);
  expect(await guard.decide({ headers: {} }, accessOf('required', []))).toMatchObject({ outcome: 'deny', reason: 'missing_token' });
});

test('a request that takes no more members is decided on all the same', async () => {
  const guard = createNativeGuard<Request, []>({ issuer: 'http://127.0.0.1:1', audience: 'a' }, ({ headers }) => ({ method: 'GET', target: '/', headers }));
  const frozen = Object.freeze({ headers: {} });
  expect(() => authOf(frozen)).toThrow(/no guard has authenticated/);
  expect(await guard.decide(frozen, accessOf('optional', []))).toMatchObject({ outcome: 'allow' });
  expect(authOf(frozen)).toBeUndefined();
});

test('a property that can be read alone stays as it is', async () => {
  const guard = createNativeGuard<Request, []>({ issuer: 'http://127.0.0.1:1', audience: 'a' }, ({ headers }) => ({ method: 'GET', target: '/', headers }));
  const request = Object.defineProperty({ headers: {} }, 'auth', { get: () => 'theirs' });
  expect(await guard.decide(request, accessOf('optional', []))).toMatchObject({ outcome: 'allow' });
  expect(request).toHaveProperty('auth', 'theirs');
  expect(authOf(request)).toBeUndefined();
});

test('one request is read once by each guard, however often it is asked', async () => {
  let read = 0;
  const options = { issuer: 'http://127.0.0.1:1', audience: 'a' };
  const view = ({ headers }: Request) => ({ method: 'GET', target: `/${read++}`, headers });
  const guards = [createNativeGuard<Request, []>(options, view), createNativeGuard<Request, []>(options, view)];
  const request = { headers: {} };
  for (const guard of [...guards, ...guards]) await guard.decide(request, accessOf('optional', []));
  expect(read).toBe(2);
});

test('whom a request is from is known to another copy of this package', async () => {
  const path = './adapter/remembered-auth.js?copy';
  const copy = (await import(path)) as { authOf: typeof authOf };
  const guard = createNativeGuard<Request, []>({ issuer: 'http://127.0.0.1:1', audience: 'a' }, ({ headers }) => ({ method: 'GET', target: '/', headers }));
  const request = { headers: {} };
  expect(copy.authOf).not.toBe(authOf);
  expect(() => copy.authOf(request)).toThrow(/no guard has authenticated/);
  await guard.decide(request, accessOf('optional', []));
  expect(copy.authOf(request)).toBeUndefined();
});
