import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { AppClaims, Auth } from '@tokenward/core';
import { authOf, createMemory, misuse, requireAuth } from '@tokenward/core/adapter';
import { requestOf } from '../call/carrier.js';
import { ruleOfHandler } from '../rules/rule.js';

/** Whom each guard found a request to be from, by the guard's name: one request may call handlers of several guards (GraphQL). */
const found = createMemory<object, Map<string, Auth | undefined>>();

/** What is known already stays: one request may call handlers that are open and others that are not. */
export function rememberNobody(request: object, guard: string): void {
  if (!found.get(request)?.has(guard)) rememberAuth(request, guard, undefined);
}

export function rememberAuth(request: object, guard: string, auth: Auth | undefined): void {
  const known = found.get(request);
  if (known) known.set(guard, auth);
  else found.set(request, new Map([[guard, auth]]));
}

/**
 * Returns the `Auth` of a call, as its handler's guard found it. For a request alone: as the last guard on its way found it.
 *
 * @param from a handler's `ExecutionContext`, in interceptors and in guards of your own; or the request
 * @throws ConfigurationError if no guard has admitted the call, or if its handler does not require an access token and none came
 */
export function getAuth<C extends object = AppClaims>(from: ExecutionContext | object): Auth<C>;
/**
 * Returns the `Auth` of a call, or undefined if its handler does not require an access token and none came: behind `@OptionalAuth()` and `@Public()`.
 *
 * @throws ConfigurationError if no guard has admitted the call
 */
export function getAuth<C extends object = AppClaims>(from: ExecutionContext | object, optional: 'optional' | undefined): Auth<C> | undefined;
export function getAuth(from: ExecutionContext | object, optional?: 'optional'): Auth | undefined {
  return isContext(from) ? authIn(from, optional) : authOf(from, optional);
}

/** @param guard the name of the guard that is asked; by default, the handler's own */
export function authIn(context: ExecutionContext, optional?: 'optional', guard?: string): Auth | undefined {
  const name = guard === undefined ? 'getAuth' : 'guard.getAuth';
  const rule = ruleOfHandler(context.getClass(), context.getHandler());
  if (!rule.access) return requireAuth(undefined, optional, name);
  const request = requestOf(context);
  const known = request && found.get(request);
  const asked = guard ?? rule.guard;
  if (known?.has(asked)) return requireAuth(known.get(asked), optional, name);
  throw misuse(
    `${name}()`,
    asked === rule.guard
      ? 'no guard has authenticated this call yet; a guard of your own must stand behind ours: under @UseGuards(), or in a module that is imported after TokenwardModule'
      : `the guard "${asked}" has not authenticated this call: its handler is guarded by "${rule.guard}"`,
  );
}

export function isContext(from: object): from is ExecutionContext {
  return 'getHandler' in from && 'getClass' in from && 'getArgByIndex' in from;
}

type Pipes = readonly (Type<PipeTransform> | PipeTransform)[];

/**
 * Injects the `Auth` of the call, or one of its members, through pipes if there are any. As `getAuth(context)`, it throws if there is none. Write
 * `'optional'` for undefined instead: behind `@OptionalAuth()` and `@Public()`.
 *
 * @example list(@CurrentAuth() auth: Auth) {}
 * @example news(@CurrentAuth('optional') auth: Auth | undefined) {}
 * @example list(@CurrentAuth('subject', LoadUser) user: User) {}
 */
export function CurrentAuth(...pipes: Pipes): ParameterDecorator;
export function CurrentAuth(optional: 'optional', ...pipes: Pipes): ParameterDecorator;
export function CurrentAuth(member: keyof Auth, ...pipes: Pipes): ParameterDecorator;
export function CurrentAuth(member: keyof Auth, optional: 'optional', ...pipes: Pipes): ParameterDecorator;
export function CurrentAuth(...given: readonly (keyof Auth | 'optional' | Pipes[number])[]): ParameterDecorator {
  if (typeof given[2] === 'number') throw misuse('@CurrentAuth', 'stands without its brackets. Write @CurrentAuth()');
  const injected = given[0] === 'optional' || given[1] === 'optional' ? optionalOfContext : ofContext;
  return injected(...(given.filter((one) => one !== 'optional') as unknown as Pipes));
}

const ofContext = createParamDecorator((member: keyof Auth | undefined, context: ExecutionContext): unknown => {
  const auth = authIn(context)!;
  return member === undefined ? auth : auth[member];
});

const optionalOfContext = createParamDecorator((member: keyof Auth | undefined, context: ExecutionContext): unknown => {
  const auth = authIn(context, 'optional');
  return member === undefined ? auth : auth?.[member];
});
