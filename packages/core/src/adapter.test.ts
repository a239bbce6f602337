import { expect, test } from 'vitest';
import { acr, anyOf, anyScope, maxAge, role, scope, type Decision, type Policy } from './index.js';
import { requirementsOf, authOf, createNativeGuard } from './adapter.js';
import { addPassed, type PassedPolicies } from './policy/passed-policies.js';
import { createTestIssuer } from '@tokenward/testing';

interface Request {
  readonly headers: Record<string, string>;
}

test('authOf finds the Auth of the request object itself, not of its copies or of objects that inherit from it', async () => {
  const issuer = await createTestIssuer();
  const guard = createNativeGuard<Request, []>({ issuer: issuer.issuer, audience: issuer.audience }, ({ headers }) => ({
    method: 'GET',
    target: '/',
    headers,
  }));
  const request: Request = { headers: { authorization: `Bearer ${await issuer.issueToken({ subject: 'ada' })}` } };
  expect(await guard.decide(request, requirementsOf('required', []))).toMatchObject({ outcome: 'allow' });
  await issuer.close();
  expect(authOf(request).subject).toBe('ada');
  for (const other of [{ ...request }, Object.assign({}, request), Object.create(request) as object, structuredClone({ headers: {} })])
    expect(() => authOf(other)).toThrow(/no guard has authenticated/);
  expect(await guard.decide({ headers: {} }, requirementsOf('required', []))).toMatchObject({ outcome: 'deny', reason: 'missing_token' });
});

test('rule 180: getAuth returns the Auth of its own guard, and throws for a request that only another guard authenticated', async () => {
  const issuer = await createTestIssuer();
  const view = ({ headers }: Request) => ({ method: 'GET', target: '/', headers });
  const [api, partner] = [issuer.audience, 'https://partner.example.test'].map((audience) =>
    createNativeGuard<Request, []>({ issuer: issuer.issuer, audience, rolesClaim: audience }, view),
  );
  const claims = { [issuer.audience]: 'reader', 'https://partner.example.test': 'auditor' };
  const token = await issuer.issueToken({ audience: [issuer.audience, 'https://partner.example.test'], claims });
  const request: Request = { headers: { authorization: `Bearer ${token}` } };
  expect(() => api!.getAuth(request)).toThrow(/this guard has not authenticated the request/);
  await api!.decide(request, requirementsOf('required', []));
  expect(() => partner!.getAuth(request)).toThrow(/this guard has not authenticated the request/);
  expect(() => partner!.getAuth(request, 'optional')).toThrow(/this guard has not authenticated the request/);
  await partner!.decide(request, requirementsOf('optional', []));
  await issuer.close();
  expect(api!.getAuth(request)?.roles).toEqual(['reader']);
  expect(partner!.getAuth(request)?.roles).toEqual(['auditor']);
  expect(authOf(request)).toBe(partner!.getAuth(request));
});

test('rule 180: getAuth throws for a request that its guard refused, even if an optional guard admitted it', async () => {
  const options = { issuer: 'http://127.0.0.1:1', audience: 'a' };
  const view = ({ headers }: Request) => ({ method: 'GET', target: '/', headers });
  const [refusing, optional] = [createNativeGuard<Request, []>(options, view), createNativeGuard<Request, []>(options, view)];
  const request = { headers: {} };
  await optional.decide(request, requirementsOf('optional', []));
  expect(await refusing.decide(request, requirementsOf('required', []))).toMatchObject({ outcome: 'deny' });
  expect(() => refusing.getAuth(request, 'optional')).toThrow(/this guard has not authenticated the request/);
  expect(optional.getAuth(request, 'optional')).toBeUndefined();
  expect(() => optional.getAuth(request)).toThrow(/nobody is authenticated/);
});

test('a guard can decide on a frozen request', async () => {
  const guard = createNativeGuard<Request, []>({ issuer: 'http://127.0.0.1:1', audience: 'a' }, ({ headers }) => ({ method: 'GET', target: '/', headers }));
  const frozen = Object.freeze({ headers: {} });
  expect(() => authOf(frozen)).toThrow(/no guard has authenticated/);
  expect(await guard.decide(frozen, requirementsOf('optional', []))).toMatchObject({ outcome: 'allow' });
  expect(authOf(frozen, 'optional')).toBeUndefined();
});

test('a guard leaves a read-only auth property of the request unchanged', async () => {
  const guard = createNativeGuard<Request, []>({ issuer: 'http://127.0.0.1:1', audience: 'a' }, ({ headers }) => ({ method: 'GET', target: '/', headers }));
  const request = Object.defineProperty({ headers: {} }, 'auth', { get: () => 'theirs' });
  expect(await guard.decide(request, requirementsOf('optional', []))).toMatchObject({ outcome: 'allow' });
  expect(request).toHaveProperty('auth', 'theirs');
  expect(authOf(request, 'optional')).toBeUndefined();
});

test('each guard reads a request once, however often it decides on it', async () => {
  let read = 0;
  const options = { issuer: 'http://127.0.0.1:1', audience: 'a' };
  const view = ({ headers }: Request) => ({ method: 'GET', target: `/${read++}`, headers });
  const guards = [createNativeGuard<Request, []>(options, view), createNativeGuard<Request, []>(options, view)];
  const request = { headers: {} };
  for (const guard of [...guards, ...guards]) await guard.decide(request, requirementsOf('optional', []));
  expect(read).toBe(2);
});

test('another copy of this package finds the decision about a request', async () => {
  const path = './adapter/remembered-auth.js?copy';
  const copy = (await import(path)) as { authOf: typeof authOf };
  const guard = createNativeGuard<Request, []>({ issuer: 'http://127.0.0.1:1', audience: 'a' }, ({ headers }) => ({ method: 'GET', target: '/', headers }));
  const request = { headers: {} };
  expect(copy.authOf).not.toBe(authOf);
  expect(() => copy.authOf(request)).toThrow(/no guard has authenticated/);
  await guard.decide(request, requirementsOf('optional', []));
  expect(copy.authOf(request, 'optional')).toBeUndefined();
});

/** The challenges of other schemes repeat nothing of it. */
function firstChallenge({ headers }: Decision): string | undefined {
  return [headers['www-authenticate'] ?? []].flat()[0];
}

/** Decides by several guards of one route, one after the other, and returns the challenge of the last one. */
async function challengeBehind(wanted: object | undefined, ...routes: readonly (readonly Policy[])[]): Promise<unknown> {
  const issuer = await createTestIssuer();
  const view = ({ headers }: Request) => ({ method: 'GET', target: '/', headers });
  const guard = createNativeGuard<Request, []>({ issuer: issuer.issuer, audience: issuer.audience }, view);
  const request: Request = { headers: wanted ? { authorization: `Bearer ${await issuer.issueToken(wanted)}` } : {} };
  const outcomes: string[] = [];
  let challenge: unknown;
  for (const [index, policies] of routes.entries()) {
    const isLast = index === routes.length - 1;
    const decision = await guard.decide(request, requirementsOf(wanted || isLast ? 'required' : 'optional', policies));
    outcomes.push(decision.outcome);
    challenge = firstChallenge(decision);
  }
  await issuer.close();
  expect(outcomes).toEqual([...Array.from({ length: routes.length - 1 }, () => 'allow'), 'deny']);
  return String(challenge).replace(/^.*?(?:, error_description="[^"]*")?, (?=scope|acr_values|max_age)/, '');
}

test('rule 102: the challenge of a further guard names the scopes of those before it, too', async () => {
  expect(await challengeBehind({ scopes: ['a', 'c'] }, [scope('a')], [scope('b')])).toBe('scope="a b"');
  expect(await challengeBehind({ scopes: ['a', 'c'] }, [scope('a')], [], [anyScope('c', 'd')], [scope('b')])).toBe('scope="a c b"');
  expect(await challengeBehind(undefined, [scope('a')], [scope('b')])).toBe('scope="a b"');
  expect(await challengeBehind(undefined, [scope('a')], [])).toBe('scope="a"');
});

test('rule 103: the challenge of a further guard names the login that those before it require, too', async () => {
  const now = Math.floor(Date.now() / 1000);
  const claims = { acr: 'gold', auth_time: now - 100 };
  expect(await challengeBehind({ claims }, [acr('gold', 'silver')], [maxAge(10)])).toBe('acr_values="gold silver", max_age="10"');
  expect(await challengeBehind({ claims }, [maxAge(300)], [acr('platinum')])).toBe('acr_values="platinum", max_age="300"');
  expect(await challengeBehind({ claims }, [acr('gold', 'platinum')], [acr('platinum', 'silver')])).toBe('acr_values="platinum"');
  // no login satisfies both, so the challenge names none
  expect(await challengeBehind({ claims }, [acr('gold')], [acr('silver')])).toMatch(
    /^Bearer realm="[^"]*", error="insufficient_scope", error_description="[^"]*"$/,
  );
  // a client that got what the first guard requires would be refused again
  expect(await challengeBehind({ claims }, [maxAge(300)], [anyOf(maxAge(60), role('admin'))])).toBe('max_age="60"');
  expect(await challengeBehind({ claims }, [acr('gold', 'platinum')], [anyOf(acr('platinum'), role('admin'))])).toBe('acr_values="platinum"');
});

test('rule 102: permit() with the request names what its guards require, and without it only its own scopes', async () => {
  const issuer = await createTestIssuer();
  const view = ({ headers }: Request) => ({ method: 'GET', target: '/', headers });
  const guard = createNativeGuard<Request, []>({ issuer: issuer.issuer, audience: issuer.audience }, view);
  const request: Request = { headers: { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a'] })}` } };
  await guard.decide(request, requirementsOf('required', [scope('a')]));
  await issuer.close();
  const { permit } = guard.methods(() => undefined);
  const auth = authOf(request);
  expect(firstChallenge(permit(auth, scope('b'), request))).toMatch(/scope="a b"/);
  expect(firstChallenge(permit(auth, scope('b')))).toMatch(/scope="b"/);
});

test('rule 102: a challenge names no policy that the app only asked about by guard.check(), and none of another message on the socket', async () => {
  const issuer = await createTestIssuer();
  const view = ({ headers }: Request) => ({ method: 'GET', target: '/', headers });
  const guard = createNativeGuard<Request, []>({ issuer: issuer.issuer, audience: issuer.audience }, view);
  const request: Request = { headers: { authorization: `Bearer ${await issuer.issueToken({ scopes: ['a', 'd', 'e'] })}` } };
  await guard.decide(request, requirementsOf('required', [scope('a')]));
  await issuer.close();
  expect((await guard.check(request, [scope('d')])).outcome).toBe('allow');
  expect((await guard.decide(request, requirementsOf('required', [scope('e')]), false)).outcome).toBe('allow');
  const refusals = [await guard.check(request, [scope('b')]), await guard.decide(request, requirementsOf('required', [scope('b')]))];
  for (const refused of refusals) expect(firstChallenge(refused)).toMatch(/scope="a b"/);
});

test('a request that passes any number of policies costs a bounded amount of memory', () => {
  const policies = Array.from({ length: 1000 }, (_, at) => scope(`s${at}`));
  const passed = [...policies, ...policies].reduce<PassedPolicies | undefined>(addPassed, undefined);
  expect(passed).toEqual(policies.slice(0, 16));
  expect(addPassed(policies[0], policies[0]!)).toBe(policies[0]);
});
