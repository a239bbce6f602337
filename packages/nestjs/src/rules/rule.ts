import { misuse, requirementsFor, requirementsOf, type RoutePolicy } from '@tokenward/core/adapter';
import 'reflect-metadata';
import { policy, type RouteRequirements, type ProtectedRequest } from '@tokenward/core';
import { view } from '../call/carrier.js';

/** What one decorator says of a class or a handler. */
export type Mark = { readonly word: Word } | { readonly policy: HandlerPolicy } | { readonly guard: string };

/** A call's request as a function of `@Policies()` sees it. */
export interface PolicyRequest extends ProtectedRequest {
  /** Of the route that was matched; of calls that have none, nothing. */
  readonly params: Readonly<Record<string, string>>;
}

/** A policy, or a function that makes one of the request at hand. */
export type HandlerPolicy = RoutePolicy<PolicyRequest>;

type Word = 'public' | 'optional' | 'required';

/** What a handler needs, once all decorators of its class and its method, and of those that they inherit from, were read. */
export interface Rule {
  /** `undefined`: nothing, whatever credentials are sent. */
  readonly access: RouteRequirements | undefined;
  /** What it needs of one request: the same, with the policies that are made of that request. */
  requirementsFor(request: object): RouteRequirements;
  /** The name of the guard that decides. */
  readonly guard: string;
  /** Whether any decorator said something. */
  readonly marked: boolean;
  /** What contradicts itself. A rule that has problems admits nobody. */
  readonly problems: readonly string[];
}

/** The name of the guard that decides where no other is named. */
export const DEFAULT_GUARD = 'default';

const MARKS = Symbol.for('tokenward.marks');

/** On the guard's class, in whichever copy of this package. */
export const GUARD: unique symbol = Symbol.for('tokenward.guard') as never;

type Class = abstract new (...parameters: never[]) => unknown;

/** Adds a mark to a class, or to the method of a prototype: there, and not on its function, which other decorators may replace. */
export function mark(target: object, key: string | symbol | undefined, added: Mark): void {
  // decorators are applied from the last to the first
  const marks = [added, ...marksOf(target, key)];
  if (key === undefined) Reflect.defineMetadata(MARKS, marks, target);
  else Reflect.defineMetadata(MARKS, marks, target, key);
}

/** What a handler of a class needs. */
export function ruleOf(owner: Class, key: string | symbol): Rule {
  const prototypes = chainOf(owner.prototype as object);
  const ofClass = levelOf(chainOf(owner).map(demandsOfClass));
  // from the declaration that stands to those that it overrides
  const ofMethod = levelOf(prototypes.filter((one) => Object.hasOwn(one, key) || marksOf(one, key).length > 0).map((one) => demandsOfMethod(one, key)));
  const policies = [...ofClass.policies, ...ofMethod.policies];
  return {
    ...accessBy(ofMethod.word ?? (ofMethod.marked ? 'required' : (ofClass.word ?? 'required')), policies),
    guard: ofMethod.guard ?? ofClass.guard ?? DEFAULT_GUARD,
    marked: ofClass.marked || ofMethod.marked,
    problems: [...ofClass.problems, ...ofMethod.problems],
  };
}

/** What a class needs of those who come to it without a handler: a gateway's handshake. */
export function ruleOfClass(owner: Class): Rule & { readonly policies: readonly HandlerPolicy[] } {
  const { word, policies, guard, marked, problems } = levelOf(chainOf(owner).map(demandsOfClass));
  return { ...accessBy(word ?? 'required', policies), guard: guard ?? DEFAULT_GUARD, marked, problems, policies };
}

/** A preflight has no place at a handler: what answers preflights stands ahead of it. */
function accessBy(word: Word, policies: readonly HandlerPolicy[]): Pick<Rule, 'access' | 'requirementsFor'> {
  const needed = requirementsOf(
    word === 'optional' ? word : 'required',
    policies.map((one) => (typeof one === 'function' ? UNMADE : one)),
  );
  const access = word === 'public' ? undefined : needed;
  if (policies.every((one) => typeof one !== 'function')) return { access, requirementsFor: () => needed };
  const made = requirementsFor<PolicyRequest>(needed.credentials!, policies);
  return { access, requirementsFor: (request) => made(policyRequest(view(request))) };
}

/** Stands for a policy that is made of the request, where there is none: it refuses. */
const UNMADE = policy('made of the request', () => false);

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
 * What the marks of one level say together, method or class: one list for each declaration, from the one that stands to those that it inherits
 * from. All of them add what is needed; what loosens is heard of the first alone.
 */
function levelOf(declarations: readonly (readonly Mark[])[]): Level {
  const marks = declarations.flat();
  const words = new Set([...wordsOf(declarations[0] ?? []), ...(marks.some((one) => 'word' in one && one.word === 'required') ? ['required' as const] : [])]);
  const guards = new Set(marks.flatMap((one) => ('guard' in one ? [one.guard] : [])));
  const policies = policiesOf(marks);
  const problems: string[] = [];
  if (words.has('public') && (words.size > 1 || policies.length > 0)) problems.push('is @Public() and has requirements, too: its own, or inherited ones');
  else if (words.has('optional') && declarations.some(needsToken))
    problems.push('is @OptionalAuth() and needs a token, too: by @Authenticated(), or by what it inherits');
  if (guards.size > 1) problems.push(`is @GuardedBy() several guards: ${[...guards].join(', ')}`);
  const needsOne = policies.length > 0 || guards.size > 0 ? 'required' : undefined;
  return { word: strictest(words) ?? needsOne, policies, guard: [...guards][0], marked: marks.length > 0, problems };
}

/** Beside @OptionalAuth() policies are for the tokens that come; alone they need one. */
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

/** What stands on a class, or on a method where it is declared. */
function marksOf(declared: object, key?: string | symbol): readonly Mark[] {
  const marks = key === undefined ? Reflect.getOwnMetadata(MARKS, declared) : Reflect.getOwnMetadata(MARKS, declared, key);
  return (marks as readonly Mark[] | undefined) ?? [];
}

function demandsOfClass(declared: object): readonly Mark[] {
  return withGuard(marksOf(declared), declared);
}

function demandsOfMethod(declared: object, key: string | symbol): readonly Mark[] {
  return withGuard(marksOf(declared, key), methodAt(declared, key));
}

/** The guard stands there by hand, `@UseGuards(TokenwardGuard)`, and not by a decorator of ours: that wants a token. */
function withGuard(marks: readonly Mark[], at: object | undefined): readonly Mark[] {
  const byUs = marks.some((one) => !('word' in one) || one.word !== 'public');
  return byUs || typeof at !== 'function' || !isGuard(Reflect.getOwnMetadata('__guards__', at)) ? marks : [{ word: 'required' }, ...marks];
}

/** Whether a class itself was decorated. */
export function isMarked(owner: Class): boolean {
  return chainOf(owner).some((one) => marksOf(one).length > 0);
}

/** The methods of a class that were decorated where they stand. */
export function markedMethods(owner: Class): string[] {
  const prototypes = chainOf(owner.prototype as object);
  const keys = new Set(prototypes.flatMap((one) => Reflect.ownKeys(one)));
  return [...keys]
    .filter(
      (key) =>
        marksOf(
          prototypes.find((one) => Object.hasOwn(one, key))!,
          key,
        ).length > 0,
    )
    .map(String);
}

/** Whether the guard itself stands on a class or on a method's function. */
export function isGuarded(at: object): boolean {
  return isGuard(Reflect.getMetadata('__guards__', at));
}

function isGuard(guards: unknown): boolean {
  return Array.isArray(guards) && guards.some((one) => (typeof one === 'function' && GUARD in one) || isGuardInstance(one));
}

/** `@UseGuards(new TokenwardGuard())`: it admits nobody, and is none that Nest would make. */
function isGuardInstance(one: unknown): boolean {
  return typeof one === 'object' && one !== null && GUARD in (one.constructor as object);
}

function chainOf(start: object): object[] {
  const chain: object[] = [];
  for (let at: object | null = start; at !== null && at !== Function.prototype && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    chain.push(at);
  }
  return chain;
}

/**
 * The rule of the handler that Nest is about to run. Its function is looked for by identity, and by name only where something wrapped it on its
 * way to Nest, as tracing does.
 *
 * @throws ConfigurationError where it is no method of its class, or its decorators contradict each other: nobody is admitted to it
 */
export function ruleOfHandler(owner: Class, handler: { readonly name: string }): Rule {
  const known = RULES.get(handler)?.get(owner);
  if (known) return known;
  const key = keyOf(owner, handler);
  if (key === undefined) throw misuse(owner.name, `has no method, or several, that are the handler "${handler.name}", so it is not known what it needs`);
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
  return method && isSameToNest(method, handler) ? handler.name : undefined;
}

/** Functions that stand on an instance in the place of a method, by the class. One that stands for several has no name. */
const STAND_INS = new WeakMap<object, Map<Class, string | undefined>>();

/** Has a function that an instance has in the place of a method be taken for that, whatever it is called. */
export function rememberStandIn(owner: Class, key: string, handler: object): void {
  const keys = STAND_INS.get(handler) ?? new Map<Class, string | undefined>();
  STAND_INS.set(handler, keys.set(owner, keys.has(owner) && keys.get(owner) !== key ? undefined : key));
}

function methodAt(level: object, key: string | symbol): object | undefined {
  return Object.getOwnPropertyDescriptor(level, key)?.value as object | undefined;
}

/** What wraps a handler carries on what Nest knows of it: by that, and not by a name alone, it is the same one. */
function isSameToNest(method: object, handler: object): boolean {
  const keys = ['path', 'method', '__version__', 'microservices:pattern', 'message', 'graphql:resolver_type', 'graphql:resolver_name'];
  const [known, shown] = [method, handler].map((one) => keys.map((key) => Reflect.getMetadata(key, one) as unknown));
  return known!.some((value) => value !== undefined) && JSON.stringify(known) === JSON.stringify(shown);
}
