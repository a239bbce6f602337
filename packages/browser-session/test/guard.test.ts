import { claim, createResourceGuard, memorySessions, rawToken, scope, type Allow, type Auth, type Deny } from '@tokenward/core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { API } from './provider.ts';
import { cookiesOf, CSRF, startWorld, type World, type WorldOptions } from './world.ts';

const MODES = {
  'encrypted cookies': () => ({}),
  'a store in memory': () => ({ store: memorySessions() }),
} as const satisfies Record<string, () => WorldOptions['session']>;

function guardOf(world: World) {
  const guard = createResourceGuard({ issuer: world.provider.issuer, audience: API, clock: world.clock, session: world.app.session! });
  onTestFinished(() => guard.close());
  return guard;
}

/** Counts how often a store is asked. */
function counting({ store }: { readonly store?: ReturnType<typeof memorySessions> }, count: () => void): WorldOptions['session'] {
  if (!store) return {};
  return { store: { ...store, read: (key) => (count(), store.read(key)) } };
}

function requestOf(world: World, headers: Readonly<Record<string, string>> = CSRF) {
  const cookie = [...cookiesOf(world)].map(([name, value]) => `${name}=${value}`).join('; ');
  return { method: 'GET', target: '/orders', headers: { cookie, ...headers } };
}

describe.each(Object.entries(MODES))('a guard with %s', (_mode, options) => {
  test('gives a session cookie the same Auth and the same policies as its access token', async () => {
    const world = await startWorld({ session: options() });
    const guard = guardOf(world);
    const token = world.issued.find(({ kind }) => kind === 'access_token')!.token;
    const byCookie = (await guard.check(requestOf(world), { policy: scope('orders:read') })) as Allow<Auth>;
    const byToken = (await guard.check({ ...requestOf(world, {}), headers: { authorization: `Bearer ${token}` } })) as Allow<Auth>;
    expect(byCookie.outcome).toBe('allow');
    expect(byCookie.auth).toEqual(byToken.auth);
    expect(rawToken(byCookie.auth)).toBe(token);
    expect((await guard.check(requestOf(world), { policy: scope('orders:write') })) as Deny).toMatchObject({ status: 403, reason: 'insufficient_scope' });
  });

  test('rule 129: refuses the cookie without the header, and the answer names the reason', async () => {
    const world = await startWorld({ session: options() });
    const guard = guardOf(world);
    const refused = (await guard.check(requestOf(world, {}))) as Deny;
    expect(refused).toMatchObject({
      status: 403,
      reason: 'cross_site_request',
      body: { reason: 'cross_site_request', detail: expect.stringContaining('x-tokenward-csrf: 1') as string },
    });
    // a stranger without a session cookie is told of none
    expect(await guard.check({ method: 'GET', target: '/', headers: { cookie: 'other=1; x__Host-session=1' } })).toMatchObject({
      status: 401,
      reason: 'missing_token',
    });
  });

  test('rule 189: where credentials are optional, another site gets the same answer with a session cookie and without, whatever the cookie is', async () => {
    let reads = 0;
    const world = await startWorld({ session: counting(options(), () => reads++) });
    const guard = guardOf(world);
    const cookies = [...cookiesOf(world)].map(([name, value]) => `${name}=${value}`).join('; ');
    const sites = [
      {},
      { 'x-tokenward-csrf': 'x' },
      { ...CSRF, origin: 'https://evil.example' },
      { ...CSRF, origin: 'null' },
      ...['same-site', 'cross-site', 'none'].map((site) => ({ ...CSRF, origin: world.app.origin, 'sec-fetch-site': site })),
    ];
    const check = (headers: Record<string, string>, credentials: 'optional' | 'required') =>
      guard.check({ method: 'GET', target: '/orders', headers }, { credentials });
    reads = 0;
    for (const headers of sites) {
      const anonymous = check(headers, 'optional');
      expect(anonymous).toEqual({ outcome: 'allow', auth: undefined, headers: {} });
      const refused = check({ ...headers, cookie: cookies }, 'required');
      for (const cookie of [cookies, '__Host-session=x', '__Host-session=']) {
        // no promise: nothing was looked up, so the time tells nothing either
        expect(check({ ...headers, cookie }, 'optional')).toEqual(anonymous);
        expect(check({ ...headers, cookie }, 'required')).toEqual(refused);
      }
    }
    expect(reads).toBe(0);
    expect(await check({ ...CSRF, cookie: cookies }, 'optional')).toMatchObject({ outcome: 'allow', auth: { subject: 'alice' } });
  });

  test('rule 174: the explanation names the Origin that was expected and that of the request, and no more of it', async () => {
    const world = await startWorld({ session: options() });
    const guard = guardOf(world);
    const explained = async (headers: Record<string, string>) => ((await guard.check(requestOf(world, headers))) as Deny).explain();
    expect(await explained({ ...CSRF, origin: `https://${'a.'.repeat(400)}example/${'x'.repeat(4000)}` })).toMatchObject({
      summary: expect.stringContaining('Origin is not the origin of the app') as string,
      expected: `"Origin: ${world.app.origin}"`,
      found: expect.stringMatching(/^"Origin: https:\/\/(?:a\.)+\.{2,3}"$/) as string,
    });
    expect((await explained({ ...CSRF, origin: `https://${'a.'.repeat(400)}example` })).found!.length).toBeLessThan(140);
    const token = world.issued[0]!.token;
    for (const headers of [{ ...CSRF, origin: token }, { 'x-tokenward-csrf': token }, { ...CSRF, 'sec-fetch-site': token }, { origin: `https://${token}` }]) {
      expect(JSON.stringify(await explained(headers))).not.toContain(token.slice(-20));
    }
  });

  test('a decision carries the cookie of a refresh, and that which deletes an ended session', async () => {
    const world = await startWorld({ session: options() });
    const guard = guardOf(world);
    world.clock.advance(301);
    const allowed = await guard.check(requestOf(world));
    expect(allowed.outcome).toBe('allow');
    const lines = [allowed.headers['set-cookie'] ?? []].flat();
    // in a store, the cookie does not change
    expect(lines.length > 0).toBe(world.createSession().health().store === undefined);
    await world.page('POST', '/session/logout');
    const ended = (await guard.check({ ...requestOf(world), headers: { ...CSRF, cookie: lines[0]?.split(';')[0] ?? 'a=b' } })) as Deny;
    expect(ended.status).toBe(401);
    if (lines.length > 0) expect([ended.reason, [ended.headers['set-cookie']].flat()[0]]).toEqual(['session_ended', expect.stringContaining('Max-Age=0')]);
  });
});

test('a known cookie is decided on without a promise', async () => {
  const world = await startWorld();
  const guard = guardOf(world);
  await guard.check(requestOf(world));
  expect(guard.check(requestOf(world))).toMatchObject({ outcome: 'allow', auth: { subject: 'alice' } });
});

test('organisations: a login asks for the organisation of the options, whatever a link says, and a guard refuses the token of another one', async () => {
  let organisation = 'org_a';
  const world = await startWorld({
    session: { authorizationParameters: { organization: 'org_a' } },
    provider: { configuration: { extraParams: ['organization'], extraTokenClaims: () => ({ org_id: organisation }) } },
  });
  const started = await world.browser.visit(`${world.app.origin}/session/login?organization=org_b`);
  expect(new URL(started.headers.get('location')!).searchParams.getAll('organization')).toEqual(['org_a']);
  const guard = guardOf(world);
  const policy = claim('org_id', 'org_a');
  expect(await guard.check(requestOf(world), { policy })).toMatchObject({ outcome: 'allow', auth: { subject: 'alice' } });
  organisation = 'org_b';
  await world.logIn();
  expect(await guard.check(requestOf(world), { policy })).toMatchObject({ outcome: 'deny', status: 403 });
});

test('impersonation: a handler sees who acts for the user (act), before and after a refresh, and the page sees the user', async () => {
  const act = { sub: 'support-1', iss: 'https://support.example.com' };
  const world = await startWorld({ provider: { configuration: { extraTokenClaims: () => ({ act }) } } });
  const guard = guardOf(world);
  expect(await guard.check(requestOf(world))).toMatchObject({ outcome: 'allow', auth: { subject: 'alice', actor: act } });
  world.clock.advance(290);
  expect(await guard.check(requestOf(world))).toMatchObject({ outcome: 'allow', auth: { subject: 'alice', actor: act } });
  expect(world.refreshes()).toBe(1);
  expect(await (await world.page('GET', '/session/user')).json()).toMatchObject({ user: { subject: 'alice' } });
});
