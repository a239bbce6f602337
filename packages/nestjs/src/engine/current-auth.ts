import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { Auth, Claims } from '@tokenward/core';
import { authOf, createMemory, misuse } from '@tokenward/core/adapter';
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
 * Who a call is from, as its handler's guard found it. From a request alone: as the last guard on its way did.
 *
 * @param from a handler's `ExecutionContext`, in interceptors and in guards of your own; or the request
 * @param optional for what stands behind @OptionalAuth(): undefined where no credentials came
 * @throws ConfigurationError where no guard admitted the call, and where it is from nobody
 */
export function getAuth<C extends object = Claims>(from: ExecutionContext | object): Auth<C>;
export function getAuth<C extends object = Claims>(from: ExecutionContext | object, optional: 'optional'): Auth<C> | undefined;
export function getAuth(from: ExecutionContext | object, optional?: 'optional'): Auth | undefined {
  const auth = isContext(from) ? authIn(from, optional) : authOf(from);
  if (!auth && optional !== 'optional') throw misuse('getAuth()', "the call is from nobody. Behind @OptionalAuth() write getAuth(..., 'optional')");
  return auth;
}

function authIn(context: ExecutionContext, optional?: 'optional'): Auth | undefined {
  const { access, guard } = ruleOfHandler(context.getClass(), context.getHandler());
  if (!access && optional === 'optional') return undefined;
  if (!access)
    throw misuse('getAuth()', "the handler is @Public(), so that nobody was authenticated. Where it may be either, write getAuth(context, 'optional')");
  const request = requestOf(context);
  const known = request && found.get(request);
  if (known?.has(guard)) return known.get(guard);
  throw misuse(
    'getAuth()',
    'no guard has authenticated this call yet; a guard of your own must stand behind ours: under @UseGuards(), or in a module that is imported after TokenwardModule',
  );
}

function isContext(from: object): from is ExecutionContext {
  return 'getHandler' in from && 'getClass' in from && 'getArgByIndex' in from;
}

type Pipes = readonly (Type<PipeTransform> | PipeTransform)[];

/**
 * Who the call is from: an `Auth`, or one of its members, through pipes if there are any. Behind @OptionalAuth() it may be undefined.
 *
 * @example list(@CurrentAuth() auth: Auth) {}
 * @example list(@CurrentAuth('subject', LoadUser) user: User) {}
 */
export function CurrentAuth(...pipes: Pipes): ParameterDecorator;
export function CurrentAuth(member: keyof Auth, ...pipes: Pipes): ParameterDecorator;
export function CurrentAuth(...given: readonly (keyof Auth | Pipes[number])[]): ParameterDecorator {
  if (typeof given[2] === 'number') throw misuse('@CurrentAuth', 'stands without its brackets. Write @CurrentAuth()');
  return ofContext(...(given as Pipes));
}

const ofContext = createParamDecorator((member: keyof Auth | undefined, context: ExecutionContext): unknown => {
  const auth = authIn(context);
  return member === undefined ? auth : auth?.[member];
});
