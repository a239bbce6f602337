import { expect, test } from 'vitest';
import { replicatedProblem } from './replicated-claims.js';

test.each<[object, object]>([
  [{}, { sub: 'user-1' }],
  [{ sub: 'user-1' }, { sub: 'user-1', aud: 'a' }],
  [{ aud: 'a' }, { aud: ['a'] }],
  [{ aud: ['a'] }, { aud: 'a' }],
  [{ aud: ['a', 'b'] }, { aud: ['a', 'b'] }],
])('rule 240: the header %j repeats what is signed: %j', (replicated, claims) => {
  expect(replicatedProblem({ ...replicated }, { ...claims })).toBeUndefined();
});

test.each<[object, object]>([
  [{ sub: 'user-1' }, { sub: 'user-2' }],
  [{ sub: 'user-1' }, {}],
  [{ sub: ['user-1'] }, { sub: 'user-1' }],
  [{ iss: null }, { iss: 'https://login.example.test' }],
  [{ aud: ['a'] }, { aud: ['a', 'b'] }],
  [{ aud: 'a' }, { aud: 'b' }],
])('rule 240: the header %j differs from what is signed: %j', (replicated, claims) => {
  expect(replicatedProblem({ ...replicated }, { ...claims })).toMatch(`repeats ${Object.keys(replicated)[0]} with another value`);
});
