import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import type { ConfigurationProblem } from '@tokenward/core';
import { findGateways, methodsOf, type Handler } from './handlers.js';
import { hasMarks, ruleOfClass } from './rule.js';

/** Decorators that contradict each other, and such as guard nothing. */
export function problemsOf(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  return [
    ...handlers.flatMap(({ name, rule }) => rule.problems.map((message) => ({ path: name, message }))),
    ...findGateways(modules).flatMap((gateway) => ruleOfClass(gateway).problems.map((message) => ({ path: gateway.name, message }))),
    ...markedForNothing(handlers, modules).map(({ name }) => ({
      path: name,
      message: 'has decorators of tokenward and no handler: Nest runs guards for controllers, resolvers and gateways alone',
    })),
  ];
}

/** Providers whose decorators nobody reads. */
function markedForNothing(handlers: readonly Handler[], modules: ModulesContainer): Type[] {
  const owners = new Set<unknown>([...handlers.map(({ owner }) => owner), ...findGateways(modules)]);
  const all = new Set([...modules.values()].flatMap(({ providers }) => [...providers.values()].map(({ metatype }) => metatype as unknown)));
  return [...all]
    .filter((one): one is Type => typeof one === 'function' && typeof one.prototype === 'object' && !owners.has(one))
    .filter((one) => hasMarks(one, methodsOf(one)));
}

/**
 * Messages of a hybrid application. `connectMicroservice` takes over no global guard unless it is told `inheritAppConfig: true`, and nothing
 * shows whether it was: such handlers have the guard on themselves.
 */
export function problemsOfHybrid(handlers: readonly Handler[]): ConfigurationProblem[] {
  return handlers
    .filter(({ kind, rule, isGuarded }) => kind === 'rpc' && rule.access && !isGuarded)
    .map(({ name }) => ({
      path: name,
      message:
        'takes messages in an application that serves HTTP, too, where connectMicroservice leaves global guards out: put @Authenticated(), or what it needs, on the class (or @Public())',
    }));
}

/** Fields and references of GraphQL that need something, in an application in which Nest runs no guards for them. */
export function problemsOfFields(handlers: readonly Handler[], modules: ModulesContainer): ConfigurationProblem[] {
  if (runsGuardsForFields(modules)) return [];
  return handlers
    .filter(({ isField, at, rule }) => isField && rule.access && (rule.marked || at === 'reference'))
    .map(({ name, at }) => ({
      path: name,
      message: `is a ${at === 'reference' ? 'reference' : 'field'} resolver, for which Nest runs no guards: give GraphQLModule fieldResolverEnhancers: ['guards'], or put @Public() on it`,
    }));
}

function runsGuardsForFields(modules: ModulesContainer): boolean {
  const given = [...modules.values()].flatMap(({ providers }) => {
    const options = providers.get('GqlModuleOptions')?.instance as { fieldResolverEnhancers?: readonly string[] } | null | undefined;
    return options ? [options] : [];
  });
  return given.length > 0 && given.every(({ fieldResolverEnhancers }) => fieldResolverEnhancers?.includes('guards'));
}
