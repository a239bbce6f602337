import { contradictionIn, misuse, requirementsFor, requirementsOf } from '@tokenward/core/adapter';
import { policy, type RouteRequirements, type ProtectedRequest } from '@tokenward/core';
import { view } from '../call/carrier.js';
import { chainOf, isGuard, marksOf, type Class, type HandlerPolicy, type Mark, type PolicyRequest, type Word } from './marks.js';

/** The requirements of a handler: from all decorators of its method and its class, inherited ones included. */
export interface Rule {
  /** undefined: the handler is open, whatever credentials a request carries. */
  readonly requirements: RouteRequirements | undefined;
  /** Returns the requirements for one request, with the policies that are made from it. */
  requirementsFor(request: object): RouteRequirements;
  /** The name of the guard that decides. */
  readonly guard: string;
  /** Whether the class or the method has a decorator of this package. */
  readonly marked: boolean;
  /** Contradictions among the decorators. A rule with problems admits no call. */
  readonly problems: readonly string[];
}

/** The guard that decides if `@GuardedBy()` names no other. */
export const DEFAULT_GUARD = 'default';

/** Returns the rule of a class's handler. */
export function ruleOf(owner: Class, key: string | symbol): Rule {
  const prototypes = chainOf(owner.prototype as object);
  const ofClass = levelOf(chainOf(owner).map(marksOfClass));
  // from the declaration in effect to those that it overrides
  const ofMethod = levelOf(prototypes.filter((one) => Object.hasOwn(one, key) || marksOf(one, key).length > 0).map((one) => marksOfMethod(one, key)));
  const policies = [...ofClass.policies, ...ofMethod.policies];
  const { problems, ...requirements } = requirementsByWord(ofMethod.word ?? (ofMethod.marked ? 'required' : (ofClass.word ?? 'required')), policies);
  return {
    ...requirements,
    guard: ofMethod.guard ?? ofClass.guard ?? DEFAULT_GUARD,
    marked: ofClass.marked || ofMethod.marked,
    problems: [...ofClass.problems, ...ofMethod.problems, ...problems],
  };
}

/** Returns the rule of a class by itself: for the handshake of a gateway, which has no handler. */
export function ruleOfClass(owner: Class): Rule & { readonly policies: readonly HandlerPolicy[] } {
  const { word, policies, guard, marked, problems } = levelOf(chainOf(owner).map(marksOfClass));
  const requirements = requirementsByWord(word ?? 'required', policies);
  return { ...requirements, guard: guard ?? DEFAULT_GUARD, marked, problems: [...problems, ...requirements.problems], policies };
}

/** CORS preflights need a token, too: they are answered before the guard runs, or refused. */
function requirementsByWord(word: Word, policies: readonly HandlerPolicy[]): Pick<Rule, 'requirements' | 'requirementsFor' | 'problems'> {
  const needed = requirementsOf(
    word === 'optional' ? word : 'required',
    policies.map((one) => (typeof one === 'function' ? UNKNOWN : one)),
  );
  const requirements = word === 'public' ? undefined : needed;
  const contradiction = contradictionIn(policies.filter((one) => typeof one !== 'function'));
  if (contradiction !== undefined) return { requirements, requirementsFor: () => needed, problems: [contradiction] };
  if (policies.every((one) => typeof one !== 'function')) return { requirements, requirementsFor: () => needed, problems: [] };
  const made = requirementsFor<PolicyRequest>(needed.credentials!, policies);
  return { requirements, requirementsFor: (request) => made(policyRequest(view(request))), problems: [] };
}

/** Stands for a policy that is made from the request while there is no request. It refuses. */
const UNKNOWN = policy('made from the request', () => false);

function policyRequest(request: ProtectedRequest): PolicyRequest {
  const params = (request.params ?? {}) as PolicyRequest['params'];
  return new Proxy(request, { get: (seen, name) => (name === 'params' ? params : (Reflect.get(seen, name) as unknown)) }) as PolicyRequest;
}

interface Level {
  readonly word: Word | undefined;
  readonly policies: readonly HandlerPolicy[];
  readonly guard: string | undefined;
  readonly marked: boolean;
  readonly problems: readonly string[];
}

/**
 * Combines the marks of a method or of a class. There is one list for each declaration: first the one in effect, then those that it inherits from.
 * Requirements add up. Only the declaration in effect can loosen them.
 */
function levelOf(declarations: readonly (readonly Mark[])[]): Level {
  const marks = declarations.flat();
  const words = new Set([...wordsOf(declarations[0] ?? []), ...(marks.some((one) => 'word' in one && one.word === 'required') ? ['required' as const] : [])]);
  const guards = new Set(marks.flatMap((one) => ('guard' in one ? [one.guard] : [])));
  const policies = policiesOf(marks);
  const problems: string[] = [];
  if (words.has('public') && (words.size > 1 || policies.length > 0))
    problems.push('is @Public() and has requirements, its own or inherited ones. Remove one of the two');
  else if (words.has('optional') && declarations.some(needsToken))
    problems.push('is @OptionalAuth() and requires a token, by @Authenticated() or an inherited decorator. Remove one of the two');
  if (guards.size > 1) problems.push(`is @GuardedBy() several guards: ${[...guards].join(', ')}. Name one`);
  const needsOne = policies.length > 0 || guards.size > 0 ? 'required' : undefined;
  return { word: strictest(words) ?? needsOne, policies, guard: [...guards][0], marked: marks.length > 0, problems };
}

/** Policies require a token. With `@OptionalAuth()` they apply only to requests that carry one. */
function needsToken(marks: readonly Mark[]): boolean {
  const words = new Set(wordsOf(marks));
  return words.has('required') || (policiesOf(marks).length > 0 && !words.has('optional'));
}

function wordsOf(marks: readonly Mark[]): Word[] {
  return marks.flatMap((one) => ('word' in one ? [one.word] : []));
}

function policiesOf(marks: readonly Mark[]): HandlerPolicy[] {
  return marks.flatMap((one) => ('policy' in one ? [one.policy] : []));
}

function strictest(words: ReadonlySet<Word>): Word | undefined {
  return (['required', 'optional', 'public'] as const).find((word) => words.has(word));
}

function marksOfClass(declared: object): readonly Mark[] {
  return withGuard(marksOf(declared), declared);
}

function marksOfMethod(declared: object, key: string | symbol): readonly Mark[] {
  return withGuard(marksOf(declared, key), methodAt(declared, key));
}

/** `@UseGuards(TokenwardGuard)` without a decorator of ours requires a token like `@Authenticated()`. */
function withGuard(marks: readonly Mark[], at: object | undefined): readonly Mark[] {
  const isGuarded = marks.some((one) => !('word' in one) || one.word !== 'public');
  return isGuarded || typeof at !== 'function' || !isGuard(Reflect.getOwnMetadata('__guards__', at)) ? marks : [{ word: 'required' }, ...marks];
}

/**
 * Returns the rule of the handler that Nest is about to run. The method is found by its function, or by its name if something has wrapped the function, as
 * tracing does.
 *
 * @throws ConfigurationError if it is not a method of its class, or if its decorators contradict each other: then it admits no call
 */
export function ruleOfHandler(owner: Class, handler: { readonly name: string }): Rule {
  const known = RULES.get(handler)?.get(owner);
  if (known) return known;
  const key = keyOf(owner, handler);
  if (key === undefined)
    throw misuse(
      owner.name,
      `has no method, or several, that match the handler "${handler.name}", so its requirements are unknown. Let wrappers keep the method's name and metadata`,
    );
  const rule = ruleOf(owner, key);
  if (rule.problems.length > 0) throw misuse(`${owner.name}.${String(key)}`, rule.problems.join('; '));
  if (!RULES.has(handler)) RULES.set(handler, new Map());
  RULES.get(handler)!.set(owner, rule);
  return rule;
}

const RULES = new WeakMap<object, Map<Class, Rule>>();

function keyOf(owner: Class, handler: { readonly name: string }): string | symbol | undefined {
  const levels = chainOf(owner.prototype as object);
  const keys = levels.flatMap((level) => Reflect.ownKeys(level).filter((key) => methodAt(level, key) === handler));
  if (keys.length > 0) return new Set(keys).size === 1 ? keys[0] : undefined;
  if (STAND_INS.get(handler)?.has(owner)) return STAND_INS.get(handler)!.get(owner);
  const method = levels.map((level) => methodAt(level, handler.name)).find((one) => typeof one === 'function');
  return method && isSameHandler(method, handler) ? handler.name : undefined;
}

/** Functions that instances have in place of a method, and that method by class: undefined if a function replaces several methods. */
const STAND_INS = new WeakMap<object, Map<Class, string | undefined>>();

/** Records a function that an instance has in place of a method. It gets the method's rule, whatever its own name is. */
export function rememberStandIn(owner: Class, key: string, handler: object): void {
  const keys = STAND_INS.get(handler) ?? new Map<Class, string | undefined>();
  STAND_INS.set(handler, keys.set(owner, keys.has(owner) && keys.get(owner) !== key ? undefined : key));
}

function methodAt(level: object, key: string | symbol): object | undefined {
  return Object.getOwnPropertyDescriptor(level, key)?.value as object | undefined;
}

/** Returns whether a wrapper carries the method's metadata of Nest. An equal name is not enough. */
function isSameHandler(method: object, handler: object): boolean {
  const keys = ['path', 'method', '__version__', 'microservices:pattern', 'message', 'graphql:resolver_type', 'graphql:resolver_name'];
  const [known, shown] = [method, handler].map((one) => keys.map((key) => Reflect.getMetadata(key, one) as unknown));
  return known!.some((value) => value !== undefined) && JSON.stringify(known) === JSON.stringify(shown);
}
