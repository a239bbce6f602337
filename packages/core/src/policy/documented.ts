import type { Refusal } from '../vocabulary/reason.js';

/** What a document for clients says about a policy. */
export interface DocumentedPolicy {
  /** The ways to satisfy the policy. There is at least one. */
  readonly alternatives: readonly TokenAlternative[];
  /**
   * What a token needs, as a noun phrase in Markdown: "the scope `orders:read`". Clients read it. It contains no value that a claim must have, no name of an
   * actor and no name of a predicate.
   */
  readonly words: string;
  /** The answers that the policy gives to a request with a valid token. */
  readonly refusals: readonly PolicyRefusal[];
}

export type PolicyRefusal = Extract<Refusal, 'insufficient_scope' | 'insufficient_user_authentication'>;

/** One way to satisfy a policy, as far as OpenAPI can express it. */
export interface TokenAlternative {
  readonly scopes: readonly string[];
  /** The issuers whose tokens count. undefined: any. */
  readonly issuers: readonly string[] | undefined;
  /** Whether a token needs more than these scopes. */
  readonly isPartial: boolean;
}

/** More alternatives than a reader can use, and fewer than combined policies can have. */
const MAX_ALTERNATIVES = 16;

/** Documents a policy whose condition no security requirement of OpenAPI expresses. */
export function documentedInWords(words: string, refusal: PolicyRefusal = 'insufficient_scope'): DocumentedPolicy {
  return { alternatives: [{ scopes: [], issuers: undefined, isPartial: true }], words, refusals: [refusal] };
}

/** Documents a policy with the alternatives that express it. */
export function documentedAlternatives(alternatives: readonly Partial<TokenAlternative>[], words: string): DocumentedPolicy {
  return simplified({
    alternatives: alternatives.map((one) => ({ scopes: [], issuers: undefined, isPartial: false, ...one })),
    words,
    refusals: ['insufficient_scope'],
  });
}

/** Documents a policy that requires all of its parts. */
export function allDocumented(parts: readonly DocumentedPolicy[]): DocumentedPolicy {
  let alternatives: readonly TokenAlternative[] = [NOTHING];
  for (const part of parts) {
    const combined = alternatives.flatMap((one) => part.alternatives.flatMap((other) => both(one, other) ?? []));
    // if no token can satisfy both parts, keeps the scopes of the first
    alternatives = combined.length > 0 ? withoutImplied(combined) : alternatives.map((one) => ({ ...one, isPartial: true }));
    if (alternatives.length > MAX_ALTERNATIVES) {
      alternatives = [{ scopes: [...new Set(parts.flatMap((one) => commonScopes(one.alternatives)))], issuers: undefined, isPartial: true }];
      break;
    }
  }
  return { alternatives, words: joined(parts, 'and'), refusals: refusalsOf(parts) };
}

/** Documents a policy that requires one of its parts. */
export function anyDocumented(parts: readonly DocumentedPolicy[]): DocumentedPolicy {
  // a refusal asks for a scope rather than a login, if that is enough
  const refusals = parts.some(needsOnlyScopes) ? (['insufficient_scope'] as const) : refusalsOf(parts);
  return simplified({ alternatives: parts.flatMap((part) => part.alternatives), words: joined(parts, 'or'), refusals });
}

function needsOnlyScopes({ alternatives }: DocumentedPolicy): boolean {
  return alternatives.every(({ scopes, issuers, isPartial }) => scopes.length > 0 && issuers === undefined && !isPartial);
}

const NOTHING: TokenAlternative = { scopes: [], issuers: undefined, isPartial: false };

function simplified(documented: DocumentedPolicy): DocumentedPolicy {
  return { ...documented, alternatives: limited(withoutImplied(documented.alternatives)) };
}

/** Returns undefined if no issuer is left. */
function both(one: TokenAlternative, other: TokenAlternative): TokenAlternative | undefined {
  const issuers = one.issuers && other.issuers ? one.issuers.filter((name) => other.issuers!.includes(name)) : (one.issuers ?? other.issuers);
  if (issuers?.length === 0) return undefined;
  return { scopes: [...new Set([...one.scopes, ...other.scopes])], issuers, isPartial: one.isPartial || other.isPartial };
}

/** Leaves out alternatives that demand more than another one does. One that is partial may demand anything, so it makes no other superfluous. */
function withoutImplied(alternatives: readonly TokenAlternative[]): readonly TokenAlternative[] {
  return alternatives.filter((one, at) => alternatives.every((other, otherAt) => !isImplied(one, other) || (isImplied(other, one) && at <= otherAt)));
}

/** Returns whether every token that satisfies `one` also satisfies `other`, as far as a reader can tell. */
function isImplied(one: TokenAlternative, other: TokenAlternative): boolean {
  if (other.isPartial) return one.isPartial && isSame(one, other);
  return (
    other.scopes.every((name) => one.scopes.includes(name)) &&
    (other.issuers === undefined || one.issuers?.every((name) => other.issuers!.includes(name)) === true)
  );
}

function isSame(one: TokenAlternative, other: TokenAlternative): boolean {
  return one.scopes.length === other.scopes.length && one.scopes.every((name) => other.scopes.includes(name)) && String(one.issuers) === String(other.issuers);
}

/** Too many alternatives become one, with the scopes that all of them have. */
function limited(alternatives: readonly TokenAlternative[]): readonly TokenAlternative[] {
  if (alternatives.length <= MAX_ALTERNATIVES) return alternatives;
  return [{ scopes: commonScopes(alternatives), issuers: undefined, isPartial: true }];
}

function commonScopes(alternatives: readonly TokenAlternative[]): readonly string[] {
  return alternatives[0]!.scopes.filter((name) => alternatives.every(({ scopes }) => scopes.includes(name)));
}

function refusalsOf(parts: readonly DocumentedPolicy[]): readonly PolicyRefusal[] {
  return [...new Set(parts.flatMap(({ refusals }) => refusals))];
}

function joined(parts: readonly DocumentedPolicy[], by: 'and' | 'or'): string {
  if (parts.length === 1) return parts[0]!.words;
  return parts.map(({ words }) => (/ (?:and|or) /.test(words) ? `(${words})` : words)).join(` ${by} `);
}

/** Returns names for people, in Markdown: "the scope `a`", "the scopes `a` and `b`". */
export function theNames(what: string, names: readonly string[], by: 'and' | 'or' = 'and'): string {
  return `the ${names.length === 1 || by === 'or' ? what : `${what}s`} ${names.map(code).join(` ${by} `)}`;
}

/** Returns a name as Markdown code, whatever it contains: the fence is longer than every run of backticks in it. */
export function code(name: string): string {
  const longest = Math.max(0, ...[...name.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest > 0 ? `${fence} ${name} ${fence}` : `${fence}${name}${fence}`;
}
