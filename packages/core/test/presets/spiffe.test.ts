import { describe, expect, test } from 'vitest';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.spiffe;

describe('spiffe', () => {
  test('accepts JWT-SVIDs of the trust domain', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('spiffe'), token));
    expect(auth).toMatchObject({ subject: 'spiffe://example.org/ns/shop/sa/web', issuer: 'spiffe://example.org', audience: ['orders'] });
  });

  test('accepts the listed workloads alone', async () => {
    const listed = optionsOf('spiffe', { workloads: ['spiffe://example.org/ns/shop/sa/web'] });
    expect(verdictOf(await decide(listed, token))).toBe('allow');
    await expectRefusals(listed, [
      ['another workload', changed(token, { sub: 'spiffe://example.org/ns/shop/sa/web2' }), 'invalid_claim'],
      ['a workload under it', changed(token, { sub: 'spiffe://example.org/ns/shop/sa/web/x' }), 'invalid_claim'],
    ]);
  });

  test('refuses look-alikes', async () => {
    await expectRefusals(optionsOf('spiffe'), [
      ['another trust domain', changed(token, { sub: 'spiffe://example.com/ns/shop/sa/web' }), 'issuer_mismatch'],
      ['no aud', changed(token, { aud: undefined }), 'audience_mismatch'],
      ['another aud', changed(token, { aud: ['orders2'] }), 'audience_mismatch'],
      ['a service account of Kubernetes', providers.kubernetes.token, 'issuer_mismatch'],
    ]);
    expect(verdictOf(await decide(optionsOf('spiffe'), changed(token, {}, { typ: 'at+jwt' })))).toBe('wrong_type');
    // a JWT-SVID need not have it
    const undated = changed(token, { iat: undefined });
    expect(verdictOf(await decide(optionsOf('spiffe'), undated))).toBe('missing_claim');
    expect(verdictOf(await decide(optionsOf('spiffe', { unsafeAcceptTokensWithoutIssuedAt: true }), undated))).toBe('allow');
  });

  test.each<[object, RegExp]>([
    [{ trustDomain: 'spiffe://example.org' }, /^trustDomain: must be the name of a trust domain/],
    [{ trustDomain: 'Example.org' }, /^trustDomain: must be/],
    [{ workloads: ['spiffe://other.org/web'] }, /^workloads: must be a list of SPIFFE IDs of the trust domain/],
    [{ workloads: ['spiffe://example.org/ns/*'] }, /^workloads: must be a list/],
    [{ profile: 'rfc9068' }, /^profile: is set by spiffe\(\) itself/],
    [{ jwks: undefined }, /^jwksUri: is missing: set it to the address of the trust bundle/],
    [{ audience: undefined }, /^audience: is missing/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
