import { createResourceGuard, scope, TokenEndedError, type Deny, type GuardOptions, type IssuerOptions, type ProtectedRequest } from '@tokenward/core';
import { createTestClock, createTestIssuer, type TestIssuer } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, createScene, expectAllowed, verdictOf } from './guarded.js';
import { createKeyFile, fileLayouts, jwksOf } from './key-files.js';

const READ = scope('orders:read');

function requestOf(token: string): ProtectedRequest {
  return { method: 'GET', target: '/', headers: { authorization: `Bearer ${token}`, host: 'one.example.test' } };
}

async function newIssuer(): Promise<TestIssuer> {
  const issuer = await createTestIssuer();
  onTestFinished(() => issuer.close());
  return issuer;
}

/** Returns options that include the keys, so that the guard fetches nothing. */
function optionsOf({ issuer, audience, jwks }: TestIssuer): IssuerOptions {
  return { issuer, audience, jwks };
}

describe('rule 163: an issuer withdraws a key', () => {
  test.each([{ tokenCache: undefined }, { tokenCache: false as const }])(
    'refuses its tokens and aborts their signals after a refresh: %j',
    async (options: GuardOptions) => {
      const { guard, issuer, clock } = await createScene({ ...options, keyFetching: { freshSeconds: 60 } });
      const leaked = issuer.jwks.keys[0]!.kid as string;
      const request = requestOf(await issuer.issueToken({ scopes: ['orders:read'], lifetimeSeconds: 86_400 }));
      const { auth } = expectAllowed(await guard.check(request));
      const { signal } = auth!;
      await issuer.rotateKeys();
      const other = requestOf(await issuer.issueToken({ scopes: ['orders:read'], lifetimeSeconds: 86_400 }));
      const { auth: otherAuth } = expectAllowed(await guard.check(other));
      issuer.withdrawKey(leaked);
      clock.advance(50);
      // cached keys are refreshed in the background
      expectAllowed(await guard.check(other));
      await expect.poll(async () => verdictOf(await guard.check(request))).toBe('unknown_key');
      const refusal = guard.permit(auth!, READ);
      expect(refusal).toMatchObject({ outcome: 'deny', status: 401, reason: 'unknown_key' });
      expect((refusal as Deny).explain().summary).toBe('The issuer has no key that can verify the token: its key was withdrawn.');
      await expect.poll(() => signal.aborted).toBe(true);
      expect(signal.reason).toBeInstanceOf(TokenEndedError);
      expect(signal.reason).toMatchObject({ reason: 'key_withdrawn' });
      expect(auth!.signal.aborted).toBe(true);
      expectAllowed(await guard.check(other));
      expectAllowed(guard.permit(otherAuth!, READ));
      expect(otherAuth!.signal.aborted).toBe(false);
    },
  );

  test('aborts the signal of a stream even if no request causes a refresh', async () => {
    const { guard, issuer, clock } = await createScene({ keyFetching: { freshSeconds: 60 } });
    const { signal } = expectAllowed(await ask(guard, await issuer.issueToken({ lifetimeSeconds: 86_400 }))).auth!;
    await issuer.rotateKeys();
    issuer.withdrawKey(issuer.jwks.keys[0]!.kid as string);
    clock.advance(3600);
    await guard.revocations.revoke({ subject: 'makes it look' });
    await expect.poll(() => signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ reason: 'key_withdrawn' });
  });

  test.each(fileLayouts)('refuses its tokens and aborts their signals when the key file is replaced: $name', { timeout: 10_000 }, async (layout) => {
    const issuer = await newIssuer();
    const [first, second] = [await issuer.signingKey(), await issuer.rotateKeys()];
    const { folder, path } = createKeyFile(jwksOf(first), layout);
    const guard = createResourceGuard({ issuer: issuer.issuer, audience: issuer.audience, jwksFile: path });
    onTestFinished(() => guard.close());
    const request = requestOf(await issuer.issueToken({ key: first }));
    const { auth } = expectAllowed(await guard.check(request));
    const { signal } = auth!;
    layout.replace(folder, jwksOf(second));
    await expect.poll(() => signal.aborted, { timeout: 5000 }).toBe(true);
    expect(verdictOf(guard.permit(auth!, READ))).toBe('unknown_key');
    expect(verdictOf(await guard.check(request))).toBe('unknown_key');
  });

  test('without usable keys, permit answers 503 and starts a refresh, and no signal aborts', async () => {
    const { guard, issuer, clock } = await createScene({ keyFetching: { freshSeconds: 60, staleSeconds: 60 } });
    const { auth } = expectAllowed(await ask(guard, await issuer.issueToken({ scopes: ['orders:read'], lifetimeSeconds: 86_400 })));
    const { signal } = auth!;
    clock.advance(600);
    expect(guard.permit(auth!, READ)).toMatchObject({ outcome: 'deny', status: 503, reason: 'keys_unavailable' });
    await expect.poll(() => verdictOf(guard.permit(auth!, READ))).toBe('allow');
    issuer.misbehave('error');
    clock.advance(600);
    expect(verdictOf(guard.permit(auth!, READ))).toBe('keys_unavailable');
    await guard.revocations.revoke({ subject: 'makes it look' });
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(signal.aborted).toBe(false);
  });
});

describe('rule 163: a resolver removes an issuer', () => {
  async function createTenant(answer: (found: IssuerOptions | undefined) => IssuerOptions | undefined | Promise<IssuerOptions | undefined>) {
    const issuer = await newIssuer();
    const tenants = new Map([[issuer.issuer, optionsOf(issuer)]]);
    const clock = createTestClock();
    const guard = createResourceGuard({ issuers: (name) => answer(tenants.get(name)), clock });
    onTestFinished(() => guard.close());
    const request = requestOf(await issuer.issueToken({ scopes: ['orders:read'], lifetimeSeconds: 86_400 }));
    const auth = expectAllowed(await guard.check(request)).auth!;
    return { guard, request, auth, clock, remove: () => tenants.delete(issuer.issuer) };
  }

  test('refuses its tokens and aborts their signals', async () => {
    const { guard, request, auth, clock, remove } = await createTenant((found) => found);
    const { signal } = auth;
    expectAllowed(guard.permit(auth, READ));
    remove();
    expect(verdictOf(await guard.check(request))).toBe('issuer_mismatch');
    expect(verdictOf(guard.permit(auth, READ, request))).toBe('issuer_mismatch');
    // without the request, the resolver is called only from time to time
    clock.advance(11);
    expect(verdictOf(guard.permit(auth, READ))).toBe('issuer_mismatch');
    await expect.poll(() => signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ reason: 'issuer_removed' });
  });

  test('refuses its tokens and aborts their signals if the resolver returns a promise', async () => {
    const { guard, request, auth, clock, remove } = await createTenant(async (found) => found);
    const { signal } = auth;
    await new Promise((resolve) => setTimeout(resolve, 10));
    remove();
    expect(verdictOf(await guard.check(request))).toBe('issuer_mismatch');
    clock.advance(11);
    await expect.poll(() => verdictOf(guard.permit(auth, READ, request))).toBe('issuer_mismatch');
    await expect.poll(() => signal.aborted).toBe(true);
    expect(signal.reason).toMatchObject({ reason: 'issuer_removed' });
  });

  test('does not end a token if a resolver that needs the request is called without it', async () => {
    const issuer = await newIssuer();
    let hosts = ['one.example.test'];
    const options = optionsOf(issuer);
    const clock = createTestClock();
    const guard = createResourceGuard({ issuers: (_name, request) => (hosts.includes(String(request?.headers['host'])) ? options : undefined), clock });
    onTestFinished(() => guard.close());
    const request = requestOf(await issuer.issueToken({ scopes: ['orders:read'], lifetimeSeconds: 86_400 }));
    const auth = expectAllowed(await guard.check(request)).auth!;
    const { signal } = auth;
    for (let look = 0; look < 3; look++) {
      clock.advance(11);
      expectAllowed(guard.permit(auth, READ));
    }
    await guard.revocations.revoke({ subject: 'makes it look', issuer: issuer.issuer }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(signal.aborted).toBe(false);
    hosts = [];
    expect(verdictOf(guard.permit(auth, READ, request))).toBe('issuer_mismatch');
  });

  test('an evicted issuer does not count as removed', async () => {
    const issuer = await newIssuer();
    const options = optionsOf(issuer);
    const guard = createResourceGuard({ issuers: (name) => (name === issuer.issuer ? options : { ...options, issuer: name }) });
    onTestFinished(() => guard.close());
    const request = requestOf(await issuer.issueToken({ scopes: ['orders:read'] }));
    const { auth } = expectAllowed(await guard.check(request));
    for (let other = 0; other < 1100; other++) await ask(guard, await issuer.issueToken({ claims: { iss: `https://${other}.example.test` } }));
    expectAllowed(guard.permit(auth!, READ));
    expectAllowed(guard.permit(auth!, READ, request));
    expectAllowed(await guard.check(request));
    expect(auth!.signal.aborted).toBe(false);
  });
});
