import { inspect } from 'node:util';
import { ConfigurationError, createResourceGuard, observe, scope, type Decision, type ProtectedRequest, type ResourceGuard } from '@tokenward/core';
import { SESSION_CREDENTIALS, type BrowserSessionCredentials } from '@tokenward/core/store';
import { createTestClock, createTestIssuer, type TestClock, type TestIssuer } from '@tokenward/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { expectAllowed, verdictOf } from './guarded.js';

const COOKIE = '__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Strict';

/** Returns a session of anybody's making, and the requests that it was asked about. */
function sessionOf(answer: (request: ProtectedRequest) => unknown): BrowserSessionCredentials & { readonly asked: ProtectedRequest[] } {
  const asked: ProtectedRequest[] = [];
  return {
    asked,
    [SESSION_CREDENTIALS](request) {
      asked.push(request);
      return answer(request) as undefined;
    },
  };
}

interface Scene {
  readonly issuer: TestIssuer;
  readonly clock: TestClock;
  readonly guard: ResourceGuard;
  readonly session: ReturnType<typeof sessionOf>;
}

async function createScene(answer: (issuer: TestIssuer, request: ProtectedRequest) => unknown, options: object = {}): Promise<Scene> {
  const clock = createTestClock();
  const issuer = await createTestIssuer({ clock, algorithm: 'ES256' });
  const session = sessionOf((request) => answer(issuer, request));
  const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, clock, session, ...options });
  onTestFinished(async () => {
    await guard.close();
    await issuer.close();
  });
  await guard.warm();
  return { issuer, clock, guard, session };
}

function requestWith(headers: ProtectedRequest['headers'] = { cookie: '__Host-session=id' }, more: Partial<ProtectedRequest> = {}): ProtectedRequest {
  return { method: 'GET', target: '/', headers, ...more };
}

async function verdict({ guard }: Scene, headers?: ProtectedRequest['headers'], credentials: 'required' | 'optional' = 'required'): Promise<string> {
  const decision = await guard.check(requestWith(headers), { credentials });
  return decision.outcome === 'allow' && !decision.auth ? 'anonymous' : verdictOf(decision);
}

describe('the option session', () => {
  const throwing = {
    get [SESSION_CREDENTIALS]() {
      throw new Error('out of order');
    },
  };
  test.each<[string, unknown]>([
    ['null', null],
    ['true', true],
    ['a string', 'session'],
    ['an object without the method', {}],
    ['options', { issuer: 'https://login.example.test', secrets: ['x'] }],
    ['a promise of a session', Promise.resolve(sessionOf(() => undefined))],
    ['a method that is no function', { [SESSION_CREDENTIALS]: 'x' }],
    ['a getter that throws', throwing],
  ])('does not take %s, and says what to pass', (_what, session) => {
    const create = () => createResourceGuard({ issuer: 'https://login.example.test', audience: 'a', session: session as BrowserSessionCredentials });
    expect(create).toThrow(ConfigurationError);
    expect(create).toThrow(/session: must be a browser session \(got .*\)\. Pass what createBrowserSession\(\.\.\.\) of @tokenward\/browser-session returns/);
  });

  test('takes an instance of a class, and reads its method once', async () => {
    class Session {
      readonly #answer = undefined;
      [SESSION_CREDENTIALS]() {
        return this.#answer;
      }
    }
    const session = new Session();
    const scene = await createScene(() => undefined, { session });
    Object.assign(session, { [SESSION_CREDENTIALS]: () => ({ reason: 'session_unavailable' }) });
    expect(await verdict(scene)).toBe('missing_token');
  });
});

describe('rule 4: a session is asked only if the request has its cookie and no Authorization header', () => {
  test.each<[string, ProtectedRequest['headers'], string, number]>([
    ['no header', {}, 'missing_token', 0],
    ['an undefined cookie', { cookie: undefined }, 'missing_token', 0],
    ['an inherited cookie', Object.create({ cookie: '__Host-session=id' }) as object as ProtectedRequest['headers'], 'missing_token', 0],
    ['a cookie', { cookie: '__Host-session=id' }, 'allow', 1],
    ['an empty list of Authorization headers', { cookie: '__Host-session=id', authorization: [] }, 'allow', 1],
    ['an empty Authorization header', { cookie: '__Host-session=id', authorization: '' }, 'malformed_credentials', 0],
    ['a wrong scheme', { cookie: '__Host-session=id', authorization: 'Basic dTpw' }, 'unsupported_scheme', 0],
    ['a bad token', { cookie: '__Host-session=id', authorization: 'Bearer x' }, 'malformed_token', 0],
    ['Authorization in another case', { cookie: '__Host-session=id', AUTHORIZATION: 'Bearer x' }, 'malformed_token', 0],
    ['two Authorization headers', { cookie: '__Host-session=id', authorization: ['Bearer x', 'Bearer x'] }, 'multiple_credentials', 0],
  ])('%s', async (_what, headers, expected, times) => {
    const scene = await createScene(async (issuer) => ({ token: await issuer.issueToken() }));
    expect(await verdict(scene, headers)).toBe(expected);
    expect(scene.session.asked).toHaveLength(times);
  });

  test('the session sees all headers in lower case, also on platforms that pass them on as the client sent them', async () => {
    const scene = await createScene(() => undefined);
    await verdict(scene, { Cookie: 'a=1', cookie: undefined, 'X-Tokenward-CSRF': '1', Origin: 'https://app.example.test', COOKIE: ['b=2'] });
    expect(scene.session.asked[0]!.headers).toEqual({ cookie: ['a=1', 'b=2'], 'x-tokenward-csrf': '1', origin: 'https://app.example.test' });
    await verdict(scene, { cookie: 'a=1', Origin: 'https://evil.example.test', origin: 'https://app.example.test' });
    expect(scene.session.asked[1]!.headers).toEqual({ cookie: 'a=1', origin: ['https://evil.example.test', 'https://app.example.test'] });
    const doubled = requestWith({ cookie: ['a=1', 'b=2'] });
    await scene.guard.check(doubled);
    expect(scene.session.asked[2]).toBe(doubled);
  });
});

test('a session that answers at once gives a decision without a promise', async () => {
  let token = '';
  const scene = await createScene(() => ({ token, headers: { 'set-cookie': [COOKIE] } }));
  token = await scene.issuer.issueToken({ scopes: ['orders:read'] });
  const decision = scene.guard.check(requestWith(), { policy: scope('orders:read') });
  expect(decision).not.toBeInstanceOf(Promise);
  const { auth, headers } = expectAllowed(decision as Decision);
  expect(auth!.scopes).toEqual(['orders:read']);
  expect(headers).toEqual({ 'cache-control': 'no-store', 'set-cookie': [COOKIE] });
  const refused = scene.guard.check(requestWith(), { policy: scope('orders:write') }) as Decision;
  expect(refused).toMatchObject({ outcome: 'deny', status: 403, headers: { 'cache-control': 'no-store', 'set-cookie': [COOKIE] } });
  expect(refused.headers['www-authenticate']).toContainEqual(expect.stringMatching(/^Bearer .*scope="orders:write"/));
  expect(Object.isFrozen(refused) && Object.isFrozen(refused.headers)).toBe(true);
  expect(refused.outcome === 'deny' && refused.explain().reason).toBe('insufficient_scope');
});

describe('a session that fails admits nobody, and is no anonymous request either', () => {
  const odd: readonly [string, () => unknown][] = [
    [
      'throws',
      () => {
        throw new Error('secret of the store');
      },
    ],
    [
      'throws undefined',
      () => {
        // eslint-disable-next-line typescript/only-throw-error -- a session may
        throw undefined;
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret of the store'))],
    // eslint-disable-next-line unicorn/no-thenable -- under test
    ['returns a thenable that throws', () => ({ then: () => { throw new Error('secret of the store'); } })], // prettier-ignore
    // eslint-disable-next-line unicorn/no-thenable -- under test
    ['returns a thenable that rejects', () => ({ then: (_done: unknown, fail: (error: Error) => void) => fail(new Error('secret of the store')) })],
    ['resolves to nonsense', async () => 'token'],
    ['returns nonsense', () => ({ ok: true })],
    ['returns true', () => true],
    ['returns null', () => null],
    ['returns a token whose getter throws', () => ({ get token() { throw new Error('secret of the store'); } })], // prettier-ignore
    ['returns a revoked proxy', () => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; }], // prettier-ignore
    ['sets a header by a line break', () => ({ token: undefined, reason: 'session_ended', headers: { 'set-cookie': 'a=1\r\nx: y' } })],
  ];
  test.each(odd)('a session that %s', async (_what, answer) => {
    const scene = await createScene(answer);
    for (const credentials of ['required', 'optional'] as const) {
      const decision = await scene.guard.check(requestWith(), { credentials });
      expect(decision).toMatchObject({ outcome: 'deny', status: 503, reason: 'session_unavailable', body: { error: 'temporarily_unavailable' } });
      expect(decision.headers).toEqual({ 'cache-control': 'no-store', 'retry-after': '1' });
      const shown = [
        inspect(decision, { depth: null, showHidden: true }),
        JSON.stringify(decision),
        JSON.stringify(decision.outcome === 'deny' && decision.explain()),
      ];
      expect(shown.join('\n')).not.toMatch(/secret|abc/);
    }
  });

  test('a thenable is awaited like a promise', async () => {
    // eslint-disable-next-line unicorn/no-thenable -- under test
    const scene = await createScene((issuer) => ({ then: (done: (value: unknown) => void) => void issuer.issueToken().then((token) => done({ token })) }));
    expect(await verdict(scene)).toBe('allow');
  });

  test('the next check asks again, since an outage says nothing about the request', async () => {
    let isAway = true;
    const scene = await createScene(async (issuer) => (isAway ? Promise.reject(new Error('away')) : { token: await issuer.issueToken() }));
    const request = requestWith({ cookie: '__Host-session=id' }, { heldBy: {} });
    expect(verdictOf(await scene.guard.check(request))).toBe('session_unavailable');
    isAway = false;
    expect(verdictOf(await scene.guard.check(request))).toBe('allow');
  });
});

test('rule 61: a session that says how long it is unavailable passes that on as Retry-After', async () => {
  const scene = await createScene(() => ({ reason: 'session_unavailable', token: undefined, retryAfterSeconds: 29.5 }));
  expect((await scene.guard.check(requestWith())).headers).toEqual({ 'cache-control': 'no-store', 'retry-after': '30' });
});

test('a request without header and session: the operator reads how to log in', async () => {
  const scene = await createScene(() => undefined);
  const decision = await scene.guard.check(requestWith());
  expect(decision.outcome === 'deny' && decision.explain()).toMatchObject({
    reason: 'missing_token',
    summary: 'The request has no access token: there is neither an Authorization header nor a session cookie.',
    remedy: expect.stringContaining('mount session.routes() before the guard'),
  });
});

test('rule 129: what a session refuses is refused; an ended session and a cookie that does not count may be anonymous', async () => {
  for (const [reason, status, optional] of [
    ['session_ended', 401, 'anonymous'],
    ['cross_site_request', 403, 'anonymous'],
    ['session_unavailable', 503, 'session_unavailable'],
  ] as const) {
    // prettier-ignore
    const scene = await createScene(() => ({ reason, cause: 'why', token: undefined, headers: { 'set-cookie': COOKIE } }));
    const decision = await scene.guard.check(requestWith(), { policy: scope('orders:read') });
    expect(decision).toMatchObject({ outcome: 'deny', status, reason, headers: { 'set-cookie': [COOKIE] } });
    expect(decision.outcome === 'deny' && decision.explain().summary).toMatch(/: why\.$/);
    expect(await verdict(scene, undefined, 'optional')).toBe(optional);
    const answer = await scene.guard.check(requestWith(), { credentials: 'optional' });
    expect(answer.headers['set-cookie']).toEqual([COOKIE]);
  }
});

test('rule 189: where credentials are optional, a cookie that another site made the browser send is ignored, and operators learn why', async () => {
  const accepted: unknown[] = [];
  onTestFinished(observe('tokenward:accepted', (event) => void accepted.push(event)));
  vi.stubEnv('TOKENWARD_HINTS', '1');
  onTestFinished(() => void vi.unstubAllEnvs());
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  onTestFinished(() => write.mockRestore());
  const values = { expected: 'Origin: https://app.example', found: `Origin: https://evil.example\r\n${'x'.repeat(500)}` };
  const answers = [{ reason: 'cross_site_request', cause: 'why', ...values, token: undefined }, { reason: 'session_ended', token: undefined }, undefined];
  const scene = await createScene(() => answers.shift());
  for (let round = 0; round < 3; round++) expect(await verdict(scene, undefined, 'optional')).toBe('anonymous');
  const { issuer } = scene.issuer;
  expect(accepted).toMatchObject([
    { issuer, anonymous: true, ignored: 'cross_site_request' },
    { issuer, anonymous: true, ignored: undefined },
    { issuer, anonymous: true, ignored: undefined },
  ]);
  const lines = write.mock.calls.map(([text]) => String(text));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(
    /^tokenward: GET \/ -> anonymous cross_site_request: .*: why\. Expected: "Origin: https:\/\/app\.example"\. Found: "Origin: https:\/\/evil\.example x+"\. [^\n]*\n$/,
  );
  expect(lines[0]!.length).toBeLessThan(1500);
});

test.each(['token', 'reason', 'headers', 'cookie', 'then', 'set-cookie'])('a polluted prototype with the member %s admits nobody', async (name) => {
  let good = '';
  const answers = [undefined, {}, { token: undefined }, { reason: 'session_ended', token: undefined }];
  let answer: unknown;
  const scene = await createScene(() => answer);
  good = await scene.issuer.issueToken();
  const verdicts: string[] = [];
  // oxlint-disable-next-line no-extend-native -- the pollution under test
  Object.defineProperty(Object.prototype, name, { value: name === 'then' ? undefined : good, configurable: true, writable: true, enumerable: true });
  try {
    for (answer of answers) {
      const decision = scene.guard.check({ method: 'GET', target: '/', headers: { cookie: '__Host-session=id' } }) as Decision;
      verdicts.push(`${decision.outcome} ${decision.outcome === 'deny' ? decision.status : ''}`);
    }
  } finally {
    Reflect.deleteProperty(Object.prototype, name);
  }
  expect(verdicts).toEqual(['deny 401', 'deny 503', 'deny 503', 'deny 401']);
});

describe('several checks of one request', () => {
  test('one request object asks once, and each of its decisions has the cookies, since only one of them may reach the client', async () => {
    const scene = await createScene(async (issuer) => ({ token: await issuer.issueToken(), headers: { 'set-cookie': [COOKIE] } }));
    const request = requestWith();
    const [first, second] = [await scene.guard.check(request), await scene.guard.check(request, { policy: scope('orders:read') })];
    const third = scene.guard.permit(expectAllowed(first).auth!, scope('orders:read'), request);
    for (const decision of [first, second, third]) expect(decision.headers['set-cookie']).toEqual([COOKIE]);
    expect(scene.session.asked).toHaveLength(1);
    expect(first.headers['set-cookie']).not.toBe(second.headers['set-cookie']);
    expect(scene.guard.permit(expectAllowed(first).auth!, scope('orders:read')).headers).not.toHaveProperty('set-cookie');
  });

  test('guards of one session share its answer for a request, and another cookie, session or second asks again', async () => {
    const scene = await createScene(async (issuer) => ({ token: await issuer.issueToken() }));
    const { issuer, audience } = scene.issuer;
    const other = createResourceGuard({ issuer, audience, clock: scene.clock, session: scene.session });
    const stranger = sessionOf(() => undefined);
    const third = createResourceGuard({ issuer, audience, clock: scene.clock, session: stranger });
    onTestFinished(async () => void (await Promise.all([other.close(), third.close()])));
    const heldBy = {};
    const sent = { cookie: 'a=1' };
    const seen = (cookie: string): ProtectedRequest => requestWith(Object.assign(sent, { cookie }), { heldBy });
    const verdicts = await Promise.all([scene.guard.check(seen('a=1')), other.check(seen('a=1')), scene.guard.check(seen('a=1'))]);
    expect(verdicts.map(verdictOf)).toEqual(['allow', 'allow', 'allow']);
    expect(scene.session.asked).toHaveLength(1);
    expect(verdictOf(await third.check(seen('a=1')))).toBe('missing_token');
    expect(stranger.asked).toHaveLength(1);
    await scene.guard.check(seen('a=2'));
    scene.clock.advance(1);
    await scene.guard.check(seen('a=2'));
    await scene.guard.check(requestWith({ cookie: 'a=2' }));
    expect(scene.session.asked).toHaveLength(4);
  });

  test('rule 129: what one request of a connection proves does not count for the next one', async () => {
    const scene = await createScene(async (issuer, { headers }) =>
      headers['x-tokenward-csrf'] === '1' ? { token: await issuer.issueToken() } : { reason: 'cross_site_request', token: undefined },
    );
    const connection = {};
    const verdicts: string[] = [];
    for (const headers of [{ cookie: 'a=1', 'x-tokenward-csrf': '1' }, { cookie: 'a=1' }, { cookie: 'a=1', 'x-tokenward-csrf': '1' }]) {
      verdicts.push(verdictOf(await scene.guard.check(requestWith(headers, { heldBy: connection }))));
    }
    expect(verdicts).toEqual(['allow', 'cross_site_request', 'allow']);
  });

  test('asks again when the token has expired, so a connection that stays open gets the refreshed one', async () => {
    const scene = await createScene(async (issuer) => ({ token: await issuer.issueToken({ lifetimeSeconds: 60 }) }));
    const request = requestWith(undefined, { heldBy: {} });
    const first = expectAllowed(await scene.guard.check(request)).auth!;
    scene.clock.advance(120);
    const second = expectAllowed(await scene.guard.check(request)).auth!;
    expect(second.expiresAt).toBeGreaterThan(first.expiresAt);
    expect(scene.session.asked).toHaveLength(2);
  });
});

test('auth.signal of a session ends with its token and with its revocation', async () => {
  const scene = await createScene(async (issuer) => ({ token: await issuer.issueToken({ claims: { sid: 'session-1' } }) }));
  const { signal } = expectAllowed(await scene.guard.check(requestWith())).auth!;
  expect(signal.aborted).toBe(false);
  await scene.guard.revocations.revoke({ sessionId: 'session-1' });
  await expect.poll(() => signal.aborted).toBe(true);
});

test('rule 139: no event and no explanation contains the cookie or the token', async () => {
  const events: unknown[] = [];
  for (const name of ['tokenward:accepted', 'tokenward:refused'] as const) onTestFinished(observe(name, (event) => void events.push(event)));
  const scene = await createScene(async (issuer) => ({ token: await issuer.issueToken(), headers: { 'set-cookie': COOKIE } }));
  await scene.guard.check(requestWith());
  await scene.guard.check(requestWith(), { policy: scope('orders:read') });
  expect(events).toHaveLength(2);
  expect(JSON.stringify(events)).not.toMatch(/eyJ|abc|__Host/);
});
