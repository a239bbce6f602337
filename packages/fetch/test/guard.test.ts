import { acr, createResourceGuard, createGuard, getAuth, scope, type FetchGuard, type FetchGuardOptions } from '@tokenward/fetch';
import { createTestIssuer, expectBadRequest, expectForbidden, expectUnauthorized } from '@tokenward/testing';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';

const issuer = await createTestIssuer({ algorithm: 'ES256' });
afterAll(() => issuer.close());
const good = await issuer.issueToken({ scopes: ['a'], subject: 'ada' });
const wrong = await issuer.issueToken({ scopes: ['b'] });
const URL_HERE = 'https://api.example.test/orders?x=1';

function newGuard(options: FetchGuardOptions = {}): FetchGuard {
  const guard = createGuard({ issuer: issuer.issuer, audience: issuer.audience, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

function requestWith(authorization: string | undefined, init: RequestInit = {}, url = URL_HERE): Request {
  return new Request(url, { ...init, headers: { ...(init.headers as object), ...(authorization !== undefined && { authorization }) } });
}

const bearer = (token: string): Request => requestWith(`Bearer ${token}`);

/** Fetches keys only when it is told to. */
function withheld(): { fetch: typeof fetch; release(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { fetch: (...given) => promise.then(() => fetch(...given)), release: resolve };
}

describe('await guard(request)', () => {
  test('returns the Auth of an admitted request, and the response to a refused one', async () => {
    const guard = newGuard();
    const request = bearer(good);
    const admitted = await guard(request, scope('a'));
    expect(admitted.response).toBeUndefined();
    expect(admitted.auth?.subject).toBe('ada');
    expect(getAuth(request)).toBe(admitted.auth);
    expect(getAuth({ request })).toBe(admitted.auth);
    const refused = await guard(bearer(wrong), scope('a'));
    expect(refused.auth).toBeUndefined();
    await expectForbidden(refused.response!, { scopes: ['a'] });
    await expectUnauthorized((await guard(requestWith(undefined), scope('a'))).response!, { scopes: ['a'] });
  });

  test('reads no member request of a Request: that of Next.js in proxy.ts throws', async () => {
    class NextRequestHint extends Request {
      get request(): never {
        throw new Error('The middleware "/proxy" accepts an async API directly');
      }
    }
    const guard = newGuard();
    const request = new NextRequestHint(bearer(good));
    expect((await guard.inFront(request, scope('a'))).auth?.subject).toBe('ada');
    expect(getAuth(request).subject).toBe('ada');
    expect((await guard.check(request, scope('b'))).outcome).toBe('deny');
  });

  test('rule 103: refuses with 403 if the policies that it is called with accept no acr in common', async () => {
    const guard = newGuard();
    for (const call of [guard, guard.inFront]) {
      const { response } = await call(bearer(good), acr('gold'), acr('silver'));
      expect(response!.headers.get('www-authenticate')).not.toContain('acr_values');
      await expectForbidden(response!);
    }
    expect(() => guard.protect(() => new Response(), acr('gold'), acr('silver'))).toThrow('accept none in common');
  });

  test('returns no promise if it need not wait', async () => {
    const guard = newGuard();
    await guard.warm();
    expect(guard(bearer(good))).not.toBeInstanceOf(Promise);
    expect(guard(bearer(wrong), scope('a'))).not.toBeInstanceOf(Promise);
  });

  test('rule 221: a result that is not awaited cannot be read, so that a guard that waits does not seem to admit', async () => {
    const guard = newGuard();
    const result = guard(bearer(wrong), scope('a')) as { response?: Response; auth?: unknown; headers?: unknown };
    for (const member of ['response', 'auth', 'headers'] as const)
      expect(() => result[member]).toThrow(/returned a promise\. Write const result = await guard/);
    const answeringLate = newGuard({ onDenied: async (decision) => decision });
    await answeringLate.warm();
    expect(() => (answeringLate(requestWith(undefined)) as { response?: Response }).response).toThrow(/await guard/);
    await expectForbidden((await (result as Promise<{ response: Response }>)).response, { scopes: ['a'] });
  });

  test('rule 157: throws for anything that is not a request, and for anything that is not a policy', async () => {
    const guard = newGuard();
    const odd = guard as unknown as (...given: unknown[]) => unknown;
    const none = [
      undefined,
      null,
      'GET /',
      7,
      {},
      [],
      scope('a'),
      new Headers(),
      new Response(),
      { request: {} },
      { headers: new Headers() },
      { headers: {}, url: '/', method: 'GET' },
    ];
    for (const given of none) {
      for (const mode of [odd, guard.optional as typeof odd, guard.inFront as typeof odd]) expect(() => mode(given)).toThrow(/got no Request/);
      expect(() => guard.protect(() => new Response())(given as never)).toThrow(/got no Request/);
      expect(() => guard.respond(given as never, new Response())).toThrow(/got no Request/);
    }
    for (const policy of [undefined, 'a', scope, guard, guard.protect(() => new Response())])
      expect(() => odd(bearer(good), policy)).toThrow(/guard\(\.\.\.\) argument 1/);
  });

  test('rule 157: protect throws at the start without a handler', () => {
    const guard = newGuard();
    const odd = guard.protect as unknown as (...given: unknown[]) => unknown;
    for (const given of [undefined, scope('a'), {}, 'GET']) expect(() => odd(given)).toThrow(/needs the handler, a function, as its first argument/);
    expect(() => odd(guard)).toThrow(/got a guard instead of the handler/);
    expect(() => odd(() => new Response(), 'orders:read')).toThrow(/argument 1/);
  });

  test('check decides and answers nothing, for a Request, an event and a request of node:http', async () => {
    const guard = newGuard({ onDenied: () => expect.unreachable() });
    for (const [given, outcome] of [
      [bearer(good), 'allow'],
      [{ request: bearer(good) }, 'allow'],
      [{ headers: { authorization: `Bearer ${good}` }, method: 'GET', url: '/' }, 'allow'],
      [bearer(wrong), 'deny'],
      [requestWith(undefined), 'deny'],
    ] as const)
      expect((await guard.check(given as Request, scope('a'))).outcome).toBe(outcome);
    const seen: unknown[] = [];
    const event = { request: bearer(good), params: { id: '7' } };
    await guard.check(event, (given) => (seen.push(given), scope('a')));
    expect(seen).toEqual([event]);
  });

  test('refuse gives the usual answer, or that of onDenied', async () => {
    const request = bearer(wrong);
    const decisionOf = async (guard: FetchGuard) => {
      const decision = await guard.check(request, scope('a'));
      if (decision.outcome === 'allow') throw new Error('it must be refused');
      return decision;
    };
    const usual = newGuard();
    await expectForbidden(await usual.refuse(await decisionOf(usual), request), { scopes: ['a'] });
    const own = newGuard({ onDenied: ({ reason }, { url }) => new Response(`${reason} ${url}`, { status: 418 }) });
    const answer = await own.refuse(await decisionOf(own), request);
    expect([answer.status, await answer.text()]).toEqual([418, `insufficient_scope ${URL_HERE}`]);
    expect(() => usual.refuse({ outcome: 'allow' } as never, request)).toThrow(/got no refusal/);
  });

  test('refuses the option property, which a Request does not get', () => {
    expect(() => createGuard({ issuer: issuer.issuer, audience: issuer.audience, property: 'caller' } as FetchGuardOptions)).toThrow(
      /property: is not an option here/,
    );
  });

  test('refuses the request if onDenied returns neither a response nor the decision', async () => {
    for (const returned of [undefined, null, 'mine', {}, { outcome: 'allow' }]) {
      const guard = newGuard({ onDenied: () => returned as never });
      await expectUnauthorized((await guard(requestWith(undefined))).response!);
    }
  });
});

describe('credentials', () => {
  test('rule 220: refuses an Authorization field with a comma, since Headers joins repeated lines', async () => {
    const guard = newGuard();
    for (const second of [`Bearer ${good}`, 'Basic dTpw', 'Bearer other', '']) {
      for (const pair of [
        [`Bearer ${good}`, second],
        [second, `Bearer ${good}`],
      ]) {
        // prettier-ignore
        const headers = new Headers();
        for (const line of pair) headers.append('Authorization', line);
        for (const mode of [guard, guard.optional]) await expectBadRequest((await mode(new Request(URL_HERE, { headers }))).response!);
      }
    }
    const decision = await guard.check(requestWith('Digest username="a", realm="b"'));
    expect(decision.outcome === 'deny' && decision.reason).toBe('multiple_credentials');
  });

  test('rule 220: reads the token from the header alone', async () => {
    const guard = newGuard();
    await expectUnauthorized((await guard(requestWith(undefined, {}, `${URL_HERE}&access_token=${good}`))).response!);
    await expectBadRequest((await guard(requestWith(`Bearer ${good}`, {}, `${URL_HERE}&access_token=${good}#x`))).response!);
    expect((await guard(requestWith(`Bearer ${good}`, {}, `${URL_HERE}#?access_token=${good}`))).auth?.subject).toBe('ada');
  });
});

describe('the request as policies see it', () => {
  async function seen(given: Parameters<FetchGuard>[0]) {
    const views: { target: string; origin: string | undefined; path: string | undefined; params: unknown }[] = [];
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience });
    onTestFinished(() => guard.close());
    const { policy } = await import('@tokenward/fetch');
    const own = newGuard();
    await own(
      given,
      policy('seen', (_auth, request) => {
        const { target, origin, path, params } = request!;
        return views.push({ target, origin, path, params }) > 0;
      }),
    );
    return views[0]!;
  }

  test('is the path and query of its URL, without fragment and credentials', async () => {
    expect(await seen(requestWith(`Bearer ${good}`, {}, 'http://api.example.test:8080/a/%61?b=/c?d#/e'))).toMatchObject({
      target: '/a/%61?b=/c?d',
      path: '/a/a',
      origin: 'http://api.example.test:8080',
    });
    expect(await seen(requestWith(`Bearer ${good}`, {}, 'https://API.example.test'))).toMatchObject({ target: '/', origin: 'https://api.example.test' });
  });

  test('rule 222: has no origin if the Host field is malformed or joined, or if the URL has another scheme', async () => {
    for (const host of ['user@api.example.test', 'a b', 'a, b', 'api.example.test, api.example.test', '', 'api.example.test/x']) {
      const request = bearer(good);
      Object.defineProperty(request, 'headers', { value: new Headers({ authorization: `Bearer ${good}`, host }) });
      expect((await seen(request)).origin, host).toBeUndefined();
    }
    expect((await seen(requestWith(`Bearer ${good}`, {}, 'data:text/plain,x'))).origin).toBeUndefined();
    expect((await seen(requestWith(`Bearer ${good}`, { headers: { host: 'internal:3000' } }))).origin).toBe('https://api.example.test');
  });

  test('has the parameters of its event, or of the request itself', async () => {
    expect((await seen({ request: bearer(good), params: { id: '7' } })).params).toEqual({ id: '7' });
    expect((await seen(Object.assign(bearer(good), { params: { id: '8' } }))).params).toEqual({ id: '8' });
    expect((await seen({ request: bearer(good) })).params).toBeUndefined();
  });
});

describe('protect', () => {
  test('passes on all arguments, and runs the handler for admitted requests only', async () => {
    const guard = newGuard();
    const ran: unknown[] = [];
    const handler = guard.protect((request: Request, env: { readonly key: string }, context?: object) => {
      ran.push([env, context]);
      return new Response(getAuth(request).subject);
    }, scope('a'));
    await expectForbidden(await handler(bearer(wrong), { key: 'k' }), { scopes: ['a'] });
    await expectUnauthorized(await handler(requestWith(undefined), { key: 'k' }), { scopes: ['a'] });
    expect(ran).toEqual([]);
    expect(await (await handler(bearer(good), { key: 'k' }, {})).text()).toBe('ada');
    expect(ran).toEqual([[{ key: 'k' }, {}]]);
  });

  test('rule 223: refuses a preflight, which only a guard in front of an app lets pass', async () => {
    const guard = newGuard();
    const headers = { origin: 'https://app.example.test', 'access-control-request-method': 'GET' };
    const preflight = () => new Request(URL_HERE, { method: 'OPTIONS', headers });
    const handler = () => new Response('ran');
    await expectUnauthorized(await guard.protect(handler)(preflight()));
    await expectUnauthorized((await guard(preflight())).response!);
    expect(await (await guard.inFront.protect(handler)(preflight())).text()).toBe('ran');
    const admitted = preflight();
    expect((await guard.inFront(admitted)).response).toBeUndefined();
    expect(() => getAuth(admitted, 'optional')).toThrow(/no guard has authenticated/);
    for (const request of [
      new Request(URL_HERE, { method: 'OPTIONS' }),
      new Request(URL_HERE, { method: 'OPTIONS', headers, body: 'x' }),
      new Request(URL_HERE, { headers }),
    ])
      await expectUnauthorized(await guard.inFront.protect(handler)(request));
  });

  test('rule 225: runs no handler for a client that left while the guard waited, also if the handler would have run at once', async () => {
    for (const leaves of [true, false]) {
      const keys = withheld();
      const guard = newGuard({ fetch: keys.fetch });
      const leaving = new AbortController();
      let ran = 0;
      const answer = guard.protect(() => new Response(String(++ran)))(requestWith(`Bearer ${good}`, { signal: leaving.signal }));
      if (leaves) leaving.abort();
      keys.release();
      expect((await answer).status).toBe(leaves ? 499 : 200);
      expect(ran).toBe(leaves ? 0 : 1);
    }
  });

  test('protect passes on what the handler throws or rejects with', async () => {
    const guard = newGuard();
    await guard.warm();
    const thrown = new Error('out of order');
    expect(() =>
      guard.protect(() => {
        throw thrown;
      })(bearer(good)),
    ).toThrow(thrown);
    await expect(guard.protect(() => Promise.reject(thrown))(bearer(good))).rejects.toBe(thrown);
  });
});
