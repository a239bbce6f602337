import 'reflect-metadata';
import type { Access, Policy } from '@tokenward/core';
import { accessOf } from '@tokenward/core/adapter';

/** What one decorator says of a class or a handler. */
export type Mark = { readonly word: Word } | { readonly policy: Policy } | { readonly guard: string };
type Word = 'public' | 'optional' | 'required';

/** What a handler needs, once all decorators of its class and its method, and of those that they inherit from, were read. */
export interface Rule {
  /** `undefined`: nothing, whatever credentials are sent. */
  readonly access: Access | undefined;
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
  const own = key === undefined ? Reflect.getOwnMetadata(MARKS, target) : Reflect.getOwnMetadata(MARKS, target, key);
  // decorators are applied from the last to the first
  const marks = [added, ...((own as readonly Mark[] | undefined) ?? [])];
  if (key === undefined) Reflect.defineMetadata(MARKS, marks, target);
  else Reflect.defineMetadata(MARKS, marks, target, key);
}

/** What a handler of a class needs. */
export function ruleOf(owner: Class, key: string | symbol): Rule {
  const ofClass = levelOf(classMarks(owner));
  const ofMethod = levelOf(methodMarks(owner, key));
  const policies = [...ofClass.policies, ...ofMethod.policies];
  return {
    access: accessBy(ofMethod.word ?? (ofMethod.marked ? 'required' : (ofClass.word ?? 'required')), policies),
    guard: ofMethod.guard ?? ofClass.guard ?? DEFAULT_GUARD,
    marked: ofClass.marked || ofMethod.marked,
    problems: [...ofClass.problems, ...ofMethod.problems],
  };
}

/** What a class needs of those who come to it without a handler: a gateway's handshake. */
export function ruleOfClass(owner: Class): Rule {
  const { word, policies, guard, marked, problems } = levelOf(classMarks(owner));
  return { access: accessBy(word ?? 'required', policies), guard: guard ?? DEFAULT_GUARD, marked, problems };
}

/** A preflight has no place at a handler: what answers preflights stands ahead of it. */
function accessBy(word: Word, policies: readonly Policy[]): Access | undefined {
  return word === 'public' ? undefined : accessOf(word, policies);
}

interface Level {
  readonly word: Word | undefined;
  readonly policies: readonly Policy[];
  readonly guard: string | undefined;
  readonly marked: boolean;
  readonly problems: readonly string[];
}

/** What the marks of one level say together, method or class: one list for each declaration, the inherited ones included. */
function levelOf(declarations: readonly (readonly Mark[])[]): Level {
  const marks = declarations.flat();
  const words = new Set(marks.flatMap((one) => ('word' in one ? [one.word] : [])));
  const guards = new Set(marks.flatMap((one) => ('guard' in one ? [one.guard] : [])));
  const policies = policiesOf(marks);
  const problems: string[] = [];
  if (words.has('public') && (words.size > 1 || policies.length > 0)) problems.push('is @Public() and has requirements, too: its own, or inherited ones');
  else if (words.has('optional') && declarations.some(needsToken))
    problems.push('is @OptionalAuth() and needs a token, too: by @Authenticated(), or by what it inherits');
  if (guards.size > 1) problems.push(`is @GuardedBy() several guards: ${[...guards].join(', ')}`);
  return { word: strictest(words), policies, guard: [...guards][0], marked: marks.length > 0, problems };
}

/** Beside @OptionalAuth() policies are for the tokens that come; alone they need one. */
function needsToken(marks: readonly Mark[]): boolean {
  const words = new Set(marks.flatMap((one) => ('word' in one ? [one.word] : [])));
  return words.has('required') || (policiesOf(marks).length > 0 && !words.has('optional'));
}

function policiesOf(marks: readonly Mark[]): Policy[] {
  return marks.flatMap((one) => ('policy' in one ? [one.policy] : []));
}

function strictest(words: ReadonlySet<Word>): Word | undefined {
  return (['required', 'optional', 'public'] as const).find((word) => words.has(word));
}

/** Of the class and of all that it extends, each for itself. */
function classMarks(owner: Class): Mark[][] {
  return chainOf(owner).map((one) => (Reflect.getOwnMetadata(MARKS, one) as Mark[] | undefined) ?? []);
}

/** Of the method and of all that it overrides, each for itself. */
function methodMarks(owner: Class, key: string | symbol): Mark[][] {
  return chainOf(owner.prototype as object).map((one) => (Reflect.getOwnMetadata(MARKS, one, key) as Mark[] | undefined) ?? []);
}

/** Whether a class or one of its methods was decorated. */
export function hasMarks(owner: Class, keys: readonly (string | symbol)[]): boolean {
  return [...classMarks(owner), ...keys.flatMap((key) => methodMarks(owner, key))].some((marks) => marks.length > 0);
}

/** Whether the guard itself stands on a class or on a method's function. */
export function isGuarded(at: object): boolean {
  const guards = Reflect.getMetadata('__guards__', at) as readonly unknown[] | undefined;
  return guards?.some((one) => typeof one === 'function' && GUARD in one) === true;
}

function chainOf(start: object): object[] {
  const chain: object[] = [];
  for (let at: object | null = start; at !== null && at !== Function.prototype && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    chain.push(at);
  }
  return chain;
}

/**
 * The rule of the handler that Nest is about to run. Its function is looked for by identity, and by name where something wrapped it on its
 * way to Nest, as tracing does.
 *
 * @throws Error where it is no method of its class, or its decorators contradict each other: nobody is admitted to it
 */
export function ruleOfHandler(owner: Class, handler: { readonly name: string }): Rule {
  const known = RULES.get(handler)?.get(owner);
  if (known) return known;
  const key = keyOf(owner, handler);
  if (key === undefined)
    throw new Error(`tokenward: ${owner.name} has no method, or several, that are the handler "${handler.name}", so it is not known what it needs`);
  const rule = ruleOf(owner, key);
  if (rule.problems.length > 0) throw new Error(`tokenward: ${owner.name}.${String(key)} ${rule.problems.join('; ')}`);
  if (!RULES.has(handler)) RULES.set(handler, new Map());
  RULES.get(handler)!.set(owner, rule);
  return rule;
}

const RULES = new WeakMap<object, Map<Class, Rule>>();

function keyOf(owner: Class, handler: { readonly name: string }): string | symbol | undefined {
  const levels = chainOf(owner.prototype as object);
  const keys = levels.flatMap((level) => Reflect.ownKeys(level).filter((key) => methodAt(level, key) === handler));
  if (keys.length > 0) return new Set(keys).size === 1 ? keys[0] : undefined;
  return levels.some((level) => typeof methodAt(level, handler.name) === 'function') ? handler.name : undefined;
}

function methodAt(level: object, key: string | symbol): unknown {
  return Object.getOwnPropertyDescriptor(level, key)?.value;
}
