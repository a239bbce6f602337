import { describe, expect, test } from 'vitest';
import {
  allDocumented,
  anyDocumented,
  code,
  documentedAlternatives,
  documentedInWords,
  theNames,
  type DocumentedPolicy,
  type TokenAlternative,
} from './documented.js';
import { combine } from './combinations.js';
import { acr, anyOf, issuedBy, maxAge, role, scope } from './constructors.js';
import { documentedPolicy } from './evaluate.js';
import type { Policy } from './policy.js';

const X = 'https://x.example.com';
const Y = 'https://y.example.com';
const Z = 'https://z.example.com';

const scopes = (...names: string[]): DocumentedPolicy => documentedAlternatives([{ scopes: names }], names.join('+'));
const issuers = (...names: string[]): DocumentedPolicy => documentedAlternatives([{ issuers: names }], 'an issuer');
const condition = documentedInWords('a condition');

/** An alternative in short: `a b of X ...`, with three dots if it is partial. */
function short({ scopes: names, issuers: of, isPartial }: TokenAlternative): string {
  return [...names, ...(of ? ['of', ...of.map((name) => name.slice(8, 9).toUpperCase())] : []), ...(isPartial ? ['...'] : [])].join(' ');
}

function alternativesOf({ alternatives }: DocumentedPolicy): readonly string[] {
  return alternatives.map(short);
}

test('rule 250: a policy that OpenAPI cannot express is a partial alternative', () => {
  expect(condition).toEqual({ alternatives: [{ scopes: [], issuers: undefined, isPartial: true }], words: 'a condition', refusals: ['insufficient_scope'] });
  expect(documentedInWords('a login', 'insufficient_user_authentication').refusals).toEqual(['insufficient_user_authentication']);
});

test('rule 250: alternatives of scopes and issuers are not partial', () => {
  expect(documentedAlternatives([{ scopes: ['a'] }, { issuers: [X] }], 'words')).toEqual({
    alternatives: [
      { scopes: ['a'], issuers: undefined, isPartial: false },
      { scopes: [], issuers: [X], isPartial: false },
    ],
    words: 'words',
    refusals: ['insufficient_scope'],
  });
});

describe('rule 250: all parts are needed', () => {
  test.each<[string, readonly DocumentedPolicy[], readonly string[]]>([
    ['one part', [scopes('a')], ['a']],
    ['scopes, each once', [scopes('a', 'b'), scopes('b', 'c')], ['a b c']],
    ['alternatives multiply', [anyDocumented([scopes('a'), scopes('b')]), anyDocumented([scopes('c'), scopes('d')])], ['a c', 'a d', 'b c', 'b d']],
    ['an alternative that another one contains', [anyDocumented([scopes('a'), scopes('b')]), scopes('a')], ['a']],
    ['the first part is partial', [condition, scopes('a')], ['a ...']],
    ['the second part is partial', [scopes('a'), condition], ['a ...']],
    ['issuers of the first part', [issuers(X), scopes('a')], ['a of X']],
    ['issuers of the second part', [scopes('a'), issuers(X)], ['a of X']],
    ['issuers that both parts accept', [issuers(X, Y), issuers(Y, Z)], ['of Y']],
    ['no issuer that both parts accept', [scopes('a'), issuers(X), issuers(Y), scopes('b')], ['a b of X ...']],
    ['an alternative with no issuer that both parts accept', [documentedAlternatives([{ issuers: [X] }, { scopes: ['a'] }], ''), issuers(Y)], ['a of Y']],
  ])('%s', (_name, parts, expected) => {
    expect(alternativesOf(allDocumented(parts))).toEqual(expected);
  });

  const choice = (at: number, count: number): DocumentedPolicy =>
    documentedAlternatives(
      Array.from({ length: count }, (_, n) => ({ scopes: ['all', `s${at}-${n}`] })),
      'one',
    );

  test('sixteen alternatives stand, and more become the scopes that every token needs', () => {
    expect(alternativesOf(allDocumented([choice(0, 4), choice(1, 4)]))).toHaveLength(16);
    expect(alternativesOf(allDocumented([scopes('a'), choice(0, 4), choice(1, 5), scopes('b', 'a')]))).toEqual(['a all b ...']);
  });

  test('the answers of all parts, each once', () => {
    const login = documentedInWords('a login', 'insufficient_user_authentication');
    expect(allDocumented([login, scopes('a'), login]).refusals).toEqual(['insufficient_user_authentication', 'insufficient_scope']);
    expect(allDocumented([login]).refusals).toEqual(['insufficient_user_authentication']);
  });
});

describe('rule 250: one part is enough', () => {
  test.each<[string, readonly DocumentedPolicy[], readonly string[]]>([
    ['alternatives add up', [scopes('a'), scopes('b', 'c')], ['a', 'b c']],
    ['an alternative that demands more', [scopes('a', 'b'), scopes('a')], ['a']],
    ['equal alternatives', [scopes('a', 'b'), scopes('b', 'a'), scopes('c')], ['a b', 'c']],
    ['an alternative for some issuers, and the same for all', [allDocumented([scopes('a'), issuers(X)]), scopes('a')], ['a']],
    ['more issuers', [issuers(X), issuers(X, Y)], ['of X Y']],
    ['other issuers', [issuers(X, Y), issuers(Y, Z)], ['of X Y', 'of Y Z']],
    ['more scopes for some issuers', [allDocumented([scopes('a'), issuers(X)]), scopes('a', 'b')], ['a of X', 'a b']],
    ['a partial alternative makes no other superfluous', [condition, scopes('a')], ['...', 'a']],
    ['a complete alternative makes a partial one with more superfluous', [allDocumented([scopes('a'), condition]), scopes('a')], ['a']],
    ['equal partial alternatives', [condition, documentedInWords('another')], ['...']],
    [
      'equal partial alternatives with scopes',
      [allDocumented([scopes('a'), condition]), allDocumented([scopes('a'), documentedInWords('another')])],
      ['a ...'],
    ],
    ['partial alternatives with more scopes', [condition, allDocumented([scopes('a'), condition])], ['...', 'a ...']],
    ['partial alternatives with other scopes', [allDocumented([scopes('a'), condition]), allDocumented([scopes('b'), condition])], ['a ...', 'b ...']],
    ['partial alternatives of other issuers', [allDocumented([issuers(X), condition]), allDocumented([issuers(Y), condition])], ['of X ...', 'of Y ...']],
  ])('%s', (_name, parts, expected) => {
    expect(alternativesOf(anyDocumented(parts))).toEqual(expected);
  });

  test('sixteen alternatives stand, and more become the scopes that all of them have', () => {
    const many = Array.from({ length: 17 }, (_, at) => scopes('a', `s${at}`, 'b'));
    expect(alternativesOf(anyDocumented(many.slice(1)))).toHaveLength(16);
    expect(alternativesOf(anyDocumented(many))).toEqual(['a b ...']);
    expect(alternativesOf(anyDocumented([...many, scopes('a', 'c')]))).toEqual(['a ...']);
  });
});

test('rule 250: a login of some kind is a step-up, and a policy of another copy of this package is documented all the same', () => {
  const refusals = ['insufficient_user_authentication'];
  expect(documentedPolicy(acr('gold', 'silver'))).toMatchObject({ words: 'a login with the acr `gold` or `silver`', refusals });
  expect(documentedPolicy(maxAge(60))).toMatchObject({ words: 'a login at most 60 seconds ago', refusals });
  expect(documentedPolicy(issuedBy(X, Y)).words).toBe(`a token of the issuer \`${X}\` or \`${Y}\``);
  const unknown = Object.assign(Object.create(Object.getPrototypeOf(scope('a')) as object) as Policy, { kind: 'unknown' });
  expect(documentedPolicy(unknown)).toEqual(documentedInWords('a condition of this API'));
});

test('rule 253: the documented refusals are those that the guards of a route answer', () => {
  const refusalsOf = (...policies: readonly Policy[]) => documentedPolicy(combine(policies)!).refusals;
  const stepUp = 'insufficient_user_authentication';
  expect(refusalsOf(acr('gold', 'silver'), acr('silver'), maxAge(60))).toEqual([stepUp]);
  expect(refusalsOf(anyOf(acr('gold'), role('r')), acr('silver'))).toEqual([stepUp, 'insufficient_scope']);
  // the first guard asks for a login that another one refuses
  expect(refusalsOf(acr('gold'), acr('silver'))).toEqual([stepUp, 'insufficient_scope']);
  expect(refusalsOf(anyOf(acr('gold'), acr('silver')), acr('iron'))).toEqual([stepUp, 'insufficient_scope']);
  // asks for the scope, which is enough
  expect(refusalsOf(anyOf(acr('gold'), scope('a')))).toEqual(['insufficient_scope']);
  expect(refusalsOf(anyOf(maxAge(60), anyOf(scope('a'), combine([scope('b', 'c')])!)), role('r'))).toEqual(['insufficient_scope']);
  expect(refusalsOf(anyOf(acr('gold'), scope('a')), maxAge(60))).toEqual(['insufficient_scope', stepUp]);
  // the scope alone is not enough
  expect(refusalsOf(anyOf(acr('gold'), combine([scope('a'), role('r')])!))).toEqual([stepUp, 'insufficient_scope']);
  expect(refusalsOf(anyOf(acr('gold'), combine([scope('a'), issuedBy(X)])!))).toEqual([stepUp, 'insufficient_scope']);
});

describe('rule 250: words', () => {
  test('parts that are combined themselves stand in parentheses', () => {
    const either = anyDocumented([documentedInWords('this'), documentedInWords('that')]);
    expect(either.words).toBe('this or that');
    expect(allDocumented([either]).words).toBe('this or that');
    expect(allDocumented([either, documentedInWords('more'), allDocumented([documentedInWords('hands'), documentedInWords('order')])]).words).toBe(
      '(this or that) and more and (hands and order)',
    );
  });

  test('names', () => {
    expect(theNames('scope', ['a'])).toBe('the scope `a`');
    expect(theNames('scope', ['a', 'b', 'c'])).toBe('the scopes `a` and `b` and `c`');
    expect(theNames('role', ['a', 'b'], 'or')).toBe('the role `a` or `b`');
    expect(theNames('role', ['a'], 'or')).toBe('the role `a`');
  });

  test('a name is code whatever it contains', () => {
    expect(['plain', 'a`b', '``', '`a``b`'].map(code)).toEqual(['`plain`', '`` a`b ``', '``` `` ```', '``` `a``b` ```']);
  });
});
