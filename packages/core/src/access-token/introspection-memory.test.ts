import { expect, test } from 'vitest';
import type { Issuer } from '../issuer/issuer.js';
import { weightOf } from './token-weight.js';
import { createAnswerMemory, type IntrospectedToken } from './introspection-memory.js';
import { VerifiedAuth } from './verified-auth.js';

function token(name: string, claims: Readonly<Record<string, unknown>> = {}): IntrospectedToken {
  const values = { issuer: 'https://login.example.test', subject: name, clientId: undefined, audience: [], scopes: [], roles: [], expiresAt: 1, issuedAt: 0 };
  const all = { iss: 'https://login.example.test', exp: 1, ...claims };
  const auth = new VerifiedAuth(name, { ...values, claims: all, tokenId: undefined, sessionId: undefined, actor: undefined }, all, {
    clockSkewSeconds: 0,
    maxTokenAgeSeconds: undefined,
  });
  const standing = { isActive: true, freshUntilMs: 1, freshUntilSeconds: 1 };
  return { reason: undefined, auth, issuer: {} as Issuer, key: undefined, standing, notBefore: undefined, confirmation: undefined };
}

test('rule 70: the active token that was used least recently is evicted, by number and by size', () => {
  const memory = createAnswerMemory(3, 20_000);
  for (const name of ['a', 'b', 'c']) memory.keep(name, name, token(name));
  memory.active('a');
  memory.keep('d', 'd', token('d'));
  expect(['a', 'b', 'c', 'd'].map((name) => memory.active(name) !== undefined)).toEqual([true, false, true, true]);
  const large = { groups: Array.from({ length: 550 }, (_one, at) => `group-${at}`) };
  memory.keep('e', 'e', token('e', large));
  expect(memory.active('e')).toBeDefined();
  expect(memory.size.active).toBeLessThan(3);
  memory.keep('f', 'f', token('f', { groups: Array.from({ length: 5000 }, () => 'x') }));
  expect(memory.active('f')).toBeUndefined();
  for (const name of ['a', 'c', 'd', 'e']) memory.delete(name);
  expect(memory.size.active).toBe(0);
});

test('rule 70: refused tokens evict no active ones, and a token that becomes active is no longer refused', () => {
  const memory = createAnswerMemory(2);
  memory.keep('active', 'active', token('active'));
  for (const name of ['a', 'b', 'c', 'd']) memory.refuse(name, { reason: 'inactive_token' }, 10);
  expect(memory.size).toEqual({ active: 1, refused: 2 });
  expect([memory.refused('d', 9)?.reason, memory.refused('d', 10)]).toEqual(['inactive_token', undefined]);
  expect(memory.size.refused).toBe(1);
  memory.keep('c', 'c', token('c'));
  expect(memory.refused('c', 0)).toBeUndefined();
});

test('rule 70: a token that is kept again counts once, and one that is too large evicts none', () => {
  const small = token('a');
  const bytes = weightOf('a', small.auth);
  const memory = createAnswerMemory(3, 2 * bytes);
  memory.keep('b', 'b', token('b'));
  for (let times = 0; times < 10; times++) memory.keep('a', 'a', small);
  expect(['a', 'b'].map((name) => memory.active(name) !== undefined)).toEqual([true, true]);
  memory.keep('large', 'large', token('large', { groups: Array.from({ length: 100 }, () => 'x') }));
  expect(['a', 'b', 'large'].map((name) => memory.active(name) !== undefined)).toEqual([true, true, false]);
  memory.keep('c', 'c', token('c'));
  expect(['a', 'b', 'c'].map((name) => memory.active(name) !== undefined)).toEqual([false, true, true]);
  const exact = createAnswerMemory(3, bytes);
  exact.keep('a', 'a', small);
  expect(exact.active('a')).toBeDefined();
});
