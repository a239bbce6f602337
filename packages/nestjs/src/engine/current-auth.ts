import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { AppClaims, Auth } from '@tokenward/core';
import { authOf, misuse, requireAuth } from '@tokenward/core/adapter';
import { foundBy } from '../call/call-notes.js';
import { requestOf } from '../call/carrier.js';
import { ruleOfHandler } from '../rules/rule.js';

/**
 * Returns the `Auth` of a call, as its handler's guard found it. For a request alone: as the last guard that ran found it.
 *
 * @param from the handler's `ExecutionContext`, in interceptors and in guards of your own; or the request
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

/** @param guard the name of the guard whose result is wanted. Default: the handler's own guard */
export function authIn(context: ExecutionContext, optional?: 'optional', guard?: string): Auth | undefined {
  const name = guard === undefined ? 'getAuth' : 'guard.getAuth';
  const rule = ruleOfHandler(context.getClass(), context.getHandler());
  if (!rule.requirements) return requireAuth(undefined, optional, name);
  const request = requestOf(context);
  const asked = guard ?? rule.guard;
  const found = request && foundBy(request, asked);
  if (found) return requireAuth(found.auth, optional, name);
  throw misuse(
    `${name}()`,
    asked === rule.guard
      ? 'no guard has authenticated this call yet. Run guards of your own after it: write them in @UseGuards(), or import their module after TokenwardModule'
      : `the guard "${asked}" has not authenticated this call, because its handler is guarded by "${rule.guard}". Ask that guard`,
  );
}

export function isContext(from: object): from is ExecutionContext {
  return 'getHandler' in from && 'getClass' in from && 'getArgByIndex' in from;
}

type Pipes = readonly (Type<PipeTransform> | PipeTransform)[];

/**
 * Injects the `Auth` of the call, or one of its members, through pipes if there are any. Like `getAuth(context)`, it throws if there is none. With
 * `'optional'` it injects undefined instead: for handlers with `@OptionalAuth()` or `@Public()`.
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
  if (typeof given[2] === 'number') throw misuse('@CurrentAuth', 'is used without parentheses. Write @CurrentAuth()');
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
