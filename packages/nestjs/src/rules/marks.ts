import 'reflect-metadata';
import type { ProtectedRequest } from '@tokenward/core';
import type { RoutePolicy } from '@tokenward/core/adapter';

/** What one decorator adds to a class or a handler. `word` says whether a token is needed at all. */
export type Mark = { readonly word: Word } | { readonly policy: HandlerPolicy } | { readonly guard: string };

/** The request that a function of `@Policies()` gets. */
export interface PolicyRequest extends ProtectedRequest {
  /** The parameters of the matched route. Empty for calls without a route. */
  readonly params: Readonly<Record<string, string>>;
}

/** A policy, or a function that makes one from the request. */
export type HandlerPolicy = RoutePolicy<PolicyRequest>;

export type Word = 'public' | 'optional' | 'required';

const MARKS = Symbol.for('tokenward.marks');

/** Marks the guard's class, in every copy of this package. */
export const GUARD: unique symbol = Symbol.for('tokenward.guard') as never;

/** Marks the class of a guard of ours that refuses nothing. */
export const ADMITS_ALL: unique symbol = Symbol.for('tokenward.admits-all') as never;

export type Class = abstract new (...parameters: never[]) => unknown;

/** Adds a mark to a class, or to a method of a prototype. A method is named by its key, because other decorators may replace its function. */
export function mark(target: object, key: string | symbol | undefined, added: Mark): void {
  // decorators run from the last to the first
  const marks = [added, ...marksOf(target, key)];
  if (key === undefined) Reflect.defineMetadata(MARKS, marks, target);
  else Reflect.defineMetadata(MARKS, marks, target, key);
}

/** Returns the marks of a class, or of a method where it is declared. */
export function marksOf(declared: object, key?: string | symbol): readonly Mark[] {
  const marks = key === undefined ? Reflect.getOwnMetadata(MARKS, declared) : Reflect.getOwnMetadata(MARKS, declared, key);
  return (marks as readonly Mark[] | undefined) ?? [];
}

/** Returns whether a class has a decorator of this package. */
export function isMarked(owner: Class): boolean {
  return chainOf(owner).some((one) => marksOf(one).length > 0);
}

/** Returns the methods of a class whose declaration in effect has a decorator of this package. */
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

/** Returns whether Nest runs the guard for a class or for a method's function. A subclass with a `canActivate` of its own may not wait for ours. */
export function isGuarded(at: object): boolean {
  const guards: unknown = Reflect.getMetadata('__guards__', at);
  return Array.isArray(guards) && guards.some((one) => isGuard([one]) && decidesAsGuard(one as object));
}

function decidesAsGuard(one: object): boolean {
  if (typeof one !== 'function' && Object.hasOwn(one, 'canActivate')) return false;
  const classes = chainOf(typeof one === 'function' ? one : one.constructor);
  const own = classes.findIndex((level) => Object.hasOwn(level, GUARD));
  return classes.slice(0, own).every((level) => !Object.hasOwn((level as Class).prototype as object, 'canActivate'));
}

export function isGuard(guards: unknown): boolean {
  return Array.isArray(guards) && guards.some((one) => (typeof one === 'function' && GUARD in one) || isGuardInstance(one));
}

/** `@UseGuards(new TokenwardGuard())`: a guard that Nest did not create, and that admits no call. */
function isGuardInstance(one: unknown): boolean {
  return typeof one === 'object' && one !== null && GUARD in (one.constructor as object);
}

/** Returns an object and what it inherits from, without the built-in prototypes. */
export function chainOf(start: object): object[] {
  const chain: object[] = [];
  for (let at: object | null = start; at !== null && at !== Function.prototype && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    chain.push(at);
  }
  return chain;
}
