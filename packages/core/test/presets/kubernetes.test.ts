import { describe, expect, test } from 'vitest';
import { kubernetes } from '@tokenward/core/presets';
import { expectAllowed, verdictOf } from '../guarded.js';
import { changed, decide, expectRefusals, problemsOf } from './provider-tokens.js';
import { optionsOf, providers } from './shapes.js';

const { token, options } = providers.kubernetes;
const inNamespace = (namespace: string, name = 'my-sa') =>
  changed(token, { sub: `system:serviceaccount:${namespace}:${name}`, 'kubernetes.io': { namespace, serviceaccount: { name } } });
const MOUNTED = '/var/run/secrets/kubernetes.io/serviceaccount';

describe('kubernetes', () => {
  test('accepts tokens of the listed service accounts', async () => {
    const { auth } = expectAllowed(await decide(optionsOf('kubernetes'), token));
    expect(auth).toMatchObject({ subject: 'system:serviceaccount:my-namespace:my-sa', audience: ['orders'] });
    const ofCloud = optionsOf('kubernetes', { clusterIssuer: 'https://oidc.eks.eu-central-1.amazonaws.com/id/ABC' });
    expect(verdictOf(await decide(ofCloud, changed(token, { iss: 'https://oidc.eks.eu-central-1.amazonaws.com/id/ABC' })))).toBe('allow');
  });

  test('accepts tokens of the listed namespaces', async () => {
    const ofNamespaces = optionsOf('kubernetes', { serviceAccounts: undefined, namespaces: ['my-namespace', 'shop'] });
    for (const shape of [token, inNamespace('shop'), inNamespace('shop', 'other')]) expect(verdictOf(await decide(ofNamespaces, shape))).toBe('allow');
    await expectRefusals(ofNamespaces, [
      ['another namespace', inNamespace('shop2'), 'invalid_claim'],
      ['a namespace only in sub', changed(token, { 'kubernetes.io': { serviceaccount: { name: 'my-sa' } } }), 'missing_claim'],
    ]);
  });

  test('refuses look-alikes', async () => {
    const legacy = changed(token, {
      iss: 'kubernetes/serviceaccount',
      aud: undefined,
      exp: undefined,
      iat: undefined,
      'kubernetes.io': undefined,
      'kubernetes.io/serviceaccount/namespace': 'my-namespace',
      'kubernetes.io/serviceaccount/service-account.name': 'my-sa',
    });
    await expectRefusals(optionsOf('kubernetes'), [
      ['a token for the API server', changed(token, { aud: ['https://kubernetes.default.svc.cluster.local'] }), 'audience_mismatch'],
      ['a token of a Secret', legacy, 'issuer_mismatch'],
      ['a token of a Secret with the issuer of the cluster', changed(legacy, { iss: token.claims['iss'], aud: 'orders' }), 'missing_claim'],
      ['another account', inNamespace('my-namespace', 'my-sa2'), 'invalid_claim'],
      ['an account of the same name elsewhere', inNamespace('my-namespace2'), 'invalid_claim'],
      ['a namespace with the name of the account in it', inNamespace('my-namespace:my-sa', 'x'), 'invalid_claim'],
      ['another cluster', changed(token, { iss: 'https://kubernetes.default.svc' }), 'issuer_mismatch'],
    ]);
  });

  test('rule 280: fetches the keys with what Kubernetes mounts, unless they are elsewhere', () => {
    const usual = { audience: 'orders', serviceAccounts: ['a/b'] };
    expect(kubernetes(usual)).toMatchObject({
      jwksUri: 'https://kubernetes.default.svc/openid/v1/jwks',
      keyFetching: { caFile: `${MOUNTED}/ca.crt`, bearerTokenFile: `${MOUNTED}/token` },
    });
    expect(kubernetes({ ...usual, keyFetching: { timeoutSeconds: 2, caFile: '/ca.pem' } }).keyFetching).toEqual({
      caFile: '/ca.pem',
      bearerTokenFile: `${MOUNTED}/token`,
      timeoutSeconds: 2,
    });
    expect(kubernetes({ ...usual, fetch }).keyFetching).toEqual({ bearerTokenFile: `${MOUNTED}/token` });
    for (const elsewhere of [{ keys: 'issuer' as const }, { jwksUri: 'https://keys.example.com/jwks' }, { jwksFile: '/keys.json' }]) {
      const made = kubernetes({ ...usual, clusterIssuer: 'https://container.googleapis.com/v1/x', ...elsewhere });
      expect([made.keyFetching, made.jwksUri]).toEqual([undefined, 'jwksUri' in elsewhere ? elsewhere.jwksUri : undefined]);
    }
  });

  test.each<[object, RegExp]>([
    [{ serviceAccounts: undefined }, /^serviceAccounts: is missing/],
    [{ serviceAccounts: ['my-sa'] }, /^serviceAccounts: must be a list of service accounts such as shop\/web/],
    [{ serviceAccounts: ['my-namespace/*'] }, /^serviceAccounts: must be/],
    [{ serviceAccounts: ['system:serviceaccount:a:b'] }, /^serviceAccounts: must be/],
    [{ namespaces: ['a'] }, /^namespaces: cannot be combined with serviceAccounts/],
    [{ serviceAccounts: undefined, namespaces: ['*'] }, /^namespaces: must be a list of names/],
    [{ keys: 'api' }, /^keys: must be "cluster" or "issuer"/],
    [{ clusterIssuer: 'kubernetes/serviceaccount' }, /^clusterIssuer: is not an absolute URL/],
    [{ audience: undefined }, /^audience: is missing/],
    [{ keyFetching: 5 }, /^keyFetching: must be an object/],
  ])('refuses the options %j', (wrong, message) => {
    expect(problemsOf(() => options(wrong))).toEqual([expect.stringMatching(message)]);
  });
});
