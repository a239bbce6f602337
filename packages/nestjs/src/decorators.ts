import { UseGuards, type CanActivate, type Type } from '@nestjs/common';
import { anyRole, anyScope, role, scope, type Policy } from '@tokenward/core';
import { misuse, requirementsFor, requirementsOf } from '@tokenward/core/adapter';
import { TokenwardGuard } from './guard.js';
import { ModuleIsImported } from './start/installed.js';
import { isGuarded, mark, type HandlerPolicy, type Mark } from './rules/rule.js';

/** For a class or for a method. */
export type ClassOrMethodDecorator = (target: object, key?: string | symbol, descriptor?: PropertyDescriptor) => void;

/** All of these scopes are needed, beside what the class and other decorators need. */
export function Scopes(...scopes: readonly string[]): ClassOrMethodDecorator {
  return guarded('@Scopes()', { policy: scope(...scopes) });
}

/** At least one of these scopes is needed. */
export function AnyScope(...scopes: readonly string[]): ClassOrMethodDecorator {
  return guarded('@AnyScope()', { policy: anyScope(...scopes) });
}

/** All of these roles are needed. */
export function Roles(...roles: readonly string[]): ClassOrMethodDecorator {
  return guarded('@Roles()', { policy: role(...roles) });
}

/** At least one of these roles is needed. */
export function AnyRole(...roles: readonly string[]): ClassOrMethodDecorator {
  return guarded('@AnyRole()', { policy: anyRole(...roles) });
}

/**
 * All of these policies are needed.
 *
 * @throws ConfigurationError where one is no policy
 *
 * @example @Put('payout') @Require(scope('payout'), acr('urn:example:mfa'), maxAge(300))
 */
export function Require(...policies: readonly [Policy, ...Policy[]]): ClassOrMethodDecorator {
  const { policy } = requirementsOf('required', policies);
  if (!policy) throw misuse('@Require()', 'needs at least one policy; for a valid token alone there is @Authenticated()');
  return guarded('@Require()', { policy });
}

/**
 * All of these policies are needed, some of which are made of the request at hand. A function that throws, or gives no policy, refuses.
 *
 * @throws ConfigurationError where one is neither a policy nor a function of one parameter
 *
 * @example @Get('tenants/:tenant/orders') @Policies(({ params }) => claim('tenant', params['tenant'] ?? ''))
 */
export function Policies(...policies: readonly [HandlerPolicy, ...HandlerPolicy[]]): ClassOrMethodDecorator {
  if (policies.length === 0) throw misuse('@Policies()', 'needs at least one policy. For a valid token alone write @Authenticated()');
  requirementsFor('required', policies);
  const added = policies.map((policy) => guarded('@Policies()', { policy }));
  return (target, key, descriptor) => {
    for (const add of added.toReversed()) add(target, key, descriptor);
  };
}

/** A valid token is needed, and nothing more: where the class says @Public(), or where the global guard can't see the handler. */
export function Authenticated(...none: readonly never[]): ClassOrMethodDecorator {
  assertCalled('@Authenticated', none);
  return guarded('@Authenticated()', { word: 'required' });
}

/** No credentials are needed, but wrong ones are refused, and a token that is there needs what else is asked for. */
export function OptionalAuth(...none: readonly never[]): ClassOrMethodDecorator {
  assertCalled('@OptionalAuth', none);
  return guarded('@OptionalAuth()', { word: 'optional' });
}

/** Open to everybody, whatever credentials are sent. On a method it lifts what the class needs; on a class it lifts nothing of its methods. */
export function Public(...none: readonly never[]): ClassOrMethodDecorator {
  assertCalled('@Public', none);
  return (target, key, descriptor) => {
    place('@Public()', { word: 'public' }, target, key, descriptor);
    useGuard(ModuleIsImported, target, key, descriptor);
  };
}

/** Which guard decides, where there are several: the `name` that `TokenwardModule.forRoot` was given. */
export function GuardedBy(name: string): ClassOrMethodDecorator {
  if (typeof name !== 'string' || name === '') throw misuse('@GuardedBy()', 'needs the name of a guard');
  return guarded('@GuardedBy()', { guard: name });
}

/** The guard itself stands on the class or method as well, since there are handlers that Nest's global guards don't see (hybrid applications). */
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

/** Without its brackets a decorator takes the class, or the method, for what it is called with, and what it returns for the class. */
function assertCalled(name: string, given: readonly unknown[]): void {
  if (given.length > 0) throw misuse(name, `takes no arguments. Write ${name}()`);
}

function place(name: string, added: Mark, target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void {
  const isMethod = key !== undefined && typeof descriptor?.value === 'function' && typeof target !== 'function';
  if (!isMethod && (key !== undefined || typeof target !== 'function'))
    throw misuse(name, `stands on ${String(key)}, which is no method: it belongs on a class or a method`);
  mark(target, key, added);
}
