import { createResourceGuard, type GuardOptions, type ResourceGuard } from '@tokenward/core';
import { asSigningKey, createTestIssuer, generatePrivateKey, type SigningKey } from '@tokenward/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask, verdictOf } from './guarded.js';

const [ours, theirs] = ['72f988bf-86f1-41af-91ab-2d7cd011db47', '9188040d-6c67-4c5b-b112-36a304b66dad'];
const TEMPLATE = 'https://login.example.test/{tenant}/v2.0';
const issuer = await createTestIssuer({ algorithm: 'ES256' });
await issuer.close();

/** A set of keys for all tenants, as Entra ID publishes it: most keys are for any tenant, some for only one. */
const [forAnyTenant, forTheirs, unlabelled, odd, blank] = [
  await keyLabelled('any', 'https://login.example.test/{tenantid}/v2.0'),
  await keyLabelled('consumers', issuerOf(theirs)),
  await keyLabelled('bare', undefined),
  await keyLabelled('odd', 'https://other.example.test/{tenantid}/v2.0'),
  await keyLabelled('nobody', ''),
];
const jwks = { keys: [forAnyTenant, forTheirs, unlabelled, odd].map(({ publicJwk }) => publicJwk) };

describe('rule 167: a key verifies only tokens of the issuer in its label', () => {
  test.each<[string, GuardOptions]>([
    ['listed tenants', { issuer: TEMPLATE, tenants: [ours, theirs] }],
    ['any tenant', { issuer: TEMPLATE, unsafeAcceptAnyTenant: true }],
  ])('applies to an issuer with {tenant} and %s', async (_what, options) => {
    const guard = guardOf(options);
    for (const key of [forAnyTenant, unlabelled]) {
      for (const tenant of [ours, theirs]) expect(await verdict(guard, key, tenant)).toEqual(['allow', undefined]);
    }
    expect(await verdict(guard, forTheirs, theirs)).toEqual(['allow', undefined]);
    expect(await verdict(guard, forTheirs, ours)).toEqual(['unknown_key', 'its key is labelled for another issuer']);
    for (const tenant of [ours, theirs]) expect(await verdict(guard, odd, tenant)).toEqual(['unknown_key', 'its key is labelled for another issuer']);
  });

  test('a key with a blank label verifies no token', async () => {
    const keys = [...jwks.keys, blank.publicJwk];
    const fetched: GuardOptions = { jwks: undefined, jwksUri: 'https://login.example.test/keys', fetch: async () => Response.json({ keys }) };
    for (const guard of [guardOf({ issuer: TEMPLATE, tenants: [ours], ...fetched }), guardOf({ issuer: issuerOf(ours), ...fetched })]) {
      expect((await verdict(guard, blank, ours))[0]).toBe('unknown_key');
      expect((await verdict(guard, blank, ours, { kid: undefined }))[0]).toBe('bad_signature');
      expect((await verdict(guard, unlabelled, ours))[0]).toBe('allow');
    }
    expect(() => guardOf({ issuer: issuerOf(ours), jwks: { keys } })).toThrow(/jwks: keys\[4\]: has a blank "issuer"/);
  });

  test('applies to an issuer without {tenant}', async () => {
    const guard = guardOf({ issuer: issuerOf(ours) });
    expect(await verdict(guard, forAnyTenant, ours)).toEqual(['allow', undefined]);
    expect(await verdict(guard, forTheirs, ours)).toEqual(['unknown_key', 'its key is labelled for another issuer']);
    expect((await verdict(guard, forTheirs, theirs))[0]).toBe('issuer_mismatch');
  });

  test('applies to tokens without a kid', async () => {
    const guard = guardOf({ issuer: TEMPLATE, tenants: [ours, theirs] });
    expect((await verdict(guard, forTheirs, theirs, { kid: undefined }))[0]).toBe('allow');
    expect((await verdict(guard, forTheirs, ours, { kid: undefined }))[0]).toBe('bad_signature');
    expect((await verdict(guard, forAnyTenant, ours, { kid: undefined }))[0]).toBe('allow');
  });

  test('explains the refusal by the label', async () => {
    const guard = guardOf({ issuer: issuerOf(ours) });
    const decision = await ask(guard, await tokenBy(forTheirs, ours));
    expect(decision.outcome === 'deny' && decision.explain().summary).toBe(
      'The issuer has no key that can verify the token: its key is labelled for another issuer.',
    );
  });
});

async function keyLabelled(kid: string, label: string | undefined): Promise<SigningKey> {
  return asSigningKey('ES256', await generatePrivateKey('ES256'), kid, label === undefined ? {} : { issuer: label });
}

function issuerOf(tenant: string): string {
  return TEMPLATE.replace('{tenant}', tenant);
}

function tokenBy(key: SigningKey, tenant: string, header: Record<string, unknown> = {}): Promise<string> {
  return issuer.issueToken({ key, header, claims: { iss: issuerOf(tenant), tid: tenant } });
}

async function verdict(guard: ResourceGuard, key: SigningKey, tenant: string, header: Record<string, unknown> = {}): Promise<[string, unknown]> {
  const token = await tokenBy(key, tenant, header);
  // the second time, the token may be cached
  await ask(guard, token);
  const decision = await ask(guard, token);
  return [verdictOf(decision), decision.outcome === 'deny' ? decision.cause : undefined];
}

function guardOf(options: GuardOptions): ResourceGuard {
  const guard = createResourceGuard({ audience: issuer.audience, jwks, ...options });
  onTestFinished(() => guard.close());
  return guard;
}
