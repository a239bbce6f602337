import { UseGuards, type CanActivate, type Type } from '@nestjs/common';
import { anyRole, anyScope, role, scope, type Policy } from '@tokenward/core';
import { misuse, requirementsFor, requirementsOf } from '@tokenward/core/adapter';
import { TokenwardGuard } from './guard.js';
import { ModuleIsImported } from './start/installed.js';
import { isGuarded, mark, type HandlerPolicy, type Mark } from './rules/marks.js';

/** A decorator for a class or a method. */
export type ClassOrMethodDecorator = (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => void;

/** Requires all of these scopes, in addition to what the class and other decorators require. */
export function Scopes(...scopes: readonly string[]): ClassOrMethodDecorator {
  return guarded('@Scopes()', { policy: scope(...scopes) });
}

/** Requires at least one of these scopes. */
export function AnyScope(...scopes: readonly string[]): ClassOrMethodDecorator {
  return guarded('@AnyScope()', { policy: anyScope(...scopes) });
}

/** Requires all of these roles. */
export function Roles(...roles: readonly string[]): ClassOrMethodDecorator {
  return guarded('@Roles()', { policy: role(...roles) });
}

/** Requires at least one of these roles. */
export function AnyRole(...roles: readonly string[]): ClassOrMethodDecorator {
  return guarded('@AnyRole()', { policy: anyRole(...roles) });
}

/**
 * Requires all of these policies.
 *
 * @throws ConfigurationError if one is not a policy
 *
 * @example @Put('payout') @Require(scope('payout'), acr('urn:example:mfa'), maxAge(300))
 */
export function Require(...policies: readonly [Policy, ...Policy[]]): ClassOrMethodDecorator {
  const { policy } = requirementsOf('required', policies);
  if (!policy) throw misuse('@Require()', 'needs at least one policy. To require a valid token alone, write @Authenticated()');
  return guarded('@Require()', { policy });
}

/**
 * Requires all of these policies. A function makes a policy from the request. If it throws or returns no policy, the guard refuses the request.
 *
 * @throws ConfigurationError if one is neither a policy nor a function of one parameter
 *
 * @example @Get('tenants/:tenant/orders') @Policies(({ params }) => claim('tenant', params['tenant'] ?? ''))
 */
export function Policies(...policies: readonly [HandlerPolicy, ...HandlerPolicy[]]): ClassOrMethodDecorator {
  if (policies.length === 0) throw misuse('@Policies()', 'needs at least one policy. To require a valid token alone, write @Authenticated()');
  requirementsFor('required', policies);
  const added = policies.map((policy) => guarded('@Policies()', { policy }));
  return (target, key, descriptor) => {
    for (const add of added.toReversed()) add(target, key, descriptor);
  };
}

/** Requires a valid token and nothing more. Use it where the class is `@Public()`, and on handlers that Nest's global guards do not cover. */
export function Authenticated(...none: readonly never[]): ClassOrMethodDecorator {
  assertCalled('@Authenticated', none);
  return guarded('@Authenticated()', { word: 'required' });
}

/** Admits requests without credentials. An invalid token is refused, and a valid one must meet the other requirements. */
export function OptionalAuth(...none: readonly never[]): ClassOrMethodDecorator {
  assertCalled('@OptionalAuth', none);
  return guarded('@OptionalAuth()', { word: 'optional' });
}

/** Admits every request, with any credentials or none. On a method it lifts the requirements of the class; on a class it lifts no requirements of methods. */
export function Public(...none: readonly never[]): ClassOrMethodDecorator {
  assertCalled('@Public', none);
  return (target, key, descriptor) => {
    place('@Public()', { word: 'public' }, target, key, descriptor);
    useGuard(ModuleIsImported, target, key, descriptor);
  };
}

/** Names the guard that decides, in an application with several: the `name` that `TokenwardModule.forRoot` got. */
export function GuardedBy(name: string): ClassOrMethodDecorator {
  if (typeof name !== 'string' || name === '') throw misuse('@GuardedBy()', 'needs the name of a guard: the `name` that TokenwardModule.forRoot got');
  return guarded('@GuardedBy()', { guard: name });
}

/** Adds the guard to the class or method as well: in hybrid applications, Nest's global guards do not run for every handler. */
function guarded(name: string, added: Mark): ClassOrMethodDecorator {
  return (target, key, descriptor) => {
    place(name, added, target, key, descriptor);
    const at: unknown = descriptor ? descriptor.value : target;
    if (!isGuarded(at as object)) useGuard(TokenwardGuard, target, key, descriptor);
  };
}

function useGuard(guard: Type<CanActivate>, target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void {
  if (descriptor) UseGuards(guard)(target, key!, descriptor);
  else UseGuards(guard)(target as new () => unknown);
}

/** A decorator without brackets gets the class or method as its arguments, and its result replaces the class. */
function assertCalled(name: string, given: readonly unknown[]): void {
  if (given.length > 0) throw misuse(name, `takes no arguments. Write ${name}()`);
}

function place(name: string, added: Mark, target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void {
  const isMethod = key !== undefined && typeof descriptor?.value === 'function' && typeof target !== 'function';
  if (!isMethod && (key !== undefined || typeof target !== 'function'))
    throw misuse(name, `is on ${String(key)}, which is not a method. Put it on a class or a method`);
  mark(target, key, added);
}
