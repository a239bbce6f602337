import { describe, expect, test } from 'vitest';
import { OptionReader } from '../lib/option-reader.js';
import { isImplied, readScopeHierarchy, type ScopeHierarchy } from './scope-hierarchy.js';

function read(scopes: unknown): { readonly hierarchy: ScopeHierarchy | undefined; readonly problems: readonly string[] } {
  const reader = new OptionReader({ scopes }, ['scopes']);
  const hierarchy = readScopeHierarchy(reader, 'scopes');
  return { hierarchy, problems: reader.problems.map(({ path, message }) => `${path} ${message}`) };
}

function implies(scopes: unknown, held: string, name: string): boolean {
  const { hierarchy, problems } = read(scopes);
  expect(problems).toEqual([]);
  return isImplied([held], name, hierarchy);
}

describe('a hierarchy of scopes', () => {
  test('a scope implies those in its list, and nothing else', () => {
    const scopes = { 'orders:admin': ['orders:read', 'orders:write'], other: ['thing'] };
    expect(implies(scopes, 'orders:admin', 'orders:read')).toBe(true);
    expect(implies(scopes, 'orders:admin', 'orders:write')).toBe(true);
    expect(implies(scopes, 'orders:admin', 'thing')).toBe(false);
    expect(implies(scopes, 'orders:read', 'orders:admin')).toBe(false);
    expect(implies(scopes, 'orders:read', 'orders:write')).toBe(false);
    expect(implies(scopes, 'orders:admin2', 'orders:read')).toBe(false);
    expect(implies(scopes, 'Orders:admin', 'orders:read')).toBe(false);
  });

  test('implications add up along a chain, whatever the order of the option', () => {
    const chain = { c: ['d'], a: ['b'], b: ['c'] };
    for (const name of ['b', 'c', 'd']) expect(implies(chain, 'a', name)).toBe(true);
    expect(implies(chain, 'c', 'b')).toBe(false);
    const diamond = { top: ['left', 'right'], left: ['bottom'], right: ['bottom'], bottom: ['end'] };
    for (const held of ['top', 'left', 'right', 'bottom']) expect(implies(diamond, held, 'end')).toBe(true);
  });

  test('without the option, or with an empty one, nothing is resolved', () => {
    for (const scopes of [undefined, {}, Object.create(null)]) expect(read(scopes)).toEqual({ hierarchy: undefined, problems: [] });
    expect(isImplied(['a'], 'b', undefined)).toBe(false);
  });

  test('rule 97: names such as __proto__ and constructor are scopes like any other, and inherited members imply nothing', () => {
    const scopes: unknown = JSON.parse('{ "__proto__": ["constructor"], "constructor": ["toString"] }');
    expect(implies(scopes, '__proto__', 'constructor')).toBe(true);
    expect(implies(scopes, '__proto__', 'toString')).toBe(true);
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) expect(implies({ a: ['b'] }, 'a', name)).toBe(false);
    for (const name of ['__proto__', 'constructor', 'toString', 'get']) expect(implies({ a: ['b'] }, name, 'b')).toBe(false);
    expect(read({ __proto__: { admin: ['read'] } }).problems).toEqual([expect.stringMatching(/^scopes must be a plain object/)]);
  });

  test('a cycle is refused with its path', () => {
    expect(read({ a: ['a'] }).problems).toEqual(['scopes has a cycle: a -> a. Remove one of these implications']);
    expect(read({ x: ['a'], a: ['b', 'q'], b: ['c'], c: ['a'] }).problems).toEqual(['scopes has a cycle: a -> b -> c -> a. Remove one of these implications']);
    const ring = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`s${at}`, [`s${(at + 1) % 100}`]]));
    expect(read(ring).problems).toEqual(['scopes has a cycle: s0 -> s1 -> s2 -> s3 -> s4 -> s5 -> s6 -> ... -> s0. Remove one of these implications']);
    expect(read(ring).hierarchy).toBeUndefined();
  });

  test('a name in a cycle is shown only if it looks like a scope', () => {
    const secret = 'pL4nT3d-S3cr3t-xY7zQ9wK2mN8vB5';
    expect(read({ [secret]: [secret] }).problems.join()).not.toContain('S3cr3t');
  });

  test('10,000 implications are resolved at once, and more are refused', () => {
    const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `s${at}`);
    expect(implies({ admin: names(10_000) }, 'admin', 's9999')).toBe(true);
    expect(read({ admin: names(10_001) }).problems).toEqual(['scopes has more than 10000 implications. List fewer scopes']);
    const chain = (count: number): object => Object.fromEntries(names(count).map((name, at) => [name, [`s${at + 1}`]]));
    expect(implies(chain(140), 's0', 's140')).toBe(true);
    // as deep as a recursive search would not go
    expect(read(chain(10_000)).problems).toEqual(['scopes has more than 10000 implications, including those through other scopes. List fewer scopes']);
    const dense = Object.fromEntries(
      names(100)
        .map((name, at) => [name, names(100).slice(at + 1)])
        .filter(([, implied]) => implied!.length > 0),
    );
    expect(implies(dense, 's0', 's99')).toBe(true);
  });

  test.each<[string, unknown, string]>([
    [
      'a list',
      ['orders:admin'],
      "scopes must be a plain object (got a list, an instance of a class, or an object with hidden members). Write { 'orders:admin': ['orders:read'] }",
    ],
    ['a string', 'orders:admin', "scopes must be a plain object (got a string of 12 characters). Write { 'orders:admin': ['orders:read'] }"],
    ['null', null, "scopes must be a plain object (got null). Write { 'orders:admin': ['orders:read'] }"],
    ['a string instead of a list', { a: 'b' }, 'scopes.a must be a list of one or more scopes (got a string of 1 character)'],
    ['an empty list', { a: [] }, 'scopes.a must be a list of one or more scopes (got an empty list)'],
    [
      'several scopes in one item',
      { a: ['b', 'c d'] },
      'scopes.a lists something at index 1 that is not a scope (RFC 6749 s3.3). Write one scope for each item',
    ],
    ['a number', { a: [1] }, 'scopes.a lists something at index 0 that is not a scope (RFC 6749 s3.3). Write one scope for each item'],
    [
      'a hole',
      { a: Object.assign(['b'], { length: 2 }) },
      'scopes.a lists something at index 1 that is not a scope (RFC 6749 s3.3). Write one scope for each item',
    ],
    [
      'several scopes as a name',
      { 'a b': ['c'] },
      'scopes.(a name of 3 characters) is not a scope that a token can contain (RFC 6749 s3.3). Write one scope for each list',
    ],
  ])('%s is refused', (_name, scopes, problem) => {
    expect(read(scopes)).toEqual({ hierarchy: undefined, problems: [problem] });
  });

  test('a huge option of wrong values makes a short error', () => {
    expect(read(Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`s${at}`, at]))).problems).toHaveLength(10);
  });
});
