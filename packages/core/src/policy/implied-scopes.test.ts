import { describe, expect, test } from 'vitest';
import { authFrom } from '../../test/auth-from.js';
import { claimRules } from '../../test/claim-rules.js';
import { readScopeHierarchy, type ScopeHierarchy } from '../auth/scope-hierarchy.js';
import type { JsonObject } from '../lib/json.js';
import { OptionReader } from '../lib/option-reader.js';
import { allOf, anyOf, anyScope, not, role, scope } from './constructors.js';
import { evaluatePolicy, sufficientScopes } from './evaluate.js';
import type { Policy } from './policy.js';
import type { PolicyFailure } from './policy-kind.js';

const NOW = 1_700_000_000;
const ISSUER = 'https://login.example.com';
const SCOPES = { 'orders:admin': ['orders:read', 'orders:write'], root: ['orders:admin'] };
const scopeHierarchy = readScopeHierarchy(new OptionReader({ scopes: SCOPES }, ['scopes']), 'scopes');

/** Evaluates a policy for a token with these scopes, with the hierarchy of scopes or without it. */
function evaluate(policy: Policy, scopes: string | readonly string[], hierarchy: ScopeHierarchy | null = scopeHierarchy!): PolicyFailure | undefined {
  const claims = { iss: ISSUER, aud: 'api', iat: NOW, exp: NOW + 600, scope: scopes } as JsonObject;
  const auth = authFrom(claims, claimRules({ issuer: ISSUER, audiences: new Set(['api']) }), NOW);
  return evaluatePolicy(policy, { auth, request: undefined, nowSeconds: NOW, clockSkewSeconds: 30, scopeHierarchy: hierarchy ?? undefined });
}

describe('scopes that imply others', () => {
  test.each<[Policy, string, boolean]>([
    [scope('orders:read'), 'orders:admin', true],
    [scope('orders:read'), 'root', true],
    [scope('orders:read', 'orders:write'), 'root', true],
    [scope('orders:read', 'orders:write'), 'orders:read', false],
    [scope('orders:admin'), 'orders:read orders:write', false],
    [scope('orders:admin'), 'root', true],
    [scope('billing'), 'root', false],
    [anyScope('billing', 'orders:write'), 'root', true],
    [anyScope('billing', 'root'), 'orders:admin', false],
    [allOf(scope('orders:read'), scope('orders:write')), 'orders:admin', true],
    [allOf(scope('orders:read'), scope('billing')), 'orders:admin', false],
    [anyOf(scope('billing'), scope('orders:read')), 'root', true],
    [anyOf(role('auditor'), scope('orders:read')), 'root', true],
  ])('%s is met by "%s": %s', (policy, scopes, isMet) => {
    expect(evaluate(policy, scopes) === undefined).toBe(isMet);
  });

  test.each<[Policy, string | readonly string[], boolean]>([
    [not(scope('orders:read')), 'billing', true],
    [not(scope('orders:read')), 'orders:read', false],
    [not(scope('orders:read')), 'orders:admin', false],
    [not(scope('orders:read')), 'root', false],
    [not(anyScope('billing', 'orders:write')), 'root', false],
    // one text that may be a list: it might contain a scope that implies the negated one
    [not(scope('orders:read')), ['billing,root'], false],
    [not(scope('orders:read')), ['billing,orders:admin'], false],
    [not(scope('orders:read')), ['billing,other'], true],
    [not(not(scope('orders:read'))), 'root', true],
    [not(not(scope('orders:read'))), 'billing', false],
    [not(allOf(scope('orders:read'), scope('orders:write'))), 'orders:admin', false],
  ])('%s with the scopes %j admits: %s', (policy, scopes, isMet) => {
    expect(evaluate(policy, scopes) === undefined).toBe(isMet);
  });

  test('the same tokens are refused without the hierarchy', () => {
    expect(evaluate(scope('orders:read'), 'orders:admin root', null)).toMatchObject({ reason: 'insufficient_scope' });
    expect(evaluate(not(scope('orders:read')), 'orders:admin root', null)).toBeUndefined();
  });

  test('rule 102: the challenge names the scopes of the policy, and those that the token already has through others', () => {
    expect(evaluate(allOf(scope('orders:read'), scope('billing')), 'orders:admin')?.details.scope).toEqual(['orders:read', 'billing']);
    expect(evaluate(allOf(scope('orders:read'), scope('billing')), 'unrelated')?.details.scope).toEqual(['orders:read', 'billing']);
    expect(evaluate(scope('orders:admin'), 'orders:read')?.details.scope).toEqual(['orders:admin']);
    expect(sufficientScopes(scope('orders:read'))).toEqual(['orders:read']);
  });

  test('a token with the scopes of its challenge satisfies the policy', () => {
    const policies = [
      scope('orders:admin', 'x'),
      anyScope('orders:admin', 'x'),
      allOf(scope('orders:write'), anyOf(scope('root'), scope('x')), anyScope('y', 'z')),
    ];
    for (const policy of policies) {
      for (const held of ['', 'orders:admin', 'root', 'x', 'y']) {
        const failure = evaluate(policy, held);
        const next = failure?.details.scope?.join(' ') ?? held;
        // alternatives may take a step each
        expect(evaluate(policy, next), `${String(policy)} with ${held}, then ${next}`).toBeUndefined();
      }
    }
  });
});
