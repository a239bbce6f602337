import { spawnSync } from 'node:child_process';
import { acr, claim, createResourceGuard, rawToken, role, scope, type Decision, type GuardOptions, type Policy, type ResourceGuard } from '@tokenward/core';
import { entraId, cognito, google, keycloak, okta } from '@tokenward/core/presets';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { actAs, createTestClock, createTestIssuer, type ActingHeaders } from '@tokenward/testing';

const ISSUER = 'https://login.invalid';
const AUDIENCE = 'https://api.example.com';
const TENANT = '72f988bf-86f1-41af-91ab-2d7cd011db47';

function guardWith(options: GuardOptions = {}): ResourceGuard<object> {
  const guard = createResourceGuard({ issuer: ISSUER, audience: AUDIENCE, ...options });
  onTestFinished(() => guard.close());
  return guard;
}

function ask(guard: ResourceGuard<object>, headers: ActingHeaders | Record<string, string>, policy?: Policy): Decision | Promise<Decision> {
  return guard.check({ method: 'GET', target: '/orders', headers: { ...headers } }, policy && { policy }) as Decision | Promise<Decision>;
}

describe('rule 275: what a guard makes of a caller', () => {
  test('defaults of a caller, and those that the test gives', async () => {
    const guard = guardWith();
    expect(await ask(guard, actAs(guard)())).toMatchObject({
      outcome: 'allow',
      auth: { issuer: ISSUER, audience: [AUDIENCE], subject: 'test-user', clientId: 'test-client', scopes: [], roles: [] },
    });
    const as = actAs(guard, { subject: 'ada', scopes: ['a'], claims: { acr: 'mfa', tenant: 'acme' } });
    expect(await ask(guard, as({ roles: ['admin'], claims: { tenant: 'globex' } }), acr('mfa'))).toMatchObject({
      outcome: 'allow',
      auth: { subject: 'ada', scopes: ['a'], roles: ['admin'], claims: { tenant: 'globex', acr: 'mfa' } },
    });
  });

  test('claims are frozen like those of a token, and the raw token is the ticket', async () => {
    const guard = guardWith();
    const headers = actAs(guard)({ claims: { nested: { list: [1] } } });
    const { auth } = (await ask(guard, headers)) as unknown as { auth: { claims: { nested: { list: number[] } } } };
    expect(Object.isFrozen(auth.claims.nested.list)).toBe(true);
    expect(`Bearer ${rawToken(auth as never)}`).toBe(headers.authorization);
    expect(JSON.stringify(auth)).not.toContain('test-ticket');
  });

  test('every check of a request gives the same Auth, permit() accepts it, and its signal ends with a revocation', async () => {
    const guard = guardWith();
    const request = { method: 'GET', target: '/', headers: { ...actAs(guard)({ subject: 'ada', scopes: ['a'] }) } };
    const [first, second] = [await guard.check(request), await guard.check(request)] as unknown as [{ auth: never }, { auth: never }];
    expect(first.auth).toBe(second.auth);
    expect(guard.permit(first.auth, scope('a')).outcome).toBe('allow');
    const { signal } = first.auth as { signal: AbortSignal };
    expect(signal.aborted).toBe(false);
    await guard.revocations.revoke({ subject: 'ada', issuer: ISSUER }, { reason: 'logout' });
    await vi.waitFor(() => expect(signal.aborted).toBe(true));
    expect(guard.permit(first.auth, scope('a')).outcome).toBe('deny');
  });

  test('tickets expire by the clock of the guard', async () => {
    const clock = createTestClock('2030-01-01T00:00:00Z');
    const guard = guardWith({ clock });
    const headers = actAs(guard)({ lifetimeSeconds: 60 });
    expect(await ask(guard, headers)).toMatchObject({ outcome: 'allow' });
    clock.advance(180);
    expect(await ask(guard, headers)).toMatchObject({ outcome: 'deny', reason: 'expired' });
  });

  test.each<[string, GuardOptions, Parameters<ReturnType<typeof actAs>>[0], string]>([
    ['another audience', {}, { audience: 'https://other.example.com' }, 'audience_mismatch'],
    ['another issuer', {}, { issuer: 'https://other.example.com' }, 'issuer_mismatch'],
    ['another client', { allowedClients: ['web'] }, { clientId: 'other' }, 'client_not_allowed'],
    ['a claim with another value', { requiredValues: { tier: ['gold'] } }, { claims: { tier: 'tin' } }, 'invalid_claim'],
    ['a required claim that the test leaves out', { requiredClaims: ['tenant'] }, { claims: { tenant: undefined } }, 'missing_claim'],
    ['claims of an ID token', {}, { claims: { at_hash: 'x' } }, 'not_an_access_token'],
    ['a bound token without its proof', {}, { claims: { cnf: { jkt: 'A'.repeat(43) } } }, 'bound_token_as_bearer'],
    ['a client assertion', {}, { subject: ISSUER }, 'not_an_access_token'],
  ])('refuses what the options refuse: %s', async (_name, options, caller, reason) => {
    const guard = guardWith(options);
    expect(await ask(guard, actAs(guard)(caller))).toMatchObject({ outcome: 'deny', reason });
  });

  test('the claims schema of the app decides, and its output is what handlers see', async () => {
    const claims = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) => {
          const { tenant } = value as { tenant?: unknown };
          return typeof tenant === 'string' ? { value: { tenant: tenant.toUpperCase() } } : { issues: [{ message: 'no tenant', path: ['tenant'] }] };
        },
      },
    } as const;
    const guard = guardWith({ claims });
    const as = actAs(guard);
    expect(await ask(guard, as({ claims: { tenant: 'acme' } }))).toMatchObject({ outcome: 'allow', auth: { claims: { tenant: 'ACME' } } });
    expect(await ask(guard, as())).toMatchObject({ outcome: 'deny', reason: 'invalid_claim' });
  });

  test.each<[string, GuardOptions, Policy]>([
    ['keycloak', keycloak({ url: 'https://sso.example.com', realm: 'shop', audience: AUDIENCE, clientId: 'orders' }), role('admin')],
    ['okta', okta({ domain: 'example.okta.com', audience: AUDIENCE }), scope('orders:read')],
    ['entraId', entraId({ tenantId: TENANT, audience: AUDIENCE }), role('admin')],
    ['cognito', cognito({ region: 'eu-central-1', userPoolId: 'eu-central-1_A', clientIds: ['web'] }), scope('orders:read')],
    ['google', google({ audience: AUDIENCE, serviceAccounts: ['104029292853099978293'] }), claim('sub', '104029292853099978293')],
  ])('what a preset requires needs no word of the test: %s', async (_name, options, policy) => {
    const guard = createResourceGuard(options);
    onTestFinished(() => guard.close());
    const as = actAs(guard);
    expect(await ask(guard, as({ scopes: ['orders:read'], roles: ['admin'] }), policy)).toMatchObject({ outcome: 'allow' });
    expect(await ask(guard, as({ scopes: ['other'] }), scope('orders:read'))).toMatchObject({ outcome: 'deny', status: 403 });
  });

  test('a profile, a sender constraint and a short lifetime are no obstacles', async () => {
    for (const options of [{ profile: 'rfc9068' }, { senderConstraint: 'dpop' }, { senderConstraint: 'mtls' }, { maxTokenLifetimeSeconds: 60 }] as const) {
      const guard = guardWith(options);
      expect(await ask(guard, actAs(guard)()), JSON.stringify(options)).toMatchObject({ outcome: 'allow' });
    }
  });

  test('a guard of tenants or of a resolver needs the issuer, and asks its resolver', async () => {
    const shared = { audience: AUDIENCE, jwksUri: 'https://login.invalid/keys' };
    const tenants = createResourceGuard({ issuers: [{ ...shared, issuer: 'https://login.invalid/{tenant}', tenants: ['a', 'b'] }] });
    const resolver = createResourceGuard({ issuers: async (issuer) => (issuer === 'https://login.invalid/a' ? { ...shared, issuer } : undefined) });
    for (const guard of [tenants, resolver]) {
      onTestFinished(() => guard.close());
      const as = actAs(guard);
      expect(() => as()).toThrow(/issuer: is missing: .*as\(\{ issuer: /);
      expect(await ask(guard, as({ issuer: 'https://login.invalid/a', scopes: ['a'] }), scope('a'))).toMatchObject({ outcome: 'allow' });
      expect(await ask(guard, as({ issuer: 'https://login.invalid/c' }))).toMatchObject({ outcome: 'deny', reason: 'issuer_mismatch' });
    }
  });

  test('tokens of the real issuer still work beside tickets', async () => {
    const issuer = await createTestIssuer({ algorithm: 'ES256' });
    onTestFinished(() => issuer.close());
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience });
    onTestFinished(() => guard.close());
    actAs(guard)();
    expect(await ask(guard, { authorization: `Bearer ${await issuer.issueToken({ subject: 'ada' })}` })).toMatchObject({ outcome: 'allow' });
    expect(await ask(guard, { authorization: `Bearer ${await issuer.issueToken({ audience: 'other' })}` })).toMatchObject({ outcome: 'deny' });
  });
});

describe('rule 275: mistakes', () => {
  test.each<[string, (guard: ResourceGuard<object>) => unknown, RegExp]>([
    ['no guard', () => actAs({}), /needs a guard: what createGuard returned/],
    ['nothing', () => actAs(undefined as never), /needs a guard/],
    ['a copy of a guard with another check', (guard) => actAs({ ...guard, check: () => ({}) }), /needs a guard/],
    ['scope', (guard) => actAs(guard)({ scope: 'a' } as never), /as\(\): has scope\. Write scopes/],
    ['an unknown member', (guard) => actAs(guard)({ role: ['admin'] } as never), /as\(\): has role, .*did you mean roles\?/],
    ['an unknown default', (guard) => actAs(guard, { user: 'ada' } as never), /actAs\(guard, defaults\): has user/],
    ['claims that are no JSON', (guard) => actAs(guard)({ claims: { big: 1n } }), /claims: no JWT can contain them/],
  ])('%s', (_name, call, message) => {
    expect(() => call(guardWith())).toThrow(message);
  });

  test('says which claim the guard requires, and where a function reads scopes', () => {
    const tenants = guardWith({ requiredClaims: ['tenant'] });
    expect(() => actAs(tenants)()).toThrow('the guard requires the claim tenant. Write as({ claims: { tenant: ... } })');
    const reading = guardWith({ scopesClaim: (claims) => (claims['permissions'] ?? []) as string[] });
    expect(() => actAs(reading)({ scopes: ['a'] })).toThrow(/scopes: the option scopesClaim is a function/);
    expect(() => actAs(reading)({ scopes: ['a'], claims: { permissions: ['a'] } })).not.toThrow();
  });
});

describe('rule 275: production', () => {
  test('the kit does not load', () => {
    const script = "import('@tokenward/testing').then(() => console.log('loaded'), (error) => console.log(error.message))";
    const run = (env: string) =>
      spawnSync(process.execPath, ['-e', script], { cwd: import.meta.dirname, env: { ...process.env, NODE_ENV: env }, encoding: 'utf8' }).stdout;
    // `set NODE_ENV=production && node app.js` on Windows sets a blank
    for (const env of ['production', 'production ', ' Production']) expect(run(env)).toMatch(/NODE_ENV is "production"/);
    expect(run('test')).toBe('loaded\n');
  });

  test('actAs and as throw, and a ticket from before is refused', async () => {
    const guard = guardWith();
    const as = actAs(guard);
    const headers = as();
    vi.stubEnv('NODE_ENV', 'production');
    try {
      expect(() => actAs(guard)).toThrow('NODE_ENV is "production"');
      expect(() => as()).toThrow('NODE_ENV is "production"');
      expect(await ask(guard, headers)).toMatchObject({ outcome: 'deny', status: 401 });
      vi.stubEnv('NODE_ENV', 'Production ');
      expect(() => as()).toThrow('NODE_ENV is "production"');
      expect(await ask(guard, headers)).toMatchObject({ outcome: 'deny', status: 401 });
      const method = (guardWith() as never)[Symbol.for('tokenward.actInTests')] as () => unknown;
      expect(() => method()).toThrow('NODE_ENV is "production"');
    } finally {
      vi.unstubAllEnvs();
    }
    expect(await ask(guard, headers)).toMatchObject({ outcome: 'allow' });
  });

  test('a guard that no test has called refuses every ticket, whoever issued it', async () => {
    const [guard, other] = [guardWith(), guardWith()];
    const foreign = actAs(other)();
    expect(await ask(guard, foreign)).toMatchObject({ outcome: 'deny', reason: 'malformed_token' });
    actAs(guard);
    expect(await ask(guard, foreign)).toMatchObject({ outcome: 'deny', reason: 'malformed_token' });
  });

  test('ten thousand tickets are kept, and the oldest unused one is then dropped', async () => {
    const guard = guardWith();
    const as = actAs(guard);
    const [oldest, used] = [as(), as()];
    for (let count = 0; count < 9_999; count++) as();
    expect(await ask(guard, oldest)).toMatchObject({ outcome: 'deny' });
    expect(await ask(guard, used)).toMatchObject({ outcome: 'allow' });
  });
});
