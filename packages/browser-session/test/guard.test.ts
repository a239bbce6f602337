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
